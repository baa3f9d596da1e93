"""Files of text, plain or packed, as bytes."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from twintrain.data.readers import archives
from twintrain.errors import UserError


@contextlib.contextmanager
def open_table(path: Path) -> Iterator[BinaryIO]:
    """Opens a file (plain or .gz), or the one file of a .zip, as bytes."""
    if path.suffix.lower() == ".zip":
        names = [member.name for member in archives.members(path) if not member.name.startswith("__MACOSX/")]
        if len(names) != 1:
            raise UserError(f"{path}: expected an archive of one table, got {len(names)} files: {', '.join(names[:5])}")
        with archives.open_member(path, names[0], archives.LARGEST_ARCHIVE) as stream:
            yield stream
    elif path.suffix.lower() == ".gz":
        with archives.open_bytes(path, archives.LARGEST_ARCHIVE) as stream:
            yield stream
    else:
        with path.open("rb") as stream:
            yield stream
