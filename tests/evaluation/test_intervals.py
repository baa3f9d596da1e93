import numpy as np
import pytest
from scipy.stats import bootstrap
from simulated_pairs import excludes_0, outcomes_apart
from sklearn.metrics import roc_auc_score

from twintrain.evaluation import intervals
from twintrain.evaluation.intervals import area_interval, bootstrap_interval, mean_interval
from twintrain.evaluation.sampling import Sampling
from twintrain.evaluation.scores import area_under_roc


def networks(rows, classes, digits=None):
    """Probabilities of two networks that err on like rows, with ties where they are rounded, and labels."""
    rng = np.random.default_rng(classes)
    labels = np.concatenate([np.arange(classes), rng.integers(classes, size=rows - classes)])
    shared = rng.normal(size=(rows, classes)) + 1.5 * np.eye(classes)[labels]
    odds = [np.exp(shared + rng.normal(scale=scale, size=shared.shape)) for scale in (0.3, 0.9)]
    found = [(values / values.sum(axis=1, keepdims=True)) for values in odds]
    return *(values if digits is None else values.round(digits) for values in found), labels


def areas_drawn_one_by_one(first, second, labels):
    """The same bootstrap with scikit-learn's areas of rows that are there several times."""
    differences = []
    for block in intervals.resamples(len(labels)):
        for drawn in block.T:
            rows = np.repeat(np.arange(len(labels)), drawn)
            areas = [area_under_roc(found[rows], labels[rows]) for found in (first, second)]
            if None not in areas:
                differences.append(areas[0] - areas[1])
    return np.percentile(differences, [2.5, 97.5])


@pytest.mark.parametrize(("classes", "digits"), [(2, None), (2, 1), (4, None), (4, 1)])
def test_interval_of_areas_is_that_of_scikit_learns_areas(classes, digits, monkeypatch):
    monkeypatch.setattr(intervals, "SAMPLES", 50)
    first, second, labels = networks(120, classes, digits)
    if digits and classes > 2:
        # scikit-learn wants probabilities; ranks within a class need none.
        def area_under_roc(probability, labels):
            return np.mean([roc_auc_score(labels == code, probability[:, code]) for code in range(classes)])

        monkeypatch.setitem(areas_drawn_one_by_one.__globals__, "area_under_roc", area_under_roc)
    expected = areas_drawn_one_by_one(first, second, labels)
    assert area_interval(first, second, labels) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_areas_and_components_of_delong_give_the_area(classes):
    first, _, labels = networks(500, classes, digits=2 if classes == 2 else None)
    codes = range(1, 2) if classes == 2 else range(classes)
    area, influence = intervals._area_and_influence(first, labels, codes)
    assert area == pytest.approx(area_under_roc(first, labels), abs=1e-12)
    assert influence.mean() == pytest.approx(0, abs=1e-12)


def test_components_are_those_of_delong_by_hand():
    # Positives 0.6 and 0.4 win over negatives 0.1, 0.4 and 0.5: 3 of 3 pairs, and 1.5.
    probability = np.array([0.6, 0.4, 0.1, 0.4, 0.5])
    labels = np.array([1, 1, 0, 0, 0])
    area, influence = intervals._area_and_influence(np.stack([1 - probability, probability], 1), labels, range(1, 2))
    assert area == pytest.approx(4.5 / 6)
    # Shares of pairs won by each positive, 1 and 1/2, and against each negative, 1, 3/4 and 1/2, less the area.
    components = np.array([1 / 4 * 5 / 2, -1 / 4 * 5 / 2, 1 / 4 * 5 / 3, 0, -1 / 4 * 5 / 3])
    assert influence == pytest.approx(components)


@pytest.mark.parametrize("classes", [2, 5])
def test_beyond_the_limit_the_interval_is_nearly_the_same(classes, monkeypatch):
    first, second, labels = networks(3000, classes)
    losses = -np.log(first[np.arange(3000), labels] / second[np.arange(3000), labels])
    resampled = area_interval(first, second, labels), mean_interval(losses)
    monkeypatch.setattr(intervals, "RESAMPLED_ROWS", 2999)
    approximated = area_interval(first, second, labels), mean_interval(losses)
    for drawn, normal in zip(resampled, approximated, strict=True):
        assert normal == pytest.approx(drawn, abs=0.05 * (drawn[1] - drawn[0]))
        assert normal != drawn


