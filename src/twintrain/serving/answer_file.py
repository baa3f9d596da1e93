"""Answers as a file, written whole or not at all."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from twintrain.data.chunks import WholeFile
from twintrain.errors import UserError

if TYPE_CHECKING:
    import pandas as pd


ENDINGS = (".csv", ".parquet")


class AnswerFile(WholeFile):
    """Writes tables one below the other into a .csv or .parquet."""

    def __init__(self, path: Path) -> None:
        if path.suffix.lower() not in ENDINGS:
            raise UserError(f"--output {path}: expected a file that ends in {' or '.join(ENDINGS)}")
        if path.is_dir():
            raise UserError(f"--output {path} is a folder; expected a file")
        if not str(path).isprintable():
            raise UserError(f"--output {path}: expected a name without line breaks and other control characters")
        if not path.parent.is_dir():
            raise UserError(f"--output {path}: there is no folder {path.parent}")
        if path.exists() and not path.is_file():
            raise UserError(f"--output {path} is no regular file; expected a file")
        super().__init__(path)
        try:  # before a model is loaded and rows are answered
            self._partial.touch()
            self._partial.unlink()
        except OSError as error:
            raise UserError(f"--output {path} cannot be written: {error.strerror}") from None

    def append(self, answers: "pd.DataFrame") -> None:
        """Adds rows, all of the same columns and types."""
        import pyarrow as pa

        table = pa.Table.from_pandas(answers, preserve_index=False)
        if self._file is None:
            self._file = self._open(table.schema)
        self._file.write_table(table)

    def _open(self, schema: Any) -> Any:
        if self.path.suffix.lower() == ".csv":
            from pyarrow.csv import CSVWriter

            return CSVWriter(self._partial, schema)
        from pyarrow.parquet import ParquetWriter

        return ParquetWriter(self._partial, schema)
