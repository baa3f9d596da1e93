"""How often what `compare` and the gate say is wrong, of networks of which is known what is true.

python benchmarks/chances.py                 every table
python benchmarks/chances.py --only exact    tables whose names begin so
python benchmarks/chances.py --document      and writes them into docs/comparison.md

Accuracies of rows drawn by themselves are counted exactly, over all outcomes; all else is drawn with fixed seeds.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from scipy.stats import ttest_1samp

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src"), str(ROOT / "tests/support")]

from simulated_pairs import (
    HEAVY_TAILED,
    chance_of,
    differs,
    excludes_0,
    grouped_classes,
    outcomes,
    outcomes_apart,
    passes_the_gate,
    share,
)

from examples.course.tables import markdown, with_tables
from twintrain.evaluation import intervals
from twintrain.evaluation.equivalence import of_errors, of_means
from twintrain.evaluation.paired_accuracy import effective_counts
from twintrain.evaluation.sampling import ROWS as SINGLE

DOCUMENT = ROOT / "docs/comparison.md"
ROWS = (20, 50, 100, 200, 500, 1000)
DISCORDANT = (0.01, 0.02, 0.05, 0.10)
GROUPS = ((6, 100), (20, 50), (50, 20))
DRAWS = 1000
WIDTH_DRAWS = 5

Row = list[str]


def exact() -> Iterator[Row]:
    """Rows drawn by themselves, two that are equally good and one that is a point worse, over all outcomes."""
    yield ["test rows", "share right for one alone", "equals said to differ", "a point worse, and passed by the gate"]
    for rows in ROWS:
        for discordant in DISCORDANT:
            equal = chance_of(outcomes(rows, discordant), differs)
            worse = chance_of(outcomes(rows, discordant, -0.01), passes_the_gate)
            yield [str(rows), f"{discordant:.0%}", f"{equal:.3f}", f"{worse:.3f}"]


def groups() -> Iterator[Row]:
    """Rows in groups that are right or wrong alike; the same, and what rows taken for single ones would say."""
    said = ("equals said to differ", "a point worse, and passed by the gate")
    yield ["groups of rows", "share right for one alone", *(f"{w}{n}" for w in said for n in ("", " (by rows)"))]
    for count, size in GROUPS:
        for discordant in DISCORDANT:
            rng = np.random.default_rng(0)
            equal = [grouped_classes(rng, count, size, discordant) for _ in range(DRAWS)]
            worse = [grouped_classes(rng, count, size, discordant, 0.01) for _ in range(DRAWS)]
            figures = [
                share(says(*effective_counts(first, second, by)) for first, second, by in by_sampling)
                for says, drawn in ((differs, equal), (passes_the_gate, worse))
                for by_sampling in (drawn, [(first, second, SINGLE) for first, second, _ in drawn])
            ]
            yield [f"{count} of {size}", f"{discordant:.0%}", *(f"{figure:.3f}" for figure in figures)]


def errors() -> Iterator[Row]:
    """Log-normal errors (deviation of the logarithm 1) whose means differ by the margin: said to be equivalent."""
    yield ["errors of the two", "rows", "equivalent", "by the t test of the difference alone"]
    for kind, (draw, margin) in HEAVY_TAILED.items():
        for rows in (200, 1000):
            rng = np.random.default_rng(0)
            drawn = [draw(rng, rows, 1.0, margin) for _ in range(DRAWS // 2)]
            found = share(of_errors(*pair, margin)["equivalent"] for pair in drawn)
            plain = share(of_means(a - b, margin, min(a.mean(), b.mean())) < 0.05 for a, b in drawn)
            yield [kind, str(rows), f"{found:.3f}", f"{plain:.3f}"]


def alike() -> Iterator[Row]:
    """Errors of two that differ by as much in all rows but a few, over all outcomes.

    Of equal means: all others differ by 1. Of means that differ by a margin of 1 %: the few differ alone.
    """
    yield [
        *("test rows", "share far off", "equals said to differ", "equals said to differ (by the bootstrap alone)"),
        "at the margin, and equivalent",
    ]
    margin = 0.01
    for rows in ROWS:
        for apart in DISCORDANT[:-1]:
            equal, at_margin = (
                list(outcomes_apart(rows, apart, *values))
                for values in ((1.0, (apart - 1) / apart), (1.0, 1 + margin / apart))
            )
            figures = [
                sum(chance for differences, chance in equal if excludes_0(ends(differences)))
                for ends in (intervals.mean_interval, intervals.bootstrap_interval)
            ]
            ones = np.ones(rows)
            figures += [sum(chance for first, chance in at_margin if of_errors(first, ones, margin)["equivalent"])]
            yield [str(rows), f"{apart:.0%}", *(f"{figure:.3f}" for figure in figures)]


def widths() -> Iterator[Row]:
    """Beyond 10,000 rows: how far the normal interval's ends lie from the bootstrap's, as a share of its width."""
    yield ["interval of", "rows", f"largest of {WIDTH_DRAWS} draws"]
    rows = intervals.RESAMPLED_ROWS
    for name, ends in (("mean errors", _mean_ends), ("AUC of two classes", _area_ends)):
        found = [_apart(*ends(np.random.default_rng(seed), rows)) for seed in range(WIDTH_DRAWS)]
        yield [name, f"{rows:,}", f"{max(found):.1%}"]


def _mean_ends(rng: np.random.Generator, rows: int) -> tuple[list[float], list[float]]:
    difference = rng.exponential(size=rows) - rng.exponential(size=rows)
    found = ttest_1samp(difference, 0.0).confidence_interval()
    return intervals.mean_interval(difference), [found.low, found.high]


def _area_ends(rng: np.random.Generator, rows: int) -> tuple[list[float], list[float]]:
    labels = rng.integers(0, 2, rows)
    scores = [1 / (1 + np.exp(-(labels + rng.normal(scale=scale, size=rows)))) for scale in (0.8, 0.9)]
    first, second = (np.stack([1 - score, score], axis=1) for score in scores)
    resampled = intervals.area_interval(first, second, labels)
    least, intervals.RESAMPLED_ROWS = intervals.RESAMPLED_ROWS, 0
    try:
        return resampled, intervals.area_interval(first, second, labels)
    finally:
        intervals.RESAMPLED_ROWS = least


def _apart(bootstrap: list[float], normal: list[float]) -> float:
    return max(abs(one - other) for one, other in zip(bootstrap, normal, strict=True)) / (bootstrap[1] - bootstrap[0])


TABLES: dict[str, Callable[[], Iterator[Row]]] = {
    table.__name__: table for table in (exact, groups, errors, alike, widths)
}


def told(rows: Iterator[Row]) -> Iterator[Row]:
    """Prints each row when it is known."""
    for row in rows:
        print(*row, sep=" | ", flush=True)
        yield row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="")
    parser.add_argument("--document", action="store_true")
    arguments = parser.parse_args()
    for name, table in TABLES.items():
        if name.startswith(arguments.only):
            print(f"\n{name}: {table.__doc__}")
            header, *rows = told(table())
            if arguments.document:
                tables = {f"chances {name}": markdown(header, rows)}
                DOCUMENT.write_text(with_tables(DOCUMENT.read_text("utf-8"), tables, DOCUMENT), "utf-8")


if __name__ == "__main__":
    main()
