import numpy as np
import pytest
from scipy.stats import bootstrap
from sklearn.metrics import log_loss, roc_auc_score
from statsmodels.stats.inter_rater import cohens_kappa

from twintrain.evaluation.comparison import (
    compare_by_class,
    compare_classes,
    compare_masks,
    compare_networks,
    compare_numbers,
    compare_probabilities,
    compare_with_baseline,
    cross_entropies,
    mixture,
    rows_digest,
)
from twintrain.evaluation.equivalence import of_errors
from twintrain.evaluation.sampling import ALL_ROWS
from twintrain.evaluation.scores import regression_score


def predictions(both=0, only_first=0, only_second=0, neither=0):
    """Probabilities of two classes, where the label is always 1."""
    first = [1] * (both + only_first) + [0] * (only_second + neither)
    second = [1] * both + [0] * only_first + [1] * only_second + [0] * neither
    return (*(np.eye(2)[classes] * 0.5 + 0.25 for classes in (first, second)), np.ones(len(first), np.int64))


def compare(**counts):
    return compare_by_class(*predictions(**counts))


@pytest.mark.parametrize(
    ("only_first", "only_second", "p"),
    # Twice the chance of a normal number beyond (b − c) / √(b + c).
    [
        (8, 2, 0.057780),
        (2, 8, 0.057780),
        (10, 0, 0.001565),
        (0, 6, 0.014306),
        (5, 5, 1.0),
        (1, 0, 0.317311),
        (0, 0, 1.0),
    ],
)
def test_mcnemar_by_hand(only_first, only_second, p):
    found = compare(both=20, only_first=only_first, only_second=only_second, neither=5)
    assert found["mcnemar_p"] == pytest.approx(p, abs=1e-6)
    assert (found["only_first_right"], found["only_second_right"]) == (only_first, only_second)


def test_difference_and_agreement_by_hand():
    found = compare(both=12, only_first=5, only_second=2, neither=1)
    assert found["accuracy_difference"] == pytest.approx(17 / 20 - 14 / 20)
    assert found["agreement"] == pytest.approx(13 / 20)
    assert found["largest_probability_difference"] == 0.5


def test_two_wrong_answers_agree_only_if_they_are_the_same():
    first = np.array([[0.7, 0.2, 0.1], [0.7, 0.2, 0.1]])
    second = np.array([[0.6, 0.3, 0.1], [0.1, 0.7, 0.2]])
    found = compare_by_class(first, second, np.array([2, 2]))
    assert (found["agreement"], found["accuracy_difference"], found["mcnemar_p"]) == (0.5, 0.0, 1.0)
    assert found["largest_probability_difference"] == pytest.approx(0.6)


def test_changing_places_changes_the_sign_alone():
    first, second, labels = predictions(both=60, only_first=9, only_second=4, neither=7)
    there, back = compare_by_class(first, second, labels), compare_by_class(second, first, labels)
    assert back["accuracy_difference"] == -there["accuracy_difference"]
    assert back["mcnemar_p"] == there["mcnemar_p"]
    assert [-back["accuracy_ci95"][1], -back["accuracy_ci95"][0]] == pytest.approx(there["accuracy_ci95"], abs=1e-9)


def test_interval_is_paired():
    # Half of the rows are right for both: drawn apart, the two accuracies would differ by ± 4 %.
    low, high = compare(both=500, only_first=2, only_second=2, neither=496)["accuracy_ci95"]
    assert (low, high) == (pytest.approx(-0.0055, abs=1e-4), pytest.approx(0.0055, abs=1e-4))


def test_interval_is_the_same_every_time():
    counts = {"both": 5000, "only_first": 900, "only_second": 400}
    assert compare(**counts) == compare(**counts)


@pytest.mark.parametrize(
    ("counts", "interval"),
    [
        ({"both": 9}, [-0.299, 0.299]),
        ({"neither": 9}, [-0.299, 0.299]),
        ({"only_first": 9}, [0.402, 1]),
        ({"only_second": 9}, [-1, -0.402]),
    ],
)
def test_what_never_varies_is_not_certain(counts, interval):
    assert compare(**counts)["accuracy_ci95"] == pytest.approx(interval, abs=1e-3)


def test_arrays_are_left_as_they_were():
    arrays = predictions(both=5, only_first=2, neither=1)
    copies = [array.copy() for array in arrays]
    compare_by_class(*arrays)
    assert all(np.array_equal(array, copy) for array, copy in zip(arrays, copies, strict=True))


