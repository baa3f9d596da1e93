"""Files that the command writes."""

import contextlib
import os
from pathlib import Path

from twintrain.errors import UserError, said_of_file


def write_text(path: Path, text: str, option: str) -> None:
    """Writes a file; another one of that name is replaced once this one is whole.

    Raises:
        UserError: it cannot be written where an option says.
    """
    beside = path.parent / f".{path.name}.{os.getpid()}"
    try:
        beside.write_text(text, "utf-8")
        beside.replace(path)
    except OSError as error:
        raise UserError(
            f"{option}: {path} cannot be written: {said_of_file(error)}; expected a file in a folder that is there "
            "and may be written to"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()
