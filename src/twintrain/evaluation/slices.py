"""How the difference is spread over the test rows: by label, by the columns of a table, by what images look like."""

from typing import Any

import numpy as np
import pandas as pd

from twintrain.evaluation.paired_accuracy import design_effect, mcnemar_p
from twintrain.evaluation.sampling import ROWS, Sampling
from twintrain.evaluation.significance import holm, paired_t_p

# In fewer rows, no difference that is not gross would show.
FEWEST_ROWS = 20
LISTED = 100
QUARTERS = (0.25, 0.5, 0.75)
MISSING = "missing"

# What the rows are sliced by, and the slice of each row.
Grouping = tuple[str, pd.Categorical]


def by_label(labels: np.ndarray, names: list[str]) -> Grouping:
    """Slices by the true class; labels are int64 (rows,)."""
    return "label", pd.Categorical.from_codes(labels, names)


def by_columns(table: pd.DataFrame) -> list[Grouping]:
    """Slices by each column: by its values, or where these are numbers or dates by their quarters."""
    return [
        (str(name), quarters(column) if column.dtype.kind in "fiM" else _values(column))
        for name, column in table.items()
    ]


def levels(array: np.ndarray) -> pd.DataFrame:
    """What slices arrays (rows, …): of images mean `brightness` and its standard deviation, `contrast` (Peli 1990).

    Of sequences and vectors, the mean `level`. In the unit of the array: 0 to 255 of pixels.
    """
    axes = tuple(range(1, array.ndim))
    means = array.mean(axis=axes, dtype=np.float64)
    if array.ndim != 4:
        return pd.DataFrame({"level": means})
    return pd.DataFrame({"brightness": means, "contrast": array.std(axis=axes, dtype=np.float64)})


def quarters(values: pd.Series | np.ndarray) -> pd.Categorical:
    """Slices numbers or dates (rows,) at their quartiles; each is named by the least and the largest value in it.

    Up to four different values are slices of their own, and missing ones are another. Of many equal values there are
    less than four slices.
    """
    values = pd.Series(values)
    is_known = values.notna().to_numpy()
    known = values[is_known]
    different = np.sort(known.unique())
    if len(different) <= len(QUARTERS) + 1:
        limits = different[:-1]
    else:
        limits = np.unique(known.quantile(list(QUARTERS), interpolation="lower").to_numpy())
    places = np.full(len(values), -1)
    places[is_known] = np.searchsorted(limits, known.to_numpy(), side="left")
    ranges = known.groupby(places[is_known]).agg(["min", "max"])
    names = {place: _range(low, high) for place, low, high in ranges.itertuples()} | {-1: MISSING}
    return pd.Categorical(pd.Series(places).map(names))


def compare_slices(
    groupings: list[Grouping], first: np.ndarray, second: np.ndarray, sampling: Sampling = ROWS
) -> list[dict[str, Any]]:
    """Compares two networks slice by slice.

    Args:
        groupings: of the test rows.
        first, second: (rows,), whether each is right (bool), or its error or overlap (float).
        sampling: of the rows; without a sample there are no tests.

    Returns:
        of each slice of FEWEST_ROWS or more: `by`, `value`, `rows`, accuracy or mean of the `first` and the
        `second`, their `difference`, its `p` (McNemar's test, or paired t test), and `p_adjusted` for the number of
        all slices (Holm). The largest differences first, LISTED at most. What takes all rows is no slice.
    """
    found = [_slices(by, values, first, second, sampling) for by, values in groupings]
    table = pd.concat(found, ignore_index=True) if found else pd.DataFrame()
    if table.empty:
        return []
    test = _mcnemar if first.dtype == bool else _paired_t
    table["p"] = test(table) if sampling.is_sample else None
    table["p_adjusted"] = holm(table["p"].to_numpy()) if sampling.is_sample else None
    largest_first = table.sort_values(["difference", "rows"], key=abs, ascending=False, kind="stable")
    columns = ["by", "value", "rows", "first", "second", "difference", "p", "p_adjusted"]
    return largest_first[columns].head(LISTED).to_dict("records")


def _slices(by: str, values: pd.Categorical, first: np.ndarray, second: np.ndarray, sampling: Sampling) -> pd.DataFrame:
    """One row a slice, with what the tests need."""
    surplus = first.astype(np.float64) - second
    measured = pd.DataFrame({"first": first.astype(np.float64), "second": second.astype(np.float64)})
    measured["rows"], measured["surplus"], measured["discordant"] = 1, surplus, np.abs(surplus)
    table = measured.groupby(values, observed=True)[["first", "second"]].mean()
    table["difference"] = table["first"] - table["second"]
    table[_NEEDED] = _by_draws(measured[["rows", "surplus", "discordant"]], values, sampling)[_NEEDED]
    table = table[(table["rows"] >= FEWEST_ROWS) & (table["rows"] < len(first))]
    table.insert(0, "value", table.index.astype(str))
    table.insert(0, "by", by)
    return table


_NEEDED = ["rows", "surplus", "discordant", "draws", "mean", "deviation", "squares", "discordant_draws", "row_squares"]


def _by_draws(measured: pd.DataFrame, values: pd.Categorical, sampling: Sampling) -> pd.DataFrame:
    """Of each slice sums over its rows, and what whole draws tell: of rows that were drawn in groups, of the groups."""
    if sampling.groups is not None:
        codes, _ = sampling.draws(len(measured))
        summed = measured.groupby([values, codes], observed=True).sum()
        measured, values = summed.reset_index(drop=True), summed.index.get_level_values(0)
    draws = measured.assign(
        squares=measured["surplus"] ** 2,
        discordant_draws=measured["discordant"] > 0,
        row_squares=measured["rows"] ** 2,
    ).groupby(values, observed=True)
    found = draws.sum()
    found["draws"], found["mean"], found["deviation"] = draws.size(), draws["surplus"].mean(), draws["surplus"].std()
    return found


def _mcnemar(table: pd.DataFrame) -> np.ndarray:
    needs = ("squares", "discordant", "discordant_draws", "row_squares", "rows")
    effect = design_effect(*(table[name].to_numpy() for name in needs))
    surplus, discordant = (table[name].to_numpy() for name in ("surplus", "discordant"))
    return mcnemar_p((discordant + surplus) / 2 / effect, (discordant - surplus) / 2 / effect)


def _paired_t(table: pd.DataFrame) -> np.ndarray:
    return paired_t_p(*(table[name].to_numpy() for name in ("mean", "deviation", "draws")))


def _values(column: pd.Series) -> pd.Categorical:
    return pd.Categorical(column.astype(object).where(column.notna(), MISSING).astype(str))


def _range(low: Any, high: Any) -> str:
    least, largest = _text(low), _text(high)
    return least if least == largest else f"{least} to {largest}"


def _text(value: Any) -> str:
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"
