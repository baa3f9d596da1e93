"""Ports of this machine that commands serve on, on its loopback address, which no other machine reaches."""

import re
import socket

from twintrain.errors import UserError
from twintrain.settings.overrides import NOT_GIVEN

HOST = "127.0.0.1"


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


def check_port(port: int) -> None:
    """Raises a UserError with a free port where this one is taken or not for everybody."""
    with socket.socket() as probe:
        # As servers do, or the port would seem taken for a minute after one has ended.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise UserError(f"port {port} cannot be had ({error.strerror}); a free one: --port {free_port()}") from None


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]