def test_without_a_sample_of_rows_there_is_no_inference():
    first, second = np.eye(2)[[0, 1, 1, 0]], np.eye(2)[[0, 1, 0, 0]]
    found = compare_by_class(first, second, np.array([0, 1, 1, 0]), ALL_ROWS)
    assert found.keys().isdisjoint({"accuracy_ci95", "mcnemar_p"})


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


def test_difference_of_root_mean_squares_is_that_of_the_scores_that_are_shown():
    labels, first, second = np.random.default_rng(3).normal(size=(3, 40, 2))
    rmse = [regression_score(found, labels, 0.0)["rmse"] for found in (first, second)]
    assert compare_numbers(first, second, labels)["rmse_difference"] == pytest.approx(rmse[0] - rmse[1], rel=1e-12)


def test_interval_of_numbers_is_scipys():
    rng = np.random.default_rng(1)
    labels = rng.normal(size=(300, 1))
    first, second = (labels + rng.normal(0, scale, labels.shape) for scale in (1.0, 1.2))
    difference = (np.abs(first - labels) - np.abs(second - labels)).ravel()
    expected = bootstrap((difference,), np.mean, n_resamples=9999, method="percentile", rng=2).confidence_interval
    assert compare_numbers(first, second, labels)["mae_ci95"] == pytest.approx(expected, abs=0.02)


def test_comparison_of_masks_by_hand():
    labels = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [0, 1, 1, 0]], bool)
    first = np.array([[0.9, 0.8, 0.1, 0.2], [0.1, 0.6, 0.7, 0.2], [0.4, 0.9, 0.9, 0.1]])
    second = np.array([[1, 0, 0, 0], [0, 0, 1, 1], [0, 1, 1, 0]], bool)
    found = compare_masks(first, second, labels)
    assert found["iou_difference"] == pytest.approx((1 - 1 / 2 + 1 / 3 - 1 + 0) / 3)
    assert found["dice_difference"] == pytest.approx((1 - 2 / 3 + 1 / 2 - 1 + 0) / 3)
    assert found["relative_difference"] == pytest.approx(found["iou_difference"] / ((1 + 1 / 3 + 1) / 3))
    assert (found["rows"], found["first_closer"], found["largest_prediction_difference"]) == (3, 0.5, 0.8)
    assert found["iou_ci95"] == pytest.approx([1 / 3 - 1, 1 - 1 / 2])  # three times the same row


def test_classes_alone_are_compared_as_probabilities_are():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 50)
    first, second = (rng.dirichlet(np.ones(3), 50) for _ in range(2))
    whole = compare_by_class(first, second, labels)
    assert whole.pop("largest_probability_difference") == np.abs(first - second).max()
    assert compare_classes(first.argmax(axis=1), second.argmax(axis=1), labels) == whole


def random_probabilities(rows, classes, sharpness=0.2):
    rng = np.random.default_rng(rows)
    labels = np.concatenate([np.arange(classes), rng.integers(classes, size=rows - classes)])
    found = rng.dirichlet(np.ones(classes), (2, rows)) + sharpness * np.eye(classes)[labels]
    return *(found / found.sum(axis=2, keepdims=True)), labels


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_kappa_is_that_of_statsmodels(classes):
    first, second, labels = random_probabilities(200, classes)
    table = np.zeros((classes, classes))
    np.add.at(table, (first.argmax(axis=1), second.argmax(axis=1)), 1)
    found = compare_by_class(first, second, labels)
    assert found["kappa"] == pytest.approx(cohens_kappa(table).kappa, abs=1e-12)


def test_kappa_by_hand():
    # Agreement 13/20; the first has class 1 in 17 rows and the second in 14: blindly 17·14/400 + 3·6/400 = 0.64.
    assert compare(both=12, only_first=5, only_second=2, neither=1)["kappa"] == pytest.approx((0.65 - 0.64) / 0.36)


@pytest.mark.parametrize("counts", [{"both": 9}, {"neither": 9}])
def test_two_that_always_say_the_same_agree_fully(counts):
    assert compare(**counts)["kappa"] == 1.0


