"""Reads what stages and commands have written: JSON, NumPy arrays, Parquet. A damaged file is one line, never a pickle.

The line names the file, what was expected of it, and what makes it anew.
"""

import contextlib
import json
import re
import stat
import zipfile
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError

from twintrain.errors import UserError, first_line, kind_of
from twintrain.system.mapped import mapped_arrays

if TYPE_CHECKING:
    import pandas as pd

Arrays = dict[str, np.ndarray]
Model = TypeVar("Model", bound=BaseModel)

LARGEST_JSON = 2**28
# Whatever NumPy, zipfile and the numbers in a header come to in a file that is damaged or another one.
NOT_READABLE = (
    *(ValueError, TypeError, KeyError, EOFError, OSError, MemoryError, OverflowError, SyntaxError, RecursionError),
    *(NotImplementedError, zipfile.BadZipFile, zlib.error),
)
ANY_NUMBERS = "biuf"
# What makes a file anew, by where it lies. The first that fits.
MADE_BY = (
    (re.compile(r"build/(cost)\."), "dvc repro --force cost"),
    (re.compile(r"build/(ingested)(?:/|$)"), "dvc repro --force ingest"),
    (re.compile(r"build/(preprocessed)(?:/|$)"), "dvc repro --force preprocess"),
    (re.compile(r"build/(split|baseline)(?:/|$)"), r"dvc repro --force \1"),
    (re.compile(r"build/(train|evaluate)/([\w-]+)(?:/|$)"), r"dvc repro --force \1@\2"),
    (re.compile(r"results/parity\."), "dvc repro --force verify"),
    (re.compile(r"build/verify/"), "make verify"),
    (re.compile(r"results/(gate|champion)\."), "make promote"),
    (re.compile(r"results/(gallery)\.json"), "rm results/gallery.json, then make gallery"),
    (re.compile(r"results/"), "dvc repro --force compare"),
    (re.compile(r"build/sweeps/([\w-]+)\.db"), r"rm build/sweeps/\1.db, then make sweep"),
    (re.compile(r"(?:conf/|params\.yaml|dvc\.yaml|dvc\.lock)"), r"git checkout \g<0>"),
)


class DamagedFileError(UserError):
    """A file that is there, and is not what it should be."""


def way_back(path: Path, what: str = "make it anew") -> str:
    """`; make it anew: …`, as far as the place of a file tells what makes it."""
    place = path.as_posix()
    for form, command in MADE_BY:
        if found := form.match(place):
            return f"; {what}: {found.expand(command)}"
    return ""


def damaged(path: Path, expected: str, got: str) -> DamagedFileError:
    """The error for a file that is not what it should be."""
    return DamagedFileError(f"{path} is damaged: expected {expected}, got {got}{way_back(path)}")


