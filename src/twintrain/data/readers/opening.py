"""Files of text, plain or packed, as bytes."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from twintrain.data.readers import archives
from twintrain.errors import UserError


class Span(NamedTuple):
    """A part of a file that begins and ends with a row.

    Attributes:
        start, stop: bytes of a plain file of text, row groups of a Parquet file; None: to its end.
    """

    start: int = 0
    stop: int | None = None


WHOLE = Span()


@contextlib.contextmanager
def open_table(path: Path, span: Span = WHOLE) -> Iterator[BinaryIO]:
    """Opens a file (plain or .gz), or the one file of a .zip, as bytes; of a plain one maybe a part."""
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
            yield stream if span == WHOLE else io.BufferedReader(_Part(stream, span), buffer_size=2**20)


class _Part(io.RawIOBase):
    """A part of a file as a file of its own."""

    def __init__(self, stream: BinaryIO, span: Span) -> None:
        self._stream = stream
        self._left = float("inf") if span.stop is None else span.stop - span.start
        stream.seek(span.start)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        count = self._stream.readinto(buffer[: min(len(buffer), self._left)])
        self._left -= count
        return count
