"""The file of a recording: arrays by name, and a header of JSON among them."""

import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from twintrain import __version__
from twintrain.errors import UserError, cut, first_line, kind_of, said_of_file, shown

FORMAT = 1
HEADER = "recording"
# Numbers of a network hardly get smaller: more effort takes several times as long and saves a percent.
EFFORT = 1
RECORD_AGAIN = "record it again with twintrain.record(…)"
EXPECTED_PLACE = "expected to= in a folder that is there and may be written to"
EXPECTED = "expected a file that twintrain.record(…, to=…) wrote"
# What reading a damaged zip file raises.
DAMAGED = (OSError, ValueError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError)


def writable(to: Any) -> Path:
    """The path of a file that is to be written, asked for before what goes into it is computed.

    Raises:
        UserError: it is no path, or nothing can be written there.
    """
    if not isinstance(to, str | os.PathLike) or not isinstance(os.fspath(to), str):
        raise UserError(f"to=: expected the path of a file to write, .npz, got {cut(type(to).__name__)}")
    path = Path(to)
    try:
        if path.exists() and not path.is_file():
            raise UserError(f"{path} cannot be written: it is {kind_of(path.stat().st_mode)}; {EXPECTED_PLACE}")
        if not path.parent.is_dir():
            raise UserError(f"{path} cannot be written: there is no folder {path.parent}; {EXPECTED_PLACE}")
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise UserError(f"{path} cannot be written: {path.parent} is not to be written to; {EXPECTED_PLACE}")
    except OSError as error:
        raise cannot_be_written(path, error) from error
    return path


def cannot_be_written(path: Path, error: OSError) -> UserError:
    """What is told of a file that is not written."""
    return UserError(f"{path} cannot be written: {said_of_file(error)}; {EXPECTED_PLACE}")


def write(path: Path, header: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Writes what `np.savez_compressed` would, with less effort for a few bytes."""
    text = json.dumps(header, ensure_ascii=False, allow_nan=False).encode()
    entries = ((name, arrays[name]) for name in arrays if name != HEADER)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=EFFORT) as archive:
        for name, array in ((HEADER, np.frombuffer(text, np.uint8)), *entries):
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)


def opened(path: Path, what: str = "recording", expected: str = EXPECTED, remedy: str = RECORD_AGAIN) -> Any:
    """Opens an .npz file; each array is read when it is asked for.

    Args:
        what: what the file is called, and is `expected` to be, and the `remedy` where it is damaged.

    Raises:
        UserError: there is none.
    """
    try:
        if not path.is_file():
            found = f"is {kind_of(path.stat().st_mode)}" if path.exists() else "is not there"
            raise UserError(f"{what} {path} {found}; {expected}")
        with path.open("rb") as file:
            begins_as_zip = file.read(2) == b"PK"
        if not begins_as_zip:
            raise UserError(f"{path} is no .npz file; {expected}")
        return np.load(path, allow_pickle=False)
    except (zipfile.BadZipFile, EOFError, ValueError) as error:
        raise UserError(f"{path} is cut off or damaged; {remedy}") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {said_of_file(error)}; {expected}") from error


def shapes_in(
    path: Path, arrays: Any, expected: str = EXPECTED, remedy: str = RECORD_AGAIN
) -> dict[str, tuple[int, ...]]:
    """Shapes of all arrays, of which only the beginnings are read.

    Raises:
        UserError: some entry is no array, or one of pickled objects.
    """
    shapes = {}
    for name in arrays.zip.namelist():
        try:
            with arrays.zip.open(name) as entry:
                version = np.lib.format.read_magic(entry)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, _, dtype = read(entry)
        except DAMAGED as error:
            raise UserError(f"{path} is damaged in {shown(name)}: {cut(first_line(error))}; {remedy}") from error
        if dtype.hasobject:
            raise UserError(f"{path} has pickled objects in {shown(name)}, which could run any code; {expected}")
        shapes[name.removesuffix(".npy")] = shape
    return shapes


def read_header(path: Path, arrays: Any) -> dict[str, Any]:
    """The JSON of an open file.

    Raises:
        UserError: it is none, or one of another format.
    """
    if HEADER not in arrays:
        raise UserError(f"{path} has no entry '{HEADER}'; {EXPECTED}")
    try:
        header = json.loads(arrays[HEADER].tobytes().decode())
        number = header["format"]
    except (KeyError, TypeError, *DAMAGED) as error:
        raise UserError(f"{path} has a header that cannot be read; {RECORD_AGAIN}") from error
    if number != FORMAT:
        raise UserError(
            f"{path} is of format {shown(number)}, and this twintrain ({__version__}) reads format {FORMAT}; "
            "record and compare with one version of twintrain"
        )
    return header
