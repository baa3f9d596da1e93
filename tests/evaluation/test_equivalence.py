from math import ceil

import numpy as np
import pytest
from paired_counts import COUNTS, quartic
from scipy.optimize import minimize_scalar
from scipy.special import xlogy
from scipy.stats import binom, norm, ttest_1samp
from simulated_pairs import HEAVY_TAILED, share
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.weightstats import ttost_paired

from twintrain.evaluation import equivalence
from twintrain.evaluation.equivalence import of_accuracies, of_errors, of_means
from twintrain.evaluation.paired_accuracy import Counts, tango_statistic


def most_likely_statistic(first, second, rows, difference):
    """The score statistic with the most likely shares found by a search, not by a formula."""

    def unlikelihood(share):
        same = max(1 - 2 * share - difference, 0)
        return -(xlogy(first, share + difference) + xlogy(second, share) + xlogy(rows - first - second, same))

    low, high = max(0, -difference), (1 - difference) / 2
    share = minimize_scalar(unlikelihood, bounds=(low, high), method="bounded", options={"xatol": 1e-13}).x
    variance = rows * (2 * share + difference * (1 - difference))
    return (first - second - rows * difference) / np.sqrt(variance)


@pytest.mark.parametrize("counts", COUNTS)
@pytest.mark.parametrize("difference", [-0.3, -0.05, -0.01, 0.02, 0.1, 0.25])
def test_statistic_has_the_most_likely_variance(counts, difference):
    assert tango_statistic(Counts(*counts), difference) == pytest.approx(
        most_likely_statistic(*counts, difference), rel=1e-4
    )


def test_statistic_of_no_difference_is_mcnemars():
    expected = mcnemar([[7, 40], [20, 93]], exact=False, correction=False).statistic
    assert tango_statistic(Counts(40, 20, 160), 0) ** 2 == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("counts", [(8, 2, 100), (2, 8, 100), (0, 3, 40), (40, 20, 160), (150, 86, 1600)])
def test_smallest_margin_is_the_further_end_of_the_90_percent_interval(counts):
    low, high = quartic(*counts, 0.10)
    found = of_accuracies(Counts(*counts), 0.05)["equivalent_within"]
    assert found == pytest.approx(max(-low, high), abs=1e-7)


def test_without_discordant_rows_the_number_of_rows_decides():
    # The statistic is then √(n·m / (1 − m)): 1.645² = n·m / (1 − m).
    z = norm.ppf(0.95) ** 2
    for rows in (10, 100, 10_000):
        assert of_accuracies(Counts(0, 0, rows), 0.01)["equivalent_within"] == pytest.approx(z / (rows + z), abs=1e-9)
    assert of_accuracies(Counts(0, 0, 100), 0.01)["equivalent"] is False
    assert of_accuracies(Counts(0, 0, 10_000), 0.01)["equivalent"] is True
    assert of_accuracies(Counts(0, 0, 100), 0.01)["equivalence_p"] == pytest.approx(
        norm.sf(np.sqrt(1 / 0.99)), rel=1e-12
    )


def test_at_the_smallest_margin_the_test_is_at_its_limit():
    for counts in COUNTS[:-1]:
        within = of_accuracies(Counts(*counts), 0.01)["equivalent_within"]
        assert of_accuracies(Counts(*counts), within)["equivalence_p"] == pytest.approx(0.05, abs=1e-6)
        assert of_accuracies(Counts(*counts), within * 1.01)["equivalent"] is True
        assert of_accuracies(Counts(*counts), within * 0.99)["equivalent"] is False


def test_networks_that_share_nothing_are_equivalent_within_no_margin():
    assert of_accuracies(Counts(50, 0, 50), 0.5)["equivalent_within"] == 1.0
    assert of_accuracies(Counts(0, 50, 50), 0.5)["equivalence_p"] > 0.999


@pytest.mark.slow
@pytest.mark.parametrize("rates", [(0.06, 0.01), (0.01, 0.06)])
def test_networks_at_the_margin_are_called_equivalent_one_time_in_twenty(rates):
    rng = np.random.default_rng(0)
    drawn, times = np.unique(rng.multinomial(400, [*rates, 1 - sum(rates)], 10_000), axis=0, return_counts=True)
    found = [of_accuracies(Counts(first, second, 400), 0.05)["equivalent"] for first, second, _ in drawn]
    assert np.average(found, weights=times) == pytest.approx(0.05, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(("discordant", "margin"), [(0.02, 0.01), (0.1, 0.02), (0.3, 0.05)])
def test_as_many_rows_as_are_needed_show_it_four_times_in_five(discordant, margin):
    told = of_accuracies(Counts(500 * discordant, 500 * discordant, 1000), margin)["equivalence_needs"]
    rows = round(told)
    drawn = np.random.default_rng(0).multinomial(rows, [discordant / 2, discordant / 2, 1 - discordant], 400)
    found = share(of_accuracies(Counts(a, b, rows), margin)["equivalent"] for a, b, _ in drawn)
    assert found == pytest.approx(0.8, abs=0.06)


def test_without_discordant_rows_those_are_needed_of_which_the_test_can_reject():
    told = of_accuracies(Counts(0, 0, 50), 0.01)["equivalence_needs"]
    assert told == pytest.approx(267.9, abs=0.1)
    assert of_accuracies(Counts(0, 0, 267), 0.01)["equivalent"] is False
    assert of_accuracies(Counts(0, 0, 268), 0.01)["equivalent"] is True


@pytest.mark.slow
def test_as_many_errors_as_are_needed_show_it_four_times_in_five():
    rng = np.random.default_rng(0)

    def draw(rows):
        shared, *own = rng.exponential(size=(3, rows)) + 0.5
        return shared + own[0], shared + own[1]

    rows = round(of_errors(*draw(5000), 0.1)["equivalence_needs"])
    found = share(of_errors(*draw(rows), 0.1)["equivalent"] for _ in range(200))
    assert found == pytest.approx(0.8, abs=0.1)


@pytest.mark.parametrize("shift", [0.0, 0.1, -0.3])
@pytest.mark.parametrize("margin", [0.05, 0.5])
def test_of_means_is_that_of_statsmodels(shift, margin):
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 60))
    first += shift
    expected = ttost_paired(first, second, -margin, margin)[0]
    assert of_means(first - second, margin) == pytest.approx(expected, rel=1e-9)