@pytest.mark.slow
@pytest.mark.parametrize("tail", ["light", "heavy"])
def test_standard_errors_of_means_are_a_poisson_bootstrap(tail):
    """In one pass: each row is drawn as often as Poisson numbers of mean 1 say, by itself."""
    rng, rows = np.random.default_rng(3), intervals.RESAMPLED_ROWS + 5000
    difference = rng.normal(0.01, 1, rows) if tail == "light" else rng.lognormal(0, 1, rows) - 1.6
    sums, drawn = np.zeros(intervals.SAMPLES), np.zeros(intervals.SAMPLES)
    for run in np.split(difference, range(500, rows, 500)):
        weights = rng.poisson(1, (len(run), intervals.SAMPLES))
        sums += run @ weights
        drawn += weights.sum(axis=0)
    expected = np.percentile(sums / drawn, intervals.PERCENTILES)
    # Three times the noise of the bootstrap's ends.
    assert mean_interval(difference) == pytest.approx(expected, abs=0.045 * np.ptp(expected))


@pytest.mark.slow
def test_standard_errors_of_areas_are_a_poisson_bootstrap():
    rng, rows = np.random.default_rng(4), intervals.RESAMPLED_ROWS + 2000
    first, second, labels = networks(rows, 2, digits=3)
    orders = [intervals._Order(found[:, 1], labels == 1) for found in (first, second)]
    areas = np.concatenate(
        [
            np.subtract(*(order.areas(weights.astype(np.int64)) for order in orders))
            for weights in (rng.poisson(1, (rows, 50)) for _ in range(intervals.SAMPLES // 50))
        ]
    )
    expected = np.percentile(areas, intervals.PERCENTILES)
    assert area_interval(first, second, labels) == pytest.approx(expected, abs=0.045 * np.ptp(expected))


def test_intervals_of_rows_in_several_runs_are_those_of_all(monkeypatch):
    first, second, labels = networks(intervals.RESAMPLED_ROWS + 5, 3, digits=2)
    losses = first[:, 0] - second[:, 0]
    expected = area_interval(first, second, labels), mean_interval(losses)
    monkeypatch.setattr("twintrain.evaluation.running.RUN_ROWS", 999)
    found = area_interval(first, second, labels), mean_interval(losses)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_interval_of_means_is_scipys():
    difference = np.random.default_rng(0).exponential(size=400)
    expected = bootstrap((difference,), np.mean, n_resamples=9999, method="percentile", rng=2).confidence_interval
    found = mean_interval(difference)
    assert found == pytest.approx(expected, abs=0.05 * (expected.high - expected.low))


def test_changing_places_changes_the_sign_alone():
    first, second, labels = networks(200, 3)
    low, high = area_interval(first, second, labels)
    assert area_interval(second, first, labels) == pytest.approx([-high, -low], abs=1e-12)


@pytest.mark.parametrize("rows", [20, 1000, 20_000])
@pytest.mark.parametrize("groups", [None, 10])
@pytest.mark.parametrize("alike", [0.0, 0.3, -7.0])
def test_differences_that_are_nearly_all_the_same_tell_no_interval(rows, groups, alike):
    sampling = Sampling(groups=None if groups is None else np.arange(rows) % groups)
    difference = alike + 1e-12 * np.random.default_rng(0).normal(size=rows) * alike
    assert mean_interval(difference, sampling) is None
    difference[:4] -= 50.0
    assert mean_interval(difference, sampling) is None
    difference[4] -= 50.0
    low, high = mean_interval(difference, sampling)
    assert low < difference.mean() < high


@pytest.mark.parametrize("rows", [20, 50, 100, 200])
def test_equals_that_differ_by_as_much_but_in_one_row_of_100_are_rarely_said_to_differ(rows):
    outcomes = list(outcomes_apart(rows, 0.01, 1.0, -99.0))
    found = [sum(chance for d, chance in outcomes if excludes_0(by(d))) for by in (mean_interval, bootstrap_interval)]
    assert found[0] <= 0.06
    assert found[1] > 0.13


def test_a_handful_of_rows_that_all_differ_has_an_interval():
    assert mean_interval(np.array([0.1, 0.4, -0.2, 0.3])) is not None


def test_same_network_has_an_interval_of_no_width():
    first, _, labels = networks(200, 3)
    assert area_interval(first, first, labels) == [0.0, 0.0]


@pytest.mark.parametrize("labels", [[0, 0, 0, 0], [0, 1, 1, 0]])
def test_absent_class_leaves_no_interval(labels):
    first, second, _ = networks(4, 3)
    assert area_interval(first, second, np.array(labels)) is None


def test_class_that_most_resamples_lack_leaves_no_interval():
    # A row is in 63 of 100 resamples: two such classes are both in 40.
    first, second, _ = networks(200, 3)
    labels = np.zeros(200, np.int64)
    labels[:2] = [1, 2]
    assert area_interval(first, second, labels) is None
