import numpy as np
import pytest
from scipy.stats import binom, bootstrap

from twintrain.evaluation.comparison import (
    against_baseline,
    compare_classes,
    compare_numbers,
    compare_predictions,
    mixture,
    verdict,
)


def predictions(both=0, only_first=0, only_second=0, neither=0):
    """Probabilities of two classes, where the label is always 1."""
    first = [1] * (both + only_first) + [0] * (only_second + neither)
    second = [1] * both + [0] * only_first + [1] * only_second + [0] * neither
    return (*(np.eye(2)[classes] * 0.5 + 0.25 for classes in (first, second)), np.ones(len(first), np.int64))


def compare(**counts):
    return compare_predictions(*predictions(**counts))


@pytest.mark.parametrize(
    ("only_first", "only_second", "p"),
    [
        # twice the chance of at most 2 of 10 heads: 2 · (1 + 10 + 45) / 1024
        (8, 2, 112 / 1024),
        (2, 8, 112 / 1024),
        (10, 0, 2 / 1024),
        (0, 6, 2 / 64),
        (5, 5, 1.0),
        (1, 0, 1.0),
        (0, 0, 1.0),
    ],
)
def test_mcnemar_is_exact(only_first, only_second, p):
    found = compare(both=20, only_first=only_first, only_second=only_second, neither=5)
    assert found["mcnemar_p"] == pytest.approx(p, rel=1e-12)
    assert (found["only_first_right"], found["only_second_right"]) == (only_first, only_second)


def test_difference_and_agreement_by_hand():
    found = compare(both=12, only_first=5, only_second=2, neither=1)
    assert found["accuracy_difference"] == pytest.approx(17 / 20 - 14 / 20)
    assert found["agreement"] == pytest.approx(13 / 20)
    assert found["largest_probability_difference"] == 0.5


def test_two_wrong_answers_agree_only_if_they_are_the_same():
    first = np.array([[0.7, 0.2, 0.1], [0.7, 0.2, 0.1]])
    second = np.array([[0.6, 0.3, 0.1], [0.1, 0.7, 0.2]])
    found = compare_predictions(first, second, np.array([2, 2]))
    assert (found["agreement"], found["accuracy_difference"], found["mcnemar_p"]) == (0.5, 0.0, 1.0)
    assert found["largest_probability_difference"] == pytest.approx(0.6)


def test_changing_places_changes_the_sign_alone():
    first, second, labels = predictions(both=60, only_first=9, only_second=4, neither=7)
    there, back = compare_predictions(first, second, labels), compare_predictions(second, first, labels)
    assert back["accuracy_difference"] == -there["accuracy_difference"]
    assert back["mcnemar_p"] == there["mcnemar_p"]
    assert [-back["accuracy_ci95"][1], -back["accuracy_ci95"][0]] == pytest.approx(there["accuracy_ci95"], abs=0.02)


@pytest.mark.parametrize(("only_first", "only_second"), [(100, 0), (0, 100)])
def test_interval_is_that_of_drawing_the_rows_again(only_first, only_second):
    found = compare(both=700, only_first=only_first, only_second=only_second, neither=200)
    # The number of rows with a difference is then binomial.
    low, high = binom.ppf([0.025, 0.975], 1000, 0.1) / 1000
    expected = [low, high] if only_first else [-high, -low]
    assert found["accuracy_ci95"] == pytest.approx(expected, abs=0.002)


def test_interval_is_paired():
    # Half of the rows are right for both: drawn apart, the two accuracies would differ by ± 4 %.
    low, high = compare(both=500, only_first=2, only_second=2, neither=496)["accuracy_ci95"]
    assert (low, high) == (pytest.approx(-0.004, abs=0.001), pytest.approx(0.004, abs=0.001))


def test_interval_is_the_same_every_time():
    counts = {"both": 5000, "only_first": 900, "only_second": 400}
    assert compare(**counts) == compare(**counts)


@pytest.mark.parametrize(
    ("counts", "interval"),
    [({"both": 9}, [0, 0]), ({"neither": 9}, [0, 0]), ({"only_first": 9}, [1, 1]), ({"only_second": 9}, [-1, -1])],
)
def test_interval_of_what_never_varies_is_a_point(counts, interval):
    assert compare(**counts)["accuracy_ci95"] == interval


