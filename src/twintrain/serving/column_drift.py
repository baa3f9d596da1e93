"""How far new rows are from the training rows, column by column, and whether chance explains it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency, ks_2samp

from twintrain.data.chunks import Sample, blocks
from twintrain.data.dataset import Dataset
from twintrain.data.feature import Feature
from twintrain.data.prepare.encoding import INVALID
from twintrain.errors import UserError
from twintrain.evaluation.significance import holm
from twintrain.serving.new_rows import read_new_rows
from twintrain.serving.raw_input import read_rows

BINS = 10
# Of more rows an even sample is looked at: no distance changes in its second digit.
MOST_ROWS = 200_000
# Tests of all columns together call rows that have not drifted different in one of 20 cases.
SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class ColumnDrift:
    """One column of the training rows beside that of new rows.

    Attributes:
        psi: population stability index, in nats.
        ks: Kolmogorov–Smirnov distance, 0 to 1; None of categories, which have no order.
        p: chance of a distance as large between two samples of the same rows; Holm-adjusted for all columns.
        missing: shares of missing values, before and now.
        unreadable: share of new values that are not what the column takes: text for a number, an unseen category.
        has_drifted: further than a limit, and further than chance explains.
    """

    name: str
    psi: float
    ks: float | None
    p: float
    missing: tuple[float, float]
    unreadable: float
    has_drifted: bool

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)


def population_stability_index(before: np.ndarray, now: np.ndarray) -> float:
    """Σ (a − e) ln(a / e) over the shares of bins, e before and a now (N. Siddiqi, Credit Risk Scorecards, 2006).

    Args:
        before, now: counts of rows in the same bins. An empty bin counts as half a row, so that its logarithm exists.
    """
    expected, actual = (np.maximum(counts, 0.5) / counts.sum() for counts in (before, now))
    return float(((actual - expected) * np.log(actual / expected)).sum())


def column_distances(feature: Feature, before: np.ndarray, now: np.ndarray) -> tuple[float, float | None, float]:
    """Distances of a column's numbers, as `encoding.as_numbers` gives them: PSI, KS, and the chance p.

    Numbers and dates are put into ten bins that hold as many training rows each, categories into one each; missing and
    unreadable values have bins of their own. p is that of the Kolmogorov–Smirnov test, of categories that of the
    chi-squared test.
    """
    edges = np.arange(len(feature.categories)) if feature.categories else _quantiles(before)
    counts = np.stack([_counts(column, edges, is_code=bool(feature.categories)) for column in (before, now)])
    counts = counts[:, counts.any(axis=0)]
    psi = population_stability_index(*counts)
    if feature.categories:
        return psi, None, float(chi2_contingency(counts).pvalue) if counts.shape[1] > 1 else 1.0
    # Below all numbers, missing values take part in the order; unreadable ones are above all as they are.
    found = ks_2samp(*(np.where(np.isnan(column), -np.inf, column) for column in (before, now)))
    return psi, float(found.statistic), float(found.pvalue)


def find_drift(before: pd.DataFrame, now: pd.DataFrame, dataset: Dataset, psi: float, ks: float) -> list[ColumnDrift]:
    """Compares all columns, the furthest first.

    Args:
        before: the training rows, as `as_columns` has them.
        now: the new rows, which may be more or fewer.
        dataset: says which columns of a table are categories.
        psi, ks: limits beyond which a column has drifted, where chance does not explain it.
    """
    features = dataset.inputs if dataset.features else dict.fromkeys(before, Feature())
    columns = {name: (before[name].to_numpy(), now[name].to_numpy()) for name in features}
    distances = {name: column_distances(feature, *columns[name]) for name, feature in features.items()}
    adjusted = holm(np.array([p for _, _, p in distances.values()]))
    found = [
        ColumnDrift(
            name,
            distance,
            largest,
            float(p),
            tuple(float(np.isnan(column).mean()) for column in columns[name]),
            float((columns[name][1] == INVALID).mean()),
            _has_drifted(columns[name][1], (distance > psi or (largest or 0.0) > ks) and p < SIGNIFICANCE),
        )
        for (name, (distance, largest, _)), p in zip(distances.items(), adjusted, strict=True)
    ]
    return sorted(found, key=lambda column: (not column.has_drifted, -column.psi))


def _has_drifted(now: np.ndarray, is_far: bool) -> bool:
    """Whether a column is far off; where nothing of it can be read, chance is no explanation, however few rows."""
    return bool(is_far or (now == INVALID).all())


def as_columns(features: np.ndarray, dataset: Dataset) -> pd.DataFrame:
    """What is compared of rows (rows, …) as preprocess makes them: float64, a column each.

    The columns that the network is given; of a text how many words it has, as far as the network reads it; of vectors
    every number; of images brightness and contrast, the mean and the standard deviation of their pixels from 0 to 1; of
    sequences the same.
    """
    if dataset.text:
        counts = np.count_nonzero(features, axis=1).astype(np.float64)
        return pd.DataFrame(dict.fromkeys(dataset.inputs, np.where(counts > 0, counts, np.nan)))
    if features.ndim == 2:
        numbered = [f"number {place + 1}" for place in range(features.shape[1])]
        names = list(dataset.inputs) if dataset.features else numbered
        return pd.DataFrame(features.astype(np.float64), columns=names)
    flat = features.reshape(len(features), -1)
    names = ("brightness", "contrast") if dataset.image_shape else ("mean", "deviation")
    figures = (flat.mean(axis=1, dtype=np.float64), flat.std(axis=1, dtype=np.float64))
    return pd.DataFrame(dict(zip(names, figures, strict=True)))


def training_columns(features: np.ndarray, index: np.ndarray, dataset: Dataset) -> pd.DataFrame:
    """`as_columns` of the training rows; of many an even sample.

    Args:
        features: of all rows, as preprocess makes them; may be a memory map.
        index: int64, the numbers of the training rows.
    """
    if len(index) > MOST_ROWS:
        index = np.sort(np.random.default_rng(0).choice(index, MOST_ROWS, replace=False))
    blocked = [as_columns(np.asarray(features[block]), dataset) for block in blocks(index, features)]
    return pd.concat(blocked, ignore_index=True)


def new_columns(path: Path, dataset: Dataset, form: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """`as_columns` of the rows of a file, as `read_new_rows` reads it; of many an even sample.

    Raises:
        UserError: an unreadable file, a missing column, other shapes, no rows.
    """
    sample = Sample(MOST_ROWS)
    has_rows, reasons = False, []
    for chunk in read_new_rows(path, dataset, form):
        if not len(chunk.rows):
            continue
        features, bad = read_rows(chunk.rows, dataset)
        reasons += [*bad.head(1), *chunk.bad.head(1)]
        columns = as_columns(features, dataset)
        if not dataset.features:
            # Of a table, bad values are marked one by one.
            columns.iloc[[*bad.index, *chunk.bad.index]] = INVALID
        sample.add(columns)
        has_rows = True
    if not has_rows:
        raise UserError(f"{path} has no rows to compare")
    if (sample.rows == INVALID).all(axis=None):
        raise UserError(f"{path}: no row of it can be read, so there is nothing to compare: {reasons[0]}")
    return sample.rows


def _quantiles(column: np.ndarray) -> np.ndarray:
    """Upper ends of the bins but for the last, each once: a value that many rows share takes a bin."""
    finite = column[np.isfinite(column)]
    return np.unique(np.quantile(finite, np.arange(1, BINS) / BINS)) if len(finite) else np.zeros(0)


def _counts(column: np.ndarray, edges: np.ndarray, is_code: bool) -> np.ndarray:
    """Rows in each bin; then those of missing and of unreadable values."""
    finite = column[np.isfinite(column)]
    # Categories have a place after the last for those beyond the list.
    places = finite.astype(np.int64) if is_code else np.searchsorted(edges, finite, side="left")
    binned = np.bincount(places, minlength=len(edges) + 1)
    return np.array([*binned, np.isnan(column).sum(), (column == INVALID).sum()])