@pytest.mark.parametrize("classes", [2, 4])
def test_areas_and_losses_are_those_of_scikit_learn(classes):
    first, second, labels = random_probabilities(300, classes)
    found = compare_probabilities(first, second, labels)
    losses = [log_loss(labels, probability) for probability in (first, second)]
    options = {"multi_class": "ovr"} if classes > 2 else {}
    areas = [roc_auc_score(labels, p if classes > 2 else p[:, 1], **options) for p in (first, second)]
    assert found["loss_difference"] == pytest.approx(losses[0] - losses[1], abs=1e-12)
    assert found["auc_difference"] == pytest.approx(areas[0] - areas[1], abs=1e-12)
    for name in ("loss", "auc"):
        low, high = found[f"{name}_ci95"]
        assert low < found[f"{name}_difference"] < high


def test_what_needs_a_sample_or_all_classes_is_left_out():
    first, second, labels = random_probabilities(50, 3)
    assert compare_probabilities(first, second, labels, ALL_ROWS).keys() == {"auc_difference", "loss_difference"}
    assert compare_probabilities(first, second, np.minimum(labels, 1)).keys() == {"loss_difference", "loss_ci95"}


def test_cross_entropy_of_what_was_held_for_impossible_is_finite():
    found = cross_entropies(np.array([[1.0, 0.0], [0.25, 0.75]]), np.array([1, 1]))
    assert found == pytest.approx([708.396, -np.log(0.75)], abs=1e-3)


def stored(**arrays):
    return {"index": np.arange(len(arrays["label"])), **arrays}


def test_networks_of_classes_have_all_that_is_told():
    first, second, labels = random_probabilities(100, 3)
    found = compare_networks(stored(label=labels, probability=first), stored(label=labels, probability=second), 0.02)
    told = {**compare_by_class(first, second, labels), **compare_probabilities(first, second, labels)}
    names = ("margin", "equivalence_p", "equivalent", "equivalent_within", "equivalence_needs")
    equivalence = {name: found.pop(name) for name in names}
    assert found == told
    assert equivalence["margin"] == 0.02
    assert equivalence["equivalent"] is (equivalence["equivalent_within"] < 0.02)


def test_networks_of_numbers_are_equivalent_within_a_share_of_the_error():
    rng = np.random.default_rng(0)
    labels = rng.normal(size=(80, 3))
    first, second = (labels + rng.normal(0, scale, labels.shape) for scale in (1.0, 1.1))
    found = compare_networks(stored(label=labels, prediction=first), stored(label=labels, prediction=second), 0.2)
    errors = [np.abs(prediction - labels).mean(axis=1) for prediction in (first, second)]
    assert {name: found[name] for name in ("equivalent", "equivalence_p")}.items() <= of_errors(*errors, 0.2).items()
    assert found["relative_difference"] == pytest.approx(found["mae_difference"] / errors[0].mean())


def test_rows_that_are_no_sample_have_no_equivalence():
    first, second, labels = random_probabilities(50, 2)
    pair = [stored(label=labels, probability=probability) for probability in (first, second)]
    found = compare_networks(*pair, 0.01, ALL_ROWS)
    inferred = {"accuracy_ci95", "mcnemar_p", "auc_ci95", "loss_ci95", "equivalent", "equivalence_p"}
    assert found.keys().isdisjoint(inferred)
    assert found["margin"] == 0.01


def test_baseline_is_compared_by_what_it_has(error_of):
    first, second, labels = random_probabilities(50, 3)
    network = stored(label=labels, probability=first)
    by_class = compare_with_baseline(network, stored(label=labels, **{"class": second.argmax(axis=1)}))
    whole = compare_with_baseline(network, stored(label=labels, probability=second))
    assert whole.pop("largest_probability_difference") == np.abs(first - second).max()
    assert by_class == whole
    other = {**network, "index": np.arange(50) + 1}
    message = "predictions are of different rows; make them again with: dvc repro --force"
    assert error_of(compare_with_baseline, network, other) == message


def test_digest_is_of_rows_and_labels_in_any_width():
    index, labels = np.array([3, 5]), np.array([0, 1])
    digest = rows_digest(index, labels)
    assert len(digest) == 64
    assert rows_digest(index.astype(np.int32), labels.astype(np.int8)) == digest
    assert rows_digest(index, np.array([0, 2])) != digest
    assert rows_digest(np.array([3, 6]), labels) != digest
    numbers = np.array([[0.5], [1.5]], np.float32)
    assert rows_digest(index, numbers) == rows_digest(index, numbers.astype(np.float64)) != digest
