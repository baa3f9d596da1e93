"""The difference of two accuracies: interval and test are one, and no surer than they may be, counted exactly."""

import itertools
import math

import numpy as np
import pytest
from paired_counts import COUNTS, quartic
from simulated_pairs import chance_of, differs, outcomes, passes_the_gate
from statsmodels.stats.contingency_tables import mcnemar

from twintrain.evaluation.comparison import compare_classes
from twintrain.evaluation.paired_accuracy import Counts, interval, p_value, resolution, tango_statistic

ROWS = (20, 50, 100, 200, 500, 1000)
DISCORDANT = (0.01, 0.02, 0.03, 0.05, 0.07, 0.10)


@pytest.mark.parametrize("counts", [counts for counts in COUNTS if sum(counts[:2]) and counts[2] > 2])
def test_interval_is_the_root_of_the_published_polynomial(counts):
    assert interval(Counts(*counts)) == pytest.approx(quartic(*counts, 0.05), abs=1e-7)


def test_interval_is_the_published_one():
    # Fagerland, Lydersen and Laake, Statistics in Medicine 33 (2014), table V.
    assert interval(Counts(1, 7, 21)) == pytest.approx([-0.517, -0.026], abs=5e-4)


@pytest.mark.parametrize(("first", "second"), [(8, 2), (3, 9), (40, 20), (5000, 5200), (6, 0)])
def test_test_is_mcnemars(first, second):
    expected = mcnemar([[7, first], [second, 11]], exact=False, correction=False).pvalue
    assert p_value(Counts(first, second, 20_000)) == pytest.approx(expected, rel=1e-9)


def test_nothing_discordant_leaves_what_the_rows_cannot_tell():
    z = 1.959964**2
    for rows in (12, 100, 1000, 100_000):
        assert interval(Counts(0, 0, rows)) == pytest.approx([-z / (rows + z), z / (rows + z)], rel=1e-5)
        assert resolution(rows) == pytest.approx(z / (rows + z), rel=1e-5)
    assert p_value(Counts(0, 0, 9)) == 1.0


@pytest.mark.parametrize(("counts", "ends"), [((9, 0, 9), 1.0), ((0, 9, 9), -1.0)])
def test_interval_ends_where_accuracies_do(counts, ends):
    low, high = interval(Counts(*counts))
    assert ends in (low, high)
    assert -1 <= low < high <= 1


def test_interval_and_test_never_contradict_each_other():
    for rows in (5, 12, 20, 60):
        for first, second in itertools.product(range(rows + 1), repeat=2):
            if first + second <= rows:
                low, high = interval(Counts(first, second, rows))
                assert (not low <= 0 <= high) == (p_value(Counts(first, second, rows)) < 0.05), (first, second, rows)


@pytest.mark.slow
@pytest.mark.parametrize("rows", ROWS)
def test_equally_good_networks_are_told_apart_one_time_in_twenty_at_most(rows):
    for discordant in DISCORDANT:
        assert chance_of(outcomes(rows, discordant), differs) <= 0.06, discordant


@pytest.mark.parametrize("rows", [pytest.param(rows, marks=[pytest.mark.slow] if rows > 200 else []) for rows in ROWS])
def test_gate_passes_one_that_is_a_point_worse_one_time_in_twenty_at_most(rows):
    for discordant in (0.01, 0.02, 0.05, 0.10):
        assert chance_of(outcomes(rows, discordant, -0.01), passes_the_gate) <= 0.05, discordant


def test_comparison_takes_them():
    labels = np.zeros(20, int)
    first, second = np.zeros(20, int), np.repeat([0, 1], [17, 3])
    found = compare_classes(first, second, labels)
    assert found["accuracy_ci95"] == interval(Counts(3, 0, 20))
    assert found["mcnemar_p"] == p_value(Counts(3, 0, 20))
    assert math.isclose(tango_statistic(Counts(3, 0, 20), 0.0), math.sqrt(3))
