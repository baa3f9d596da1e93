"""Tables and arrays that need not fit into memory: written and read in runs of rows."""

from collections.abc import Iterator
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
        shape = (self._rows, *self._shape)
        described = {"descr": np.lib.format.dtype_to_descr(self._dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self._file, described)

    def _complete(self) -> None:
        self._write_header()


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


def _arrow_type(column: "pd.Series") -> "pa.DataType":  # noqa: F821 (imported when needed)
    import pyarrow as pa

    return {"f": pa.float64(), "M": pa.timestamp("us")}.get(column.dtype.kind, pa.string())


def table_chunks(path: Path, columns: list[str] | None = None) -> "Iterator[pd.DataFrame]":
    """Reads a Parquet file, such as `TableWriter` writes, by TABLE_ROWS rows or fewer.

    Args:
        columns: the names to be read; None: all.
    """
    with readable_parquet(path, columns or ()) as file:
        # Over all row groups at once, what was read of each would stay in memory.
        for group in range(file.num_row_groups):
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


def blocks(index: np.ndarray, array: np.ndarray) -> Iterator[np.ndarray]:
    """Cuts row numbers into runs, of which the rows of an array take some 16 MiB."""
    rows = max(1, BLOCK_BYTES // max(1, array[:1].nbytes))
    for start in range(0, len(index), rows):
        yield index[start : start + rows]
