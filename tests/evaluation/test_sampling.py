"""Rows that were drawn in groups: intervals and tests are of groups, and no surer than they may be."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_rel
from simulated_pairs import differs, grouped_classes, grouped_errors, share

from twintrain.evaluation.comparison import compare_classes, compare_networks
from twintrain.evaluation.decision import decide
from twintrain.evaluation.equivalence import of_accuracies, of_errors
from twintrain.evaluation.intervals import area_interval, mean_interval
from twintrain.evaluation.paired_accuracy import effective_counts, interval, p_value
from twintrain.evaluation.sampling import ROWS, Sampling
from twintrain.evaluation.slices import compare_slices


def test_draws_are_rows_or_groups():
    codes, count = ROWS.draws(3)
    assert (codes.tolist(), count) == ([0, 1, 2], 3)
    groups = Sampling(groups=np.array([7, 3, 7, 9]))
    codes, count = groups.draws(4)
    assert (codes.tolist(), count) == ([1, 0, 1, 2], 3)
    assert groups.total(np.array([1.0, 2.0, 4.0, 8.0])).tolist() == [2.0, 5.0, 8.0]


def test_groups_of_one_row_are_rows():
    rng = np.random.default_rng(0)
    first, second, _ = grouped_classes(rng, 40, 5, 0.2)
    alone = Sampling(groups=rng.permutation(200))
    assert effective_counts(first, second, alone) == effective_counts(first, second)
    errors = rng.exponential(size=(2, 200))
    assert of_errors(*errors, 0.1, alone)["equivalence_p"] == pytest.approx(
        of_errors(*errors, 0.1)["equivalence_p"], abs=0.01
    )


def test_without_a_discordant_row_a_group_is_a_row():
    right = np.ones(1000, bool)
    counts = effective_counts(right, right, Sampling(groups=np.repeat(np.arange(20), 50)))
    assert counts == (0.0, 0.0, 20.0)


def test_discordant_groups_count_as_their_number_does():
    # Of 100 groups of 10 rows each 40 are for the first and 30 for the second, as a whole: as 40 and 30 of 100 rows.
    first, second = np.ones((100, 10), bool), np.ones((100, 10), bool)
    second[:40], first[40:70] = False, False
    sampling = Sampling(groups=np.repeat(np.arange(100), 10))
    assert effective_counts(first.ravel(), second.ravel(), sampling) == pytest.approx((40, 30, 100))


@pytest.mark.parametrize(("groups", "size"), [(20, 50), (50, 20), (100, 10)])
def test_equally_good_networks_of_grouped_rows_are_told_apart_one_time_in_twenty_at_most(groups, size):
    rng = np.random.default_rng(0)
    drawn = [grouped_classes(rng, groups, size, 0.1) for _ in range(1000)]
    by_groups = share(differs(*effective_counts(*pair)) for pair in drawn)
    by_rows = share(differs(*effective_counts(first, second)) for first, second, _ in drawn)
    assert by_groups <= 0.06
    assert by_rows > 0.2  # what is wrong with rows


def test_interval_and_test_of_groups_never_contradict_each_other():
    rng = np.random.default_rng(0)
    for _ in range(300):
        counts = effective_counts(*grouped_classes(rng, 12, 20, rng.uniform(0.02, 0.5), together=rng.random() < 0.5))
        low, high = interval(counts)
        assert (not low <= 0 <= high) == (p_value(counts) < 0.05), counts


@pytest.mark.slow
@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(("groups", "size"), [(20, 50), (50, 100), (200, 5)])
def test_one_that_is_a_point_worse_in_groups_is_shown_to_be_no_worse_one_time_in_twenty_at_most(groups, size, together):
    rng = np.random.default_rng(0)
    for discordant in (0.01, 0.02, 0.05):
        drawn = [effective_counts(*grouped_classes(rng, groups, size, discordant, 0.01, together)) for _ in range(300)]
        passed = share(interval(counts)[0] >= -0.01 or of_accuracies(counts, 0.01)["equivalent"] for counts in drawn)
        assert passed <= 0.05, discordant


@pytest.mark.parametrize(("groups", "size"), [(10, 30), (20, 50)])
def test_equal_errors_in_groups_have_an_interval_with_0_in_it(groups, size):
    rng = np.random.default_rng(0)
    drawn = [grouped_errors(rng, groups, size) for _ in range(600)]
    missed = share(not low <= 0 <= high for low, high in (mean_interval(a - b, by) for a, b, by in drawn))
    by_rows = share(abs(ttest_rel(a, b).statistic) > 1.96 for a, b, _ in drawn)
    assert missed <= 0.075
    assert by_rows > 0.4


def test_areas_of_grouped_rows_have_a_wider_interval():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (20, 40))
    lean = rng.normal(scale=0.8, size=(20, 1)) * (2 * labels - 1)
    odds = np.exp(np.stack([labels + lean, labels - lean]) + rng.normal(scale=0.5, size=(2, 20, 40)))
    first, second = (np.stack([1 / (1 + found), found / (1 + found)], axis=-1).reshape(-1, 2) for found in odds)
    rows, groups = (
        area_interval(first, second, labels.ravel(), sampling)
        for sampling in (ROWS, Sampling(groups=np.repeat(np.arange(20), 40)))
    )
    assert groups[1] - groups[0] > 2 * (rows[1] - rows[0])


def test_slices_of_grouped_rows_are_tested_by_groups():
    rng = np.random.default_rng(0)
    first, second, sampling = grouped_classes(rng, 30, 20, 0.4)
    kinds = pd.Categorical(rng.choice(["x", "y"], len(first)))
    found = {row["value"]: row["p"] for row in compare_slices([("kind", kinds)], first, second, sampling)}
    errors = rng.exponential(size=(2, 600))
    of_errors = {row["value"]: row["p"] for row in compare_slices([("kind", kinds)], *errors, sampling)}
    for value in ("x", "y"):
        is_in = np.array(kinds == value)
        assert found[value] == pytest.approx(p_value(effective_counts(first[is_in], second[is_in], sampling.of(is_in))))
        totals = [sampling.of(is_in).total(error[is_in]) for error in errors]
        assert of_errors[value] == pytest.approx(ttest_rel(*totals).pvalue)


def test_a_comparison_says_how_many_groups_there_are():
    labels, groups = np.zeros(30, int), np.repeat(np.arange(3), 10)
    found = compare_classes(labels, np.repeat([0, 0, 1], 10), labels, Sampling(groups=groups))
    assert found["groups"] == 3
    assert found["mcnemar_p"] > 0.05


def test_one_group_tells_nothing_of_another():
    numbers = np.arange(30.0)[:, None]
    stored = [{"index": np.arange(30), "label": numbers, "prediction": numbers + error} for error in (0.5, 1.0)]
    found = compare_networks(*stored, 0.01, Sampling(groups=np.zeros(30, int)))
    assert found["mae_ci95"] is None
    assert decide(found, {"torch": {}, "keras": {}})[1].startswith(
        "A tie, a difference of which chance is not known, and one group of rows tells no interval; "
    )
    assert (found["groups"], found["equivalent"], found["equivalence_p"]) == (1, False, 1.0)
