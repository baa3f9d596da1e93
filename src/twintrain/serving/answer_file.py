"""Answers as a file, written whole or not at all."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd

from twintrain.errors import UserError

ENDINGS = (".csv", ".parquet")


class AnswerFile:
    """Writes tables one below the other into a .csv or .parquet, which has its name when it is whole."""

    def __init__(self, path: Path) -> None:
        if path.suffix.lower() not in ENDINGS:
            raise UserError(f"--output {path}: expected a file that ends in {' or '.join(ENDINGS)}")
        if path.is_dir():
            raise UserError(f"--output {path} is a folder; expected a file")
        if not path.parent.is_dir():
            raise UserError(f"--output {path}: there is no folder {path.parent}")
        self.path = path
        self._partial = path.with_name(path.name + ".partial")
        self._writer: Any = None

    def append(self, answers: pd.DataFrame) -> None:
        """Adds rows, all of the same columns and types."""
        import pyarrow as pa

        table = pa.Table.from_pandas(answers, preserve_index=False)
        if self._writer is None:
            self._writer = self._open(table.schema)
        self._writer.write_table(table)

    def _open(self, schema: Any) -> Any:
        if self.path.suffix.lower() == ".csv":
            from pyarrow.csv import CSVWriter

            return CSVWriter(self._partial, schema)
        from pyarrow.parquet import ParquetWriter

        return ParquetWriter(self._partial, schema)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._writer is None:
            return
        self._writer.close()
        if kind is None:
            self._partial.replace(self.path)
        else:
            self._partial.unlink()
