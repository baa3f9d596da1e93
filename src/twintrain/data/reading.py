"""Raw files → a table or an array of images, every bad row found and named."""

import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from twintrain.data.dataset import Dataset
from twintrain.errors import UserError, did_you_mean

LISTED_ROWS = 3


@dataclass(frozen=True)
class Ingested:
    """What ingest hands on.

    Attributes:
        table: the validated columns in the order of the description, the target last; None for images.
        images: uint8, (rows, height, width, channels); None for tables.
        labels: int64, (rows,): indices into the data set's labels.
        rejected: why each bad row was set aside, by its number in the raw data, from 1.
    """

    table: pd.DataFrame | None
    images: np.ndarray | None
    labels: np.ndarray
    rejected: pd.Series


def read_raw(paths: list[Path], dataset: Dataset, bad_rows: str) -> Ingested:
    """Reads raw files into validated rows.

    Args:
        paths: the files of the data set; their rows are put one below the other.
        dataset: what the files should hold.
        bad_rows: "error" stops at bad rows and lists them; "drop" sets them aside.

    Raises:
        UserError: unreadable text, a missing column, bad rows, no rows, or one class only.
    """
    raw = pd.concat([_read_text(path, dataset) for path in paths], ignore_index=True)
    reasons = _bad_rows(raw, dataset)
    bad = reasons != ""
    if bad.any() and bad_rows == "error":
        raise UserError(f"{paths[0]}: {_listed(reasons[bad])}; mend them, or set them aside: ingest.bad_rows: drop")
    rows = raw[~bad]
    labels = rows[dataset.target].map({label: code for code, label in enumerate(dataset.labels)})
    _check_classes(labels, dataset, paths[0], rejected=int(bad.sum()))
    rejected = reasons[bad].rename("reason")
    rejected.index += 1
    labels = labels.to_numpy(np.int64)
    if dataset.image_shape:
        pixels = rows.drop(columns=dataset.target).to_numpy(np.uint8)
        return Ingested(None, pixels.reshape(-1, *dataset.image_shape), labels, rejected)
    return Ingested(_typed(rows, dataset).reset_index(drop=True), None, labels, rejected)


def _read_text(path: Path, dataset: Dataset) -> pd.DataFrame:
    """Reads a comma-separated file as text, so that nothing is converted on the quiet; pixels as numbers or NaN."""
    expected = _columns(dataset)
    header = {"header": 0} if dataset.header else {"header": None}
    text = str if dataset.features else {dataset.target if dataset.header else len(expected) - 1: str}
    try:
        with warnings.catch_warnings():
            # Rows longer than the header would lose their end with a mere warning.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(path, dtype=text, keep_default_na=False, index_col=False, **header)
    except pd.errors.EmptyDataError:
        raise UserError(f"{path} has no rows; expected columns {', '.join(expected[:5])} …") from None
    except (pd.errors.ParserError, pd.errors.ParserWarning, UnicodeDecodeError, EOFError, OSError, zlib.error) as error:
        raise UserError(f"{path} is not a readable table: {str(error).strip()}") from None
    if not dataset.header:
        if table.shape[1] != len(expected):
            raise UserError(f"{path}: expected {len(expected)} columns, got {table.shape[1]}")
        table.columns = expected
    for column in expected:
        if column not in table.columns:
            raise UserError(f"{path}: column '{column}' is missing{did_you_mean(column, table.columns)}")
    table = table[expected].copy()
    for column in table.select_dtypes(exclude="number"):
        stripped = table[column].str.strip()
        is_text = dataset.features or column == dataset.target
        table[column] = stripped if is_text else pd.to_numeric(stripped, errors="coerce")
    return table


def _columns(dataset: Dataset) -> list[str]:
    if dataset.features is not None:
        return [*dataset.features, dataset.target]
    return [*(f"pixel_{index}" for index in range(int(np.prod(dataset.image_shape)))), dataset.target]


def _bad_rows(raw: pd.DataFrame, dataset: Dataset) -> pd.Series:
    """Returns for each row why it is bad: its first reason, or an empty text."""
    reasons = pd.Series("", index=raw.index)
    known_label = raw[dataset.target].isin(dataset.labels)
    reasons[~known_label] = "unknown label '" + raw[dataset.target] + f"' in {dataset.target}"
    if dataset.features is None:
        pixels = raw.drop(columns=dataset.target).to_numpy(np.float64)
        whole = (pixels >= 0) & (pixels <= 255) & (pixels == np.floor(pixels))
        reasons[~whole.all(axis=1)] = "a pixel that is not a number from 0 to 255"
        return reasons
    for name, feature in reversed(dataset.features.items()):
        if feature.categories:
            bad = ~raw[name].isin(feature.categories)
            reasons[bad] = "unseen category '" + raw[name] + f"' in {name}"
            continue
        number = pd.to_numeric(raw[name], errors="coerce")
        low = -np.inf if feature.min is None else feature.min
        high = np.inf if feature.max is None else feature.max
        bad = ~(np.isfinite(number) & number.between(low, high))
        reasons[bad] = "'" + raw[name] + f"' in {name} is not a number from {low:g} to {high:g}"
    return reasons


def _listed(reasons: pd.Series) -> str:
    shown = "; ".join(f"row {row + 1}: {reason}" for row, reason in reasons.head(LISTED_ROWS).items())
    more = f"; and {len(reasons) - LISTED_ROWS} more" if len(reasons) > LISTED_ROWS else ""
    return f"{len(reasons)} bad row{'s' if len(reasons) > 1 else ''} ({shown}{more})"


def _check_classes(labels: pd.Series, dataset: Dataset, path: Path, rejected: int) -> None:
    if labels.empty and rejected:
        raise UserError(f"{path}: all {rejected} rows are bad; list them with ingest.bad_rows: error")
    if labels.empty:
        raise UserError(f"{path} has no rows; expected samples of {', '.join(dataset.labels)}")
    if labels.nunique() == 1:
        only = dataset.labels[labels.iloc[0]]
        raise UserError(f"{path}: expected at least two classes, got only '{only}'; there is nothing to tell apart")


def _typed(rows: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    table = rows.copy()
    for name, feature in dataset.features.items():
        if not feature.categories:
            table[name] = pd.to_numeric(table[name]).astype(np.float64)
    return table
