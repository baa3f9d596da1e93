import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import xlogy
from scipy.stats import norm
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.weightstats import ttost_paired

from twintrain.evaluation.equivalence import of_accuracies, of_means
from twintrain.evaluation.paired_accuracy import tango_statistic

COUNTS = [(8, 2, 100), (2, 8, 100), (0, 0, 50), (0, 3, 40), (5, 0, 30), (40, 20, 160), (150, 86, 1600), (1, 1, 2)]


def quartic(first, second, rows, alpha):
    """Tango's interval as the roots of a polynomial: Yang, Sun and Hardin, Statistics in Medicine 32 (2013), 1336."""
    g = norm.ppf(1 - alpha / 2) ** 2
    surplus, discordant = first - second, first + second
    roots = np.roots(
        [
            rows**2 * (rows / g + 1) ** 2,
            -rows * surplus * (rows / g + 1) * (4 * rows / g + 1),
            2 * rows * surplus**2 * (3 * rows / g + 2) / g - rows**2 * (discordant / g + 1),
            rows * surplus * (2 * discordant / g + 1) - surplus**3 * (4 * rows / g + 1) / g,
            surplus**2 * (surplus**2 / g - discordant) / g,
        ]
    )
    real = roots[np.abs(roots.imag) < 1e-6].real
    return real.min(), real.max()


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
    assert tango_statistic(*counts, difference) == pytest.approx(most_likely_statistic(*counts, difference), rel=1e-4)


def test_statistic_of_no_difference_is_mcnemars():
    expected = mcnemar([[7, 40], [20, 93]], exact=False, correction=False).statistic
    assert tango_statistic(40, 20, 160, 0) ** 2 == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("counts", [(8, 2, 100), (2, 8, 100), (0, 3, 40), (40, 20, 160), (150, 86, 1600)])
def test_smallest_margin_is_the_further_end_of_the_90_percent_interval(counts):
    low, high = quartic(*counts, 0.10)
    found = of_accuracies(*counts, 0.05)["equivalent_within"]
    assert found == pytest.approx(max(-low, high), abs=1e-7)


def test_without_discordant_rows_the_number_of_rows_decides():
    # The statistic is then √(n·m / (1 − m)): 1.645² = n·m / (1 − m).
    z = norm.ppf(0.95) ** 2
    for rows in (10, 100, 10_000):
        assert of_accuracies(0, 0, rows, 0.01)["equivalent_within"] == pytest.approx(z / (rows + z), abs=1e-9)
    assert of_accuracies(0, 0, 100, 0.01)["equivalent"] is False
    assert of_accuracies(0, 0, 10_000, 0.01)["equivalent"] is True
    assert of_accuracies(0, 0, 100, 0.01)["equivalence_p"] == pytest.approx(norm.sf(np.sqrt(1 / 0.99)), rel=1e-12)


def test_at_the_smallest_margin_the_test_is_at_its_limit():
    for counts in COUNTS[:-1]:
        within = of_accuracies(*counts, 0.01)["equivalent_within"]
        assert of_accuracies(*counts, within)["equivalence_p"] == pytest.approx(0.05, abs=1e-6)
        assert of_accuracies(*counts, within * 1.01)["equivalent"] is True
        assert of_accuracies(*counts, within * 0.99)["equivalent"] is False


def test_networks_that_share_nothing_are_equivalent_within_no_margin():
    assert of_accuracies(50, 0, 50, 0.5)["equivalent_within"] == 1.0
    assert of_accuracies(0, 50, 50, 0.5)["equivalence_p"] > 0.999


@pytest.mark.parametrize("rates", [(0.06, 0.01), (0.01, 0.06)])
def test_networks_at_the_margin_are_called_equivalent_one_time_in_twenty(rates):
    rng = np.random.default_rng(0)
    drawn, times = np.unique(rng.multinomial(400, [*rates, 1 - sum(rates)], 10_000), axis=0, return_counts=True)
    found = [of_accuracies(first, second, 400, 0.05)["equivalent"] for first, second, _ in drawn]
    assert np.average(found, weights=times) == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize("shift", [0.0, 0.1, -0.3])
@pytest.mark.parametrize("margin", [0.05, 0.5])
def test_of_means_is_that_of_statsmodels(shift, margin):
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 60))
    first += shift
    expected = ttost_paired(first, second, -margin, margin)[0]
    found = of_means(first - second, margin)
    assert found["equivalence_p"] == pytest.approx(expected, rel=1e-9)
    within = found["equivalent_within"]
    assert ttost_paired(first, second, -within, within)[0] == pytest.approx(0.05, rel=1e-9)


def test_margin_of_means_is_a_share_of_the_unit():
    difference = np.random.default_rng(0).normal(size=30)
    in_units, absolute = of_means(difference, 0.1, unit=4.0), of_means(difference, 0.4)
    assert in_units["equivalence_p"] == pytest.approx(absolute["equivalence_p"], rel=1e-12)
    assert 4 * in_units["equivalent_within"] == pytest.approx(absolute["equivalent_within"], rel=1e-12)
    assert in_units["margin"] == 0.1


def test_differences_that_do_not_vary():
    assert of_means(np.zeros(5), 0.01) == {
        "margin": 0.01,
        "equivalence_p": 0.0,
        "equivalent": True,
        "equivalent_within": 0.0,
    }
    assert of_means(np.full(5, 0.5), 0.1)["equivalent"] is False
