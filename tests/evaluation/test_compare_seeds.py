import numpy as np
import pytest
from scipy.stats import ttest_rel
from statsmodels.stats.weightstats import DescrStatsW, ttost_paired

from twintrain.evaluation.seed_comparison import compare_seeds, t_interval


def trainings(score, *values):
    return [{"seed": seed, "run_id": "r", score: value} for seed, value in enumerate(values)]


def test_accuracies_over_seeds_by_hand():
    found = compare_seeds(
        trainings("eval_acc", 0.90, 0.92, 0.94), trainings("eval_acc", 0.89, 0.92, 0.92), "eval_acc", 0.01
    )
    assert found["count"] == 3
    assert found["mean_difference"] == pytest.approx(0.01)
    # Differences of 0.01, 0 and 0.02: a deviation of 0.01, and Student's 97.5 % at 2 degrees of freedom is 4.3027.
    half = 4.302653 * 0.01 / np.sqrt(3)
    assert found["ci95"] == pytest.approx([0.01 - half, 0.01 + half], abs=1e-8)
    assert (found["first_mean"], found["first_std"]) == (pytest.approx(0.92), pytest.approx(0.02))
    assert (found["second_mean"], found["second_std"]) == (pytest.approx(0.91), pytest.approx(np.sqrt(3e-4)))


def test_interval_and_equivalence_are_those_of_statsmodels_and_scipy():
    rng = np.random.default_rng(0)
    first, second = rng.normal(0.9, 0.01, (2, 8))
    found = compare_seeds(trainings("eval_acc", *first), trainings("eval_acc", *second), "eval_acc", 0.02)
    assert found["ci95"] == pytest.approx(DescrStatsW(first - second).tconfint_mean(), rel=1e-9)
    assert found["ci95"] == pytest.approx(ttest_rel(first, second).confidence_interval(), rel=1e-9)
    assert found["equivalence_p"] == pytest.approx(ttost_paired(first, second, -0.02, 0.02)[0], rel=1e-9)


def test_margin_of_errors_is_a_share_of_the_smaller_mean():
    first, second = np.array([10.0, 11.0, 12.5]), np.array([10.2, 11.1, 12.3])
    found = compare_seeds(trainings("mae", *first), trainings("mae", *second), "mae", 0.05)
    room = 0.05 * first.mean()
    assert found["equivalence_p"] == pytest.approx(ttost_paired(first, second, -room, room)[0], rel=1e-9)


def test_trainings_are_paired_by_their_seed():
    first = [{"seed": seed, "eval_acc": value} for seed, value in ((5, 0.9), (7, 0.8), (9, 0.1))]
    second = [{"seed": seed, "eval_acc": value} for seed, value in ((7, 0.7), (5, 0.8), (3, 0.9))]
    found = compare_seeds(first, second, "eval_acc", 0.01)
    assert (found["count"], found["mean_difference"]) == (2, pytest.approx(0.1))
    # The same difference with every seed leaves nothing to chance.
    assert found["ci95"] == pytest.approx([0.1, 0.1])


@pytest.mark.parametrize("common", [(), (0.9,)])
def test_less_than_two_seeds_in_common_have_no_spread(common):
    both = trainings("eval_acc", *common)
    assert compare_seeds(both, both, "eval_acc", 0.01) is None


def test_interval_holds_the_truth_19_times_in_20():
    rng = np.random.default_rng(0)
    found = np.array([t_interval(rng.normal(size=4)) for _ in range(4000)])
    assert ((found[:, 0] < 0) & (found[:, 1] > 0)).mean() == pytest.approx(0.95, abs=0.01)


@pytest.mark.parametrize(("rows", "count"), [(100, 2), (1000, 2), (1000, 5)])
def test_seeds_that_agree_by_chance_are_no_surer_than_the_rows(rows, count):
    both = trainings("eval_acc", *[0.9] * count)
    found = compare_seeds(both, both, "eval_acc", 0.01, rows)
    resolved = 1.959964**2 / (rows + 1.959964**2)
    assert found["ci95"] == pytest.approx([-resolved, resolved], rel=1e-6)


def test_a_spread_beyond_what_the_rows_resolve_is_students():
    rng = np.random.default_rng(0)
    first, second = rng.normal(0.9, 0.01, (2, 8))
    with_rows, without = (
        compare_seeds(trainings("eval_acc", *first), trainings("eval_acc", *second), "eval_acc", 0.02, rows)
        for rows in (10_000, None)
    )
    assert with_rows == without


@pytest.mark.parametrize(("count", "is_told"), [(2, False), (3, True), (4, True)])
def test_fewer_than_three_seeds_never_say_equivalent(count, is_told):
    both = trainings("eval_acc", *[0.9] * count)
    found = compare_seeds(both, both, "eval_acc", 0.01, rows=100_000)
    assert (found["equivalence_p"] is not None) == is_told
    assert not is_told or found["equivalence_p"] < 0.01


def test_equivalence_over_seeds_needs_rows_that_can_tell():
    both = trainings("eval_acc", 0.9, 0.9, 0.9)
    assert compare_seeds(both, both, "eval_acc", 0.01, rows=100)["equivalence_p"] > 0.1
