"""The option `--port` of commands that serve on this machine."""

import re

from twintrain.errors import UserError
from twintrain.settings.overrides import NOT_GIVEN
from twintrain.system.ports import check_port


def read_port(given: str) -> int | None:
    """The port that `--port` names; None where none was given.

    Raises:
        UserError: it is no port, or one that cannot be had.
    """
    if given in NOT_GIVEN:
        return None
    # Of five digits at most: int() refuses thousands with an error of its own.
    if not re.fullmatch(r"0*[0-9]{1,5}", given[-20:]) or not 1 <= int(given[-20:]) <= 65535 or len(given) > 20:
        raise UserError(f"--port: expected a number from 1 to 65535, got '{given}'")
    check_port(int(given))
    return int(given)