def test_arrays_are_left_as_they_were():
    arrays = predictions(both=5, only_first=2, neither=1)
    copies = [array.copy() for array in arrays]
    compare_predictions(*arrays)
    assert all(np.array_equal(array, copy) for array, copy in zip(arrays, copies, strict=True))


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        (
            {"both": 90, "only_first": 10},
            "PyTorch is 10.00 points more accurate, more than the choice of test rows explains (McNemar p = 0.00195); "
            "they agree on 90.0% of the test rows.",
        ),
        (
            {"both": 90, "only_second": 10},
            "Keras is 10.00 points more accurate, more than the choice of test rows explains (McNemar p = 0.00195); "
            "they agree on 90.0% of the test rows.",
        ),
        (
            {"both": 190, "only_first": 2, "only_second": 8},
            "Keras is 3.00 points more accurate, no more than the choice of test rows explains (McNemar p = 0.109); "
            "they agree on 95.0% of the test rows.",
        ),
        (
            {"both": 6, "only_first": 1, "only_second": 1},
            "PyTorch and Keras are equally accurate; they agree on 75.0% of the test rows.",
        ),
        ({"both": 8}, "PyTorch and Keras are equally accurate; they agree on 100.0% of the test rows."),
    ],
)
def test_verdict_says_who_is_better_and_whether_chance_explains_it(counts, sentence):
    assert verdict(compare(**counts), "PyTorch", "Keras") == sentence


@pytest.mark.parametrize(("p", "words"), [(0.0499, "more"), (0.05, "no more")])
def test_limit_of_chance_is_5_percent(p, words):
    comparison = {"accuracy_difference": 0.01, "mcnemar_p": p, "agreement": 0.9}
    sentence = verdict(comparison, "PyTorch", "Keras")
    assert sentence.startswith(f"PyTorch is 1.00 points more accurate, {words} than the choice of test rows explains (")


def test_without_a_sample_of_rows_there_is_no_inference():
    first, second = np.eye(2)[[0, 1, 1, 0]], np.eye(2)[[0, 1, 0, 0]]
    found = compare_predictions(first, second, np.array([0, 1, 1, 0]), rows_are_a_sample=False)
    assert found.keys().isdisjoint({"accuracy_ci95", "mcnemar_p"})
    sentence = "PyTorch is 25.00 points more accurate; they agree on 75.0% of the test rows."
    assert verdict(found, "PyTorch", "Keras") == sentence


ALIKE = {"torch": "cuda, float32", "keras": "cuda, float32"}
MIXED = {"torch": "cuda, float32", "keras": "cpu, float32", "keras-jax": "cpu, float64"}


@pytest.mark.parametrize("is_allowed", [True, False])
def test_twins_on_one_device_in_one_precision_are_no_mixture(is_allowed):
    assert mixture(ALIKE, is_allowed) == ""
    assert mixture({"torch": "cpu, float64"}, is_allowed) == ""


def test_mixture_is_refused_or_described(error_of):
    described = "PyTorch on cuda, float32; Keras on cpu, float32; Keras on JAX on cpu, float64"
    assert mixture(MIXED, is_allowed=True) == described
    assert error_of(mixture, MIXED, is_allowed=False) == (
        f"the twins ran on different devices or precisions: {described}; expected train.device: cpu, a GPU for all, "
        "or compare.allow_mixed: true"
    )


NUMBERS = np.array([[1.0], [2.0], [3.0], [4.0]])


def test_comparison_of_numbers_by_hand():
    first = NUMBERS + np.array([[0.5], [-0.5], [0.0], [1.0]])
    second = NUMBERS + np.array([[0.5], [1.0], [1.0], [0.5]])
    found = compare_numbers(first, second, NUMBERS)
    assert found["mae_difference"] == pytest.approx((0.5 + 0.5 + 0 + 1 - 0.5 - 1 - 1 - 0.5) / 4)
    assert found["relative_difference"] == pytest.approx(-0.25 / 0.5)
    assert found["rmse_difference"] == pytest.approx(np.sqrt(1.5 / 4) - np.sqrt(2.5 / 4))
    assert found["first_closer"] == pytest.approx(2 / 3)
    assert found["largest_prediction_difference"] == pytest.approx(1.5)
    # Drawing rows with replacement can give no mean outside the differences themselves, −1 to 0.5.
    low, high = found["mae_ci95"]
    assert -1 <= low < found["mae_difference"] < high <= 0.5