def check_regular(path: Path, expected: str) -> int:
    """The size of a regular file; a FIFO or a device, which would be waited for, is refused.

    Raises:
        FileNotFoundError: there is none.
        DamagedFileError: it is another thing.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise damaged(path, expected, kind_of(found.st_mode))
    return found.st_size


class _Stored(dict[str, Any]):
    """An object of a JSON file, which says whose it is where a name is missing."""

    def __init__(self, content: dict[str, Any], path: Path) -> None:
        super().__init__(content)
        self.path = path

    def __missing__(self, name: str) -> NoReturn:
        raise damaged(self.path, f"an entry '{name}'", f"{', '.join(list(self)[:5]) or 'none'}")


def read_json(path: Path, kind: type | tuple[type, ...] = dict, needs: Collection[str] = ()) -> Any:
    """Reads a JSON file.

    Args:
        kind: what it holds; of objects any that lacks a name which is asked for is damaged too.
        needs: names that it must have, where they are not asked for one by one.

    Raises:
        FileNotFoundError: there is none.
        DamagedFileError: it is no JSON, holds NaN or infinity, or another kind of thing.
    """
    expected = "JSON"
    if (size := check_regular(path, expected)) > LARGEST_JSON:
        raise damaged(path, f"{LARGEST_JSON:,} bytes at most", f"{size:,}")
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text, parse_constant=_refuse_constant, object_hook=lambda found: _Stored(found, path))
    except (ValueError, RecursionError) as error:
        got = "an empty file" if not size else first_line(error)
        raise damaged(path, expected, got) from None
    if not isinstance(content, kind):
        names = {dict: "an object {…}", list: "a list […]"}
        kinds = kind if isinstance(kind, tuple) else (kind,)
        raise damaged(path, " or ".join(names.get(each, each.__name__) for each in kinds), _shortly(content))
    for name in needs:
        content[name]  # where it is missing, `_Stored` says so
    return content


def read_model(path: Path, schema: type[Model]) -> Model:
    """Reads a JSON file as a pydantic model has it.

    Raises:
        FileNotFoundError: there is none.
        DamagedFileError: it is no JSON, or does not fit the model.
    """
    try:
        return schema.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "it"
        missing = first["type"] == "missing"
        expected = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
        got = "none" if missing else _shortly(first["input"])
        raise damaged(path, f"an entry '{place}'" if missing else f"'{place}': {expected}", got) from None


def read_csv(path: Path, *columns: str) -> "pd.DataFrame":
    """Reads a table of numbers, to the last digit.

    Args:
        columns: those that it must have, and a row at least.

    Raises:
        FileNotFoundError: there is none.
        DamagedFileError: it is no such table.
    """
    import pandas as pd

    expected = f"columns {', '.join(columns)}"
    check_regular(path, expected)
    with _damage(path, expected):
        found = pd.read_csv(path, float_precision="round_trip")
    if missing := [column for column in columns if column not in found or found[column].dtype.kind not in "if"]:
        raise damaged(path, f"a column '{missing[0]}' of numbers", ", ".join(map(str, found.columns[:5])))
    if found.empty:
        raise damaged(path, "a row at least", "none")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name}, which is no number")


def _shortly(content: Any) -> str:
    shown = json.dumps(content, default=str)
    return shown if len(shown) < 40 else f"{shown[:37]} …"


def load_array(
    path: Path,
    mmap_mode: Literal["r", "c"] | None = None,
    kinds: str = ANY_NUMBERS,
    axes: int | None = None,
) -> np.ndarray:
    """Reads a .npy file.

    Args:
        kinds: of numbers, as `np.dtype.kind` has them.
        axes: number of axes; None: one or more.

    Raises:
        FileNotFoundError: there is none.
        DamagedFileError: it is not such an array.
    """
    expected = "a NumPy array"
    check_regular(path, expected)
    with _damage(path, expected):
        found = np.load(path, mmap_mode=mmap_mode, allow_pickle=False)
    if not isinstance(found, np.ndarray):
        found.close()
        raise damaged(path, expected, "an archive of arrays")
    _check_array(path, "", found, kinds, axes)
    return found


def load_arrays(
    path: Path, *names: str, kinds: str = ANY_NUMBERS + "U", scalars: bool = False, mapped: bool = False
) -> Arrays:
    """Reads all arrays of an .npz file.

    Args:
        names: those that it must have.
        kinds: as `load_array` has them, of each array.
        scalars: whether an array may have no axis.
        mapped: whether they need not fit into memory: they are read-only maps of the file, once its bytes are checked.

    Raises:
        FileNotFoundError: there is none.
        DamagedFileError: it is not such an archive.
    """
    expected = "a NumPy archive"
    check_regular(path, expected)
    with _damage(path, expected):
        opened = np.load(path, allow_pickle=False)
        if isinstance(opened, np.ndarray):
            raise ValueError("a single array")
        with opened:
            found = mapped_arrays(path, opened.zip) if mapped else {name: opened[name] for name in opened.files}
    for name in names:
        if name not in found:
            raise damaged(path, f"an array '{name}'", ", ".join(list(found)[:5]) or "none")
    for name, array in found.items():
        _check_array(path, f"{name}: ", array, kinds, None, scalars)
    return found


def _check_array(path: Path, name: str, array: np.ndarray, kinds: str, axes: int | None, scalars: bool = False) -> None:
    if not isinstance(array, np.ndarray) or array.dtype.kind not in kinds:
        wanted = "whole numbers" if kinds == "iu" else "numbers"
        raise damaged(path, f"{name}{wanted}", str(getattr(array, "dtype", "bytes")))
    if axes is not None and array.ndim != axes:
        raise damaged(path, f"{name}{axes} axes" if axes != 1 else f"{name}one axis", f"the shape {array.shape}")
    if axes is None and array.ndim == 0 and not scalars:
        raise damaged(path, f"{name}rows", "a single number")


@contextlib.contextmanager
def _damage(path: Path, expected: str) -> Iterator[None]:
    try:
        yield
    except NOT_READABLE as error:
        got = "an empty file" if not path.stat().st_size else _in_words(error)
        raise damaged(path, expected, got) from None


def _in_words(error: Exception) -> str:
    said = first_line(error)
    return "objects, which only a pickle can hold" if "allow_pickle" in said or "pickled" in said else said


@contextlib.contextmanager
def readable_parquet(path: Path, columns: Collection[str] = ()) -> Iterator[Any]:
    """Opens a Parquet file; what pyarrow raises while it is read is one line.

    Args:
        columns: those that it must have.

    Raises:
        FileNotFoundError: there is none.
        DamagedFileError: it is no such file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    expected = "a Parquet table"
    size = check_regular(path, expected)
    try:
        with pq.ParquetFile(path) as file:
            for column in columns:
                if column not in file.schema_arrow.names:
                    raise damaged(path, f"a column '{column}'", ", ".join(file.schema_arrow.names[:5]) or "none")
            yield file
    except (pa.ArrowException, OSError, MemoryError) as error:
        raise damaged(path, expected, first_line(error) if size else "an empty file") from None
