"""What every reader hands on, and what they all do about bad rows."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from twintrain.data.dataset import Dataset
from twintrain.data.readers.noisy_masks import hide
from twintrain.errors import UserError

LISTED_ROWS = 3


@dataclass(frozen=True)
class Ingested:
    """What ingest hands on.

    Attributes:
        table: the validated columns in the order of the description, the target last; None for arrays.
        array: uint8 images (rows, height, width, channels), or float32 sequences (rows, steps, channels) or vectors
            (rows, numbers); None for tables.
        labels: int64 (rows,): indices into the data set's labels; of a regression float64 (rows, 1); masks bool
            (rows, height · width).
        rejected: why each bad row was set aside, by its number in the raw data, from 1.
        part: "train" or "test" of each row, where upstream gives a test set; else None.
        group: int64, (rows,): a number a value of `split.group`; else None.
        time: float64, (rows,): what `split.time` puts in order; else None.
        notes: what the user should know about how the files were read, a line each.
    """

    table: pd.DataFrame | None
    array: np.ndarray | None
    labels: np.ndarray
    rejected: pd.Series
    part: np.ndarray | None = None
    group: np.ndarray | None = None
    time: np.ndarray | None = None
    notes: tuple[str, ...] = ()

    def of_rows(self, rows: np.ndarray, labels: np.ndarray) -> "Ingested":
        """Some of the rows (a boolean each), and what their labels are now called."""
        return replace(
            self,
            table=None if self.table is None else self.table[rows].reset_index(drop=True),
            array=None if self.array is None else self.array[rows],
            labels=labels,
            **{name: None if array is None else array[rows] for name, array in self.row_marks.items()},
        )

    @property
    def row_marks(self) -> dict[str, np.ndarray | None]:
        """What tells the parts of the split apart, by name."""
        return {"part": self.part, "group": self.group, "time": self.time}


def ingested_array(
    array: np.ndarray,
    labels: pd.Series,
    reasons: pd.Series,
    dataset: Dataset,
    bad_rows: str,
    path: Path,
    part: np.ndarray | None = None,
    notes: tuple[str, ...] = (),
) -> Ingested:
    """Puts rows of an array together, without the bad ones.

    Args:
        array: (rows, …); what a bad row holds does not matter.
        labels: text, as `dataset.labels` has it, or of a regression's numbers; others make bad rows.
        reasons: for each row why it is bad so far, or an empty text.
        dataset: what the files should hold.
        bad_rows: "error" or "drop".
        path: the raw file that a message names.
        part: "train" or "test" of each row, or None.
        notes: what the user should know.

    Raises:
        UserError: bad rows, no rows, or nothing to learn.
    """
    reasons = reasons.where(reasons != "", bad_targets(labels, dataset))
    rejected = set_aside(reasons, bad_rows, path)
    good = (reasons == "").to_numpy()
    if not good.all():
        array, labels, part = array[good], labels[good], None if part is None else part[good]
    if dataset.noisy_masks:
        array, known = hide(array, dataset.noisy_masks)
    else:
        known = numbers(labels) if dataset.task == "regression" else class_indices(labels, dataset)
    check_labels(known, dataset, path, len(rejected))
    return Ingested(None, array, known, rejected, part, notes=notes)


def set_aside(reasons: pd.Series, bad_rows: str, path: Path) -> pd.Series:
    """Stops at bad rows, or sets them aside.

    Args:
        reasons: for each row why it is bad, or an empty text; the index counts rows from 0.
        bad_rows: "error" or "drop".
        path: the raw file that a message names.

    Returns:
        The reasons of the bad rows alone, by row number from 1.

    Raises:
        UserError: there are bad rows, and `bad_rows` is "error".
    """
    bad = reasons[reasons != ""]
    if len(bad) and bad_rows == "error":
        raise UserError(f"{path}: {_listed(bad)}; mend them, or set them aside: ingest.bad_rows: drop")
    rejected = bad.rename("reason")
    rejected.index += 1
    return rejected


def _listed(reasons: pd.Series) -> str:
    shown = "; ".join(f"row {row + 1}: {reason}" for row, reason in reasons.head(LISTED_ROWS).items())
    more = f"; and {len(reasons) - LISTED_ROWS} more" if len(reasons) > LISTED_ROWS else ""
    return f"{len(reasons)} bad row{'s' if len(reasons) > 1 else ''} ({shown}{more})"


def class_indices(labels: pd.Series, dataset: Dataset) -> np.ndarray:
    """Turns labels as they stand in the file into indices: int64, (rows,). Every label is a known one."""
    return labels.map({label: code for code, label in enumerate(dataset.labels)}).to_numpy(np.int64)


def names_of_codes(codes: np.ndarray, names: list[str], first: int = 0) -> pd.Series:
    """Turns bytes that count names into these; others into their number, for a message.

    Args:
        codes: uint8 (rows,).
        first: what stands for the first name.
    """
    numbered = [*map(str, range(first)), *names, *map(str, range(first + len(names), 256))]
    return pd.Series(np.array(numbered, dtype=object)[codes])


def numbers(target: pd.Series) -> np.ndarray:
    """Turns what a regression predicts into float64 (rows, 1). Every text is a number."""
    return pd.to_numeric(target).to_numpy(np.float64)[:, None]


def bad_targets(target: pd.Series, dataset: Dataset) -> pd.Series:
    """Returns for each text of the target column why it is bad, or an empty text."""
    if dataset.task == "segmentation":
        return pd.Series("", target.index)
    if dataset.task == "regression":
        is_good = np.isfinite(pd.to_numeric(target, errors="coerce"))
        return ("'" + target + f"' in {dataset.target} is not a number").where(~is_good, "")
    return ("unknown label '" + target + f"' in {dataset.target}").where(~target.isin(dataset.labels), "")


def check_labels(labels: np.ndarray, dataset: Dataset, path: Path, rejected: int) -> None:
    """Refuses data that cannot be learned from: no rows, or rows of one class or number alone.

    Args:
        labels: int64 (rows,), float64 (rows, outputs) or bool (rows, pixels), of the rows that are kept.
        path: the raw file that a message names.
        rejected: number of rows set aside.
    """
    if not len(labels) and rejected:
        raise UserError(f"{path}: all {rejected} rows are bad; list them with ingest.bad_rows: error")
    if not len(labels):
        raise UserError(f"{path} has no rows; expected samples of {', '.join(dataset.labels) or dataset.target}")
    if labels.dtype == bool and not labels.any():
        raise UserError(f"{path}: no pixel of any mask is set; expected a lower noisy_masks.threshold")
    if (labels == labels[0]).all():
        only = f"'{dataset.labels[labels[0]]}'" if labels.ndim == 1 else f"{labels[0, 0]:g}"
        kind = "classes" if labels.ndim == 1 else "numbers"
        raise UserError(f"{path}: expected at least two {kind}, got only {only}; there is nothing to learn")
