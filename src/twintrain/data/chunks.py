"""Tables and arrays that need not fit into memory: written and read in runs of rows."""

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from twintrain.system.stored import readable_parquet

if TYPE_CHECKING:
    import pandas as pd


# Of arrays; some thousand rows of most data sets, and all of a small one.
BLOCK_BYTES = 16 * 2**20
# As text some 100 MB where a table has 20 columns.
TABLE_ROWS = 100_000


class WholeFile:
    """A file that is written part by part; a context, at whose end the file is whole and has its name, or is not there.

    Writers set `_file`, something to close, when they have the first part: of nothing there is no file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._partial = path.with_name(path.name + ".partial")
        self._file: Any = None

    def _complete(self) -> None:
        """Writes what is known only after the last part."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._file is None:
            return
        if kind is None:
            self._complete()
        self._file.close()
        if kind is None:
            self._partial.replace(self.path)
        else:
            self._partial.unlink()


class RowsWriter(WholeFile):
    """Writes a .npy file row by row, of however many rows there will be."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._rows = 0

    def append(self, rows: np.ndarray) -> None:
        """Adds rows, all of one shape and dtype."""
        if self._file is None:
            self._file = self._partial.open("wb")
            self._dtype, self._shape = rows.dtype, rows.shape[1:]
            self._write_header()
        if (rows.dtype, rows.shape[1:]) != (self._dtype, self._shape):
            raise ValueError(f"expected rows of {self._dtype} {self._shape}, got {rows.dtype} {rows.shape[1:]}")
        np.ascontiguousarray(rows).tofile(self._file)
        self._rows += len(rows)

    def _write_header(self) -> None:
        # NumPy leaves room in a header for the number of rows to grow.
        self._file.seek(0)
        np.lib.format.write_array_header_1_0(self._file, _header(self._dtype, (self._rows, *self._shape)))

    def _complete(self) -> None:
        self._write_header()


class ArchiveWriter(WholeFile):
    """Writes an .npz file as `numpy.savez` does, array by array and these row by row."""

    def write(self, name: str, rows: int, parts: Iterable[np.ndarray]) -> None:
        """Adds an array of so many rows, which come in parts of one shape and dtype."""
        if self._file is None:
            self._file = zipfile.ZipFile(self._partial, "w")
        with self._file.open(f"{name}.npy", "w", force_zip64=True) as member:
            written = 0
            for part in parts:
                if not written:
                    np.lib.format.write_array_header_1_0(member, _header(part.dtype, (rows, *part.shape[1:])))
                member.write(np.ascontiguousarray(part))
                written += len(part)
            if written != rows:
                raise ValueError(f"expected {rows} rows of {name}, got {written}")


class TableWriter(WholeFile):
    """Writes a Parquet file chunk by chunk."""

    def append(self, table: "pd.DataFrame") -> None:
        """Adds rows, all of the same columns."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._file is None:
            # The first chunk may lack values of a column, which the next ones have: its type is text then.
            columns = [(name, _arrow_type(column)) for name, column in table.items()]
            self._file = pq.ParquetWriter(self._partial, pa.schema(columns))
        self._file.write_table(pa.Table.from_pandas(table, self._file.schema, preserve_index=False))


def _header(dtype: np.dtype, shape: tuple[int, ...]) -> dict[str, Any]:
    return {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}


def _arrow_type(column: "pd.Series") -> "pa.DataType":  # noqa: F821 (imported when needed)
    import pyarrow as pa

    return {"f": pa.float64(), "M": pa.timestamp("us")}.get(column.dtype.kind, pa.string())


def table_chunks(path: Path, columns: list[str] | None = None, groups: slice = slice(None)) -> "Iterator[pd.DataFrame]":
    """Reads a Parquet file, such as `TableWriter` writes, by TABLE_ROWS rows or fewer.

    Args:
        columns: the names to be read; None: all.
        groups: which row groups.
    """
    with readable_parquet(path, columns or ()) as file:
        # Over all row groups at once, what was read of each would stay in memory.
        for group in range(file.num_row_groups)[groups]:
            for batch in file.iter_batches(TABLE_ROWS, row_groups=[group], columns=columns):
                # Whole numbers stay whole where some are missing; an index is a column like others.
                yield batch.to_pandas(integer_object_nulls=True, ignore_metadata=True)


class Sample:
    """An even sample of the rows of a table that is read in chunks; all rows, where there are not more than `most`."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._chunks: list[pd.DataFrame] = []
        self._share = 1.0
        self._generator = np.random.default_rng(0)

    def add(self, chunk: "pd.DataFrame") -> None:
        self._chunks.append(self._some(chunk, self._share))
        while sum(map(len, self._chunks)) > self.most:
            self._share /= 2
            import pandas as pd

            self._chunks = [self._some(pd.concat(self._chunks), 0.5)]

    def _some(self, rows: "pd.DataFrame", share: float) -> "pd.DataFrame":
        return rows if share == 1 else rows[self._generator.random(len(rows)) < share]

    @property
    def rows(self) -> "pd.DataFrame":
        import pandas as pd

        return pd.concat(self._chunks, ignore_index=True)


def gathered(array: Any, rows: np.ndarray) -> np.ndarray:
    """The rows of these numbers in the order of these, but read in that of the file, some 16 MiB at a time."""
    found = np.empty((len(rows), *array.shape[1:]), array.dtype)
    for places in blocks(np.argsort(rows), array):
        found[places] = array[rows[places]]
    return found


def blocks(index: np.ndarray, array: np.ndarray) -> Iterator[np.ndarray]:
    """Cuts row numbers into runs, of which the rows of an array take some 16 MiB."""
    rows = _block_rows(array)
    for start in range(0, len(index), rows):
        yield index[start : start + rows]


def row_blocks(array: np.ndarray) -> Iterator[np.ndarray]:
    """The rows of an array, some 16 MiB at a time."""
    rows = _block_rows(array)
    for start in range(0, len(array), rows):
        yield array[start : start + rows]


def _block_rows(array: np.ndarray) -> int:
    return max(1, BLOCK_BYTES // max(1, array[:1].nbytes))
