"""The arrays of an archive as memory maps, which `numpy.load` has of single arrays alone."""

import struct
import zipfile
from pathlib import Path

import numpy as np

# Of a file in an archive: bytes before its name, and where in them the lengths of name and extra field stand.
LOCAL_HEADER, LENGTHS = 30, 26


def mapped_arrays(path: Path, archive: zipfile.ZipFile) -> dict[str, np.ndarray]:
    """The arrays of an .npz file that is not compressed, read-only; all of it is read once, to see that it is whole.

    Raises:
        ValueError: it is damaged, or holds something else.
    """
    if broken := archive.testzip():
        raise ValueError(f"other bytes in {broken} than were written")
    return {entry.filename.removesuffix(".npy"): _mapped(path, archive, entry) for entry in archive.infolist()}


def _mapped(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
    if entry.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{entry.filename} compressed")
    with archive.open(entry) as member:
        if np.lib.format.read_magic(member) != (1, 0):
            raise ValueError(f"{entry.filename} of another version")
        shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(member)
        header = member.tell()
    if dtype.hasobject:
        raise ValueError("pickled objects")
    if 0 in shape:
        return np.empty(shape, dtype)
    with path.open("rb") as file:
        file.seek(entry.header_offset + LENGTHS)
        name, extra = struct.unpack("<HH", file.read(4))
    start = entry.header_offset + LOCAL_HEADER + name + extra + header
    return np.asarray(np.memmap(path, dtype, "r", start, shape, "F" if is_fortran else "C"))