def test_interval_of_numbers_is_scipys():
    rng = np.random.default_rng(1)
    labels = rng.normal(size=(300, 1))
    first, second = (labels + rng.normal(0, scale, labels.shape) for scale in (1.0, 1.2))
    difference = (np.abs(first - labels) - np.abs(second - labels)).ravel()
    expected = bootstrap((difference,), np.mean, n_resamples=9999, method="percentile", rng=2).confidence_interval
    assert compare_numbers(first, second, labels)["mae_ci95"] == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(
    ("first", "second", "is_sample", "expected"),
    [
        (
            NUMBERS + 0.5,
            NUMBERS + 0.5,
            True,
            "A and B err equally, but for rounding; their predictions differ by 0 at most.",
        ),
        (
            NUMBERS + 0.5,
            NUMBERS + 0.75,
            True,
            "A errs less by 0.25 in the mean, more than the choice of test rows explains "
            "(95 % interval -0.25 to -0.25); their predictions differ by 0.25 at most.",
        ),
        (NUMBERS + 1, NUMBERS - 0.5, False, "B errs less by 0.5 in the mean; their predictions differ by 1.5 at most."),
    ],
)
def test_verdict_on_numbers(first, second, is_sample, expected):
    assert verdict(compare_numbers(first, second, NUMBERS, is_sample), "A", "B") == expected


def test_a_difference_within_the_interval_is_no_more_than_chance():
    rng = np.random.default_rng(0)
    labels = rng.normal(size=(40, 1))
    first, second = (labels + rng.normal(size=labels.shape) for _ in range(2))
    assert ", no more than the choice of test rows explains (" in verdict(
        compare_numbers(first, second, labels), "A", "B"
    )


def test_classes_alone_are_compared_as_probabilities_are():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 50)
    first, second = (rng.dirichlet(np.ones(3), 50) for _ in range(2))
    whole = compare_predictions(first, second, labels)
    assert whole.pop("largest_probability_difference") == np.abs(first - second).max()
    assert compare_classes(first.argmax(axis=1), second.argmax(axis=1), labels) == whole


@pytest.mark.parametrize(
    ("difference", "interval", "expected"),
    [
        (0.03, [0.01, 0.05], "+3.00 (95 % interval +1.00 to +5.00), better"),
        (-0.03, [-0.05, -0.01], "-3.00 (95 % interval -5.00 to -1.00), worse"),
        (0.01, [-0.01, 0.03], "+1.00 (95 % interval -1.00 to +3.00), no more than the choice of test rows explains"),
        (0.0, [-0.01, 0.01], "+0.00 (95 % interval -1.00 to +1.00), equal"),
        (0.25, None, "+25.00, better"),
        (-0.25, None, "-25.00, worse"),
        (0.0, None, "+0.00, equal"),
    ],
)
def test_networks_beat_a_baseline_or_do_not(difference, interval, expected):
    found = {"accuracy_difference": difference, **({"accuracy_ci95": interval} if interval else {})}
    assert against_baseline({"A": found}, "tree") == f"Against the baseline, tree, in points of accuracy: A {expected}."


@pytest.mark.parametrize(
    ("difference", "interval", "expected"),
    [
        (-0.125, [-0.2, -0.1], "-0.125 (95 % interval -0.2 to -0.1), better"),
        (0.125, [0.1, 0.2], "+0.125 (95 % interval +0.1 to +0.2), worse"),
        (0.125, [-0.1, 0.2], "+0.125 (95 % interval -0.1 to +0.2), no more than the choice of test rows explains"),
    ],
)
def test_of_errors_the_smaller_one_is_better(difference, interval, expected):
    found = {"mae_difference": difference, "mae_ci95": interval}
    sentence = f"Against the baseline, mean, in mean absolute error, less is better: A {expected}; B {expected}."
    assert against_baseline({"A": found, "B": found}, "mean") == sentence