def test_margin_of_means_is_a_share_of_the_unit():
    difference = np.random.default_rng(0).normal(size=30)
    assert of_means(difference, 0.1, unit=4.0) == pytest.approx(of_means(difference, 0.4), rel=1e-12)


def test_differences_that_do_not_vary():
    assert of_means(np.zeros(5), 0.01) == 0.0
    assert of_means(np.full(5, 0.5), 0.1) == 1.0


def ratio_p(first, second, margin):
    """One-sided t tests that neither mean is larger than (1 + margin) times the other one."""
    pairs = ((first, second), (second, first))
    return max(ttest_1samp(one - (1 + margin) * other, 0, alternative="less").pvalue for one, other in pairs)


@pytest.mark.parametrize("margin", [0.02, 0.1, 0.5])
def test_of_errors_is_students_test_of_the_ratio_or_surer_not(margin, monkeypatch):
    first, second = np.random.default_rng(0).exponential(size=(2, 400)) + 1
    expected = ratio_p(first, second, margin)
    with_bootstrap = of_errors(first, second, margin)["equivalence_p"]
    monkeypatch.setattr(equivalence, "RESAMPLED_ROWS", 399)
    assert of_errors(first, second, margin)["equivalence_p"] == pytest.approx(expected, rel=1e-6)
    assert with_bootstrap >= expected
    assert with_bootstrap == pytest.approx(expected, abs=0.02)


def test_errors_are_equivalent_beyond_the_smallest_margin_alone():
    first, second = np.random.default_rng(0).exponential(size=(2, 400)) + 1
    within = of_errors(first, second, 0.1)["equivalent_within"]
    assert of_errors(first, second, within * 1.02)["equivalent"] is True
    assert of_errors(first, second, within * 0.98)["equivalent"] is False


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
def test_unit_of_errors_does_not_matter(size):
    first, second = np.random.default_rng(0).exponential(size=(2, 50))
    assert of_errors(size * first, size * second, 0.3) == pytest.approx(of_errors(first, second, 0.3), rel=1e-6)


@pytest.mark.parametrize("far", [0, 1, 4])
@pytest.mark.parametrize("shift", [0.0, 0.002])
def test_errors_that_differ_by_as_much_are_counted_as_rows_are_of_accuracies(far, shift):
    # p is the binomial chance to see no more rows that are far off, were they a share of the margin.
    errors = 1 + np.random.default_rng(0).exponential(size=300)
    first = errors + shift
    first[:far] += 0.02
    found = of_errors(first, errors, 0.01)
    assert found["equivalence_p"] == pytest.approx(binom.cdf(far, 300, 0.01), rel=1e-9)
    assert found["equivalent"] is (far == 0)
    rows = ceil(found["equivalence_needs"])
    assert binom.cdf(far, rows, 0.01) < 0.05 < binom.cdf(far, rows - 10, 0.01)


def test_unequal_errors_without_an_error_on_one_side_are_not_equivalent():
    errors = np.random.default_rng(0).exponential(size=300)
    none = of_errors(errors, np.zeros(300), 0.01)
    assert (none["equivalent"], none["equivalent_within"]) == (False, equivalence.LARGEST_SHARE)
    assert of_errors(np.ones(20), np.ones(20), 0.01)["equivalent"] is False
    assert of_errors(np.zeros(9), np.zeros(9), 0.01)["equivalent"] is False  # of nothing there is no share


@pytest.mark.slow
@pytest.mark.parametrize("kind", HEAVY_TAILED)
def test_heavy_tailed_errors_at_the_margin_are_rarely_called_equivalent(kind):
    # 5 % are meant; the t test of the difference, with the chance in the smaller error neglected, has up to 20 %.
    draw, margin = HEAVY_TAILED[kind]
    rng = np.random.default_rng(0)
    drawn = [draw(rng, 200, 1.0, margin) for _ in range(400)]
    assert share(of_errors(*pair, margin)["equivalent"] for pair in drawn) <= 0.08
