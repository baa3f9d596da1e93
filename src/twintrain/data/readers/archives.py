"""Opening gzip, zip and tar without trusting them: no bombs, no paths that lead outside, no links or devices.

Nothing is ever unpacked to where an archive says: members are read as streams, and a stream ends with an error
after `limit` bytes. What is a zip, a tar or a gzip, a file's ending says.
"""

import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

from twintrain.errors import UserError, did_you_mean

DAMAGE = (
    EOFError,
    gzip.BadGzipFile,
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    OSError,
)
ZIP_ENDINGS = (".zip", ".npz")
TAR_ENDINGS = (".tar", ".tar.gz", ".tgz")
# Far above any data set that is read here, far below what a bomb of a few megabytes unpacks to.
LARGEST_ARCHIVE = 10 * 2**30


@dataclass(frozen=True)
class Member:
    """A file in an archive: its path there, and its size in bytes as the archive announces it."""

    name: str
    size: int


def is_archive(path: Path) -> bool:
    """Whether the file's ending is that of a zip or a tar."""
    return path.name.lower().endswith(ZIP_ENDINGS + TAR_ENDINGS)


def open_bytes(path: Path, limit: int) -> BinaryIO:
    """Opens a file, plain or .gz or .tgz (unpacked as it is read).

    The stream raises `UserError` where the file is damaged, and after more than `limit` bytes.

    Raises:
        UserError: there is no such file, or it cannot be read.
    """
    try:
        is_packed = path.suffix.lower() in (".gz", ".tgz")
        stream = gzip.open(path) if is_packed else path.open("rb")  # noqa: SIM115 (the caller closes it)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    return _limited(stream, str(path), limit, stream)


def members(path: Path, limit: int = LARGEST_ARCHIVE) -> list[Member]:
    """Lists the files of a zip or tar; folders are left out.

    Raises:
        UserError: the archive is damaged, unpacks to more than `limit` bytes, or holds an absolute path, a path with
            `..`, a link, a device, or a file twice.
    """
    found = [member for member, _ in each_member(path, limit)]
    names = set()
    for member in found:
        if member.name in names:
            raise UserError(f"{path} holds '{member.name}' twice; which one is meant?")
        names.add(member.name)
    return found


def open_member(path: Path, name: str, limit: int) -> BinaryIO:
    """Opens one file of a zip or tar.

    The stream raises `UserError` where the archive is damaged, and after more than `limit` bytes.

    Raises:
        UserError: there is no such member, or one before it is such that `members` refuses the archive.
    """
    passed = []
    archive = each_member(path)
    for member, stream in archive:
        if member.name == name:
            return _limited(stream, f"{path}: '{name}'", limit, archive)
        passed.append(member.name)
    raise UserError(f"{path} has no '{name}'{did_you_mean(name, passed)}")


def each_member(path: Path, limit: int = LARGEST_ARCHIVE) -> Iterator[tuple[Member, BinaryIO]]:
    """Yields each file of a zip or tar with its stream, in one pass (a tar.gz is unpacked once).

    A stream is good until the next is asked for.

    Raises:
        UserError: as `members`, when the member in question is reached.
    """
    try:
        if path.suffix.lower() in ZIP_ENDINGS:
            yield from _each_of_zip(path, limit)
        else:
            yield from _each_of_tar(path, limit)
    except FileNotFoundError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    except DAMAGE as error:
        raise UserError(f"{path} is damaged or no archive: {damage_text(error)}") from None


def wanted_members(path: Path, wanted: Collection[str], limit: int = LARGEST_ARCHIVE) -> dict[str, bytes]:
    """Reads files of a zip or tar by their names without folder, in one pass, which ends when all are found.

    Raises:
        UserError: as `members`, of what is passed on the way.
    """
    found: dict[str, bytes] = {}
    for member, stream in each_member(path, limit):
        name = PurePosixPath(member.name).name
        if name in wanted:
            found[name] = stream.read()
        if len(found) == len(wanted):
            break
    return found


def _each_of_zip(path: Path, limit: int) -> Iterator[tuple[Member, BinaryIO]]:
    left = limit
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            _refuse_bad_path(path, entry.filename)
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise UserError(f"{path}: '{entry.filename}' is a link or a device; only files are read")
            if entry.is_dir():
                continue
            left -= entry.file_size
            if left < 0:
                raise UserError(f"{path} unpacks to more than {limit:,} bytes; is it what it should be?")
            if entry.flag_bits & 0x1:
                raise UserError(f"{path}: '{entry.filename}' is encrypted")
            with archive.open(entry) as stream:
                name = f"{path}: '{entry.filename}'"
                yield Member(entry.filename, entry.file_size), _limited(stream, name, entry.file_size, stream)


def _each_of_tar(path: Path, limit: int) -> Iterator[tuple[Member, BinaryIO]]:
    with open_bytes(path, limit) as unpacked, tarfile.open(fileobj=unpacked, mode="r|") as archive:
        for entry in archive:
            _refuse_bad_path(path, entry.name)
            if entry.isdir():
                continue
            if not entry.isreg():
                raise UserError(f"{path}: '{entry.name}' is a link or a device; only files are read")
            stream = archive.extractfile(entry)
            yield Member(entry.name, entry.size), _limited(stream, f"{path}: '{entry.name}'", entry.size, stream)


def _refuse_bad_path(path: Path, name: str) -> None:
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or name[1:2] == ":" or not name:
        raise UserError(f"{path}: '{name}' leads outside of the archive; such a file is not read")


class _Closeable(Protocol):
    def close(self) -> None: ...


def damage_text(error: Exception) -> str:
    """What is wrong with a packed file, of which a library has raised one of DAMAGE."""
    if isinstance(error, EOFError):
        return "it ends too early, so part of it is lost"
    if isinstance(error, gzip.BadGzipFile) and str(error).startswith("Not a gzipped"):
        return "it does not begin as a gzip file does"
    if isinstance(error, zipfile.BadZipFile | tarfile.ReadError):
        return "it has no list of files where such an archive has it, so it is cut off or something else"
    if isinstance(error, NotImplementedError):
        return "it is packed in a way that is not known here; pack it anew"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "what it unpacks to is not what was packed"


class _Limited(io.RawIOBase):
    """A stream that ends with an error after too many bytes, and names the file when it is damaged."""

    def __init__(self, stream: BinaryIO, name: str, limit: int, owner: _Closeable) -> None:
        self._stream, self._name, self._limit, self._left, self._owner = stream, name, limit, limit, owner

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        try:
            chunk = self._stream.read(len(buffer))
        except DAMAGE as error:
            raise UserError(f"{self._name} is damaged: {damage_text(error)}") from None
        self._left -= len(chunk)
        if self._left < 0:
            raise UserError(f"{self._name} unpacks to more than {self._limit:,} bytes; is it what it should be?")
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        if not self.closed:
            self._owner.close()
        super().close()


def _limited(stream: BinaryIO, name: str, limit: int, owner: _Closeable) -> BinaryIO:
    return io.BufferedReader(_Limited(stream, name, limit, owner), buffer_size=2**20)
