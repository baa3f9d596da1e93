"""Every loss and its gradient, against formulas in NumPy, in PyTorch and in Keras on each of its backends."""

from pathlib import Path

import numpy as np
import pytest
from loss_cases import (
    CLASS_WEIGHTS,
    DTYPES,
    INPUTS,
    OF_TARGETS,
    OUTPUTS,
    TARGETS,
    arrays,
    logits_of_targets,
    mixed_labels,
    settings,
)
from loss_formulas import entropy, expected, reference
from sklearn.utils.class_weight import compute_class_weight
from worker_process import run_worker

from twintrain.data.schema import Schema
from twintrain.evaluation import metrics, targets
from twintrain.evaluation.overlap import dice_coefficient
from twintrain.settings.params import Params
from twintrain.settings.sections.losses import SHARES, Loss
from twintrain.settings.sections.training import Train
from twintrain.training.losses import check_loss, with_class_weights

TWINS = {
    "torch": ("torch", {}),
    "keras": ("keras", {"KERAS_BACKEND": "tensorflow"}),
    "keras on jax": ("keras", {"KERAS_BACKEND": "jax", "JAX_ENABLE_X64": "1"}),
    "keras on torch": ("keras", {"KERAS_BACKEND": "torch"}),
}
# JAX compiles every loss anew.
SLOW = ("keras on jax", "keras on torch")
EVERY_TWIN = [pytest.param(twin, marks=pytest.mark.slow) if twin in SLOW else twin for twin in TWINS]
# Relative to values above 1: a unit in the last place of 1,000 is 1e-13.
TOLERANCE = {"float64": 1e-14, "float32": 1e-6}


class Results(dict[str, dict[str, np.ndarray]]):
    """What each twin made of every case, in a process of its own when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __missing__(self, twin: str) -> dict[str, np.ndarray]:
        framework, variables = TWINS[twin]
        out = self.folder / f"{twin}.npz"
        run_worker("loss_worker.py", framework, out, **variables)
        self[twin] = dict(np.load(out))
        return self[twin]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return Results(tmp_path_factory.mktemp("losses"))


@pytest.mark.parametrize("twin", EVERY_TWIN)
@pytest.mark.parametrize("inputs", INPUTS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", settings())
def test_loss_and_gradient_are_those_of_the_formula(results: Results, twin: str, inputs: str, dtype: str, case: str):
    for what, wanted in expected(case, inputs, dtype).items():
        found = results[twin][f"{case}|{inputs}|{dtype}|{what}"]
        assert (found.dtype, found.shape) == (np.dtype(dtype), np.shape(wanted)), what
        np.testing.assert_allclose(found, wanted, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype], err_msg=what)


@pytest.mark.parametrize("twin", EVERY_TWIN)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("task", CLASS_WEIGHTS)
def test_loss_of_two_labels_is_that_of_each_by_its_share(results: Results, twin: str, dtype: str, task: str):
    logits, (first, second, parts) = arrays(task, "random", dtype)[0].astype(np.float64), mixed_labels(task).T
    loss, shares = Loss(class_weights=CLASS_WEIGHTS[task]), np.stack([parts, SHARES - parts]) / SHARES
    weights = shares * np.array(CLASS_WEIGHTS[task])[np.stack([first, second])] / len(parts)
    of_both = [reference(task, loss, logits, labels) for labels in (first, second)]
    terms, slopes = map(np.stack, zip(*of_both, strict=True))
    wanted = {"loss": (weights * terms).sum(), "gradient": (weights[..., None] * slopes).sum(axis=0)}
    for what, value in wanted.items():
        found = results[twin][f"mixed {task}|{dtype}|{what}"]
        np.testing.assert_allclose(found, value, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype], err_msg=what)
    larger = np.where(parts >= SHARES / 2, first, second)
    right = metrics.predicted_labels(logits) == larger
    assert results[twin][f"mixed {task}|{dtype}|metric"] == right.sum()


@pytest.mark.parametrize("inputs", INPUTS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", settings())
def test_loss_of_stored_logits_is_the_trained_one(inputs: str, dtype: str, case: str):
    task, loss = settings()[case]
    found = metrics.loss(*arrays(task, inputs, dtype), loss)
    assert found == pytest.approx(expected(case, inputs, dtype)["loss"], rel=1e-14, abs=1e-14)


@pytest.mark.parametrize("twin", EVERY_TWIN)
@pytest.mark.parametrize("task", OUTPUTS)
def test_what_is_watched_while_training_is_the_metric_of_stored_logits(results: Results, twin: str, task: str):
    for inputs in INPUTS:
        logits, labels = arrays(task, inputs, "float64")
        found = results[twin][f"{task}|{inputs}|float64|metric"] / len(labels)
        assert found == pytest.approx(metrics.metric(logits, labels), rel=1e-14)


def of_targets(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Losses of rows (rows,) and their gradients, as OF_TARGETS weighs them: columns and groups written out."""
    parts = (
        (1.0, slice(0, 4), [0, 1, 2, 3]),
        (0.5, slice(4, 5), [0, 0, 1, 1]),
        (2.0, slice(5, 8), [2, 0, 1, 2]),
    )
    found = [(weight, *entropy(logits[:, place], np.array(group)[labels], 0.1)) for weight, place, group in parts]
    return sum(weight * terms for weight, terms, _ in found), np.hstack(
        [weight * slopes for weight, _, slopes in found]
    )


@pytest.mark.parametrize("twin", EVERY_TWIN)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["plain", "mixed"])
def test_loss_of_several_targets_is_the_weighted_sum_of_theirs(results: Results, twin: str, dtype: str, kind: str):
    logits = logits_of_targets(dtype).astype(np.float64)
    if kind == "plain":
        watched = arrays("multiclass", "random", dtype)[1]
        terms, slopes = of_targets(logits, watched)
    else:
        first, second, parts = mixed_labels("multiclass").T
        share, watched = parts / SHARES, np.where(parts >= SHARES / 2, first, second)
        (ours, our_slopes), (theirs, their_slopes) = of_targets(logits, first), of_targets(logits, second)
        terms = share * ours + (1 - share) * theirs
        slopes = share[:, None] * our_slopes + (1 - share)[:, None] * their_slopes
    for what, value in {"loss": terms.mean(), "gradient": slopes / len(logits)}.items():
        found = results[twin][f"targets {kind}|{dtype}|{what}"]
        np.testing.assert_allclose(found, value, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype], err_msg=what)
    right = logits[:, :4].argmax(axis=1) == watched
    assert results[twin][f"targets {kind}|{dtype}|metric"] == right.sum()


def test_loss_and_metric_of_stored_outputs_of_several_targets():
    logits, labels = logits_of_targets("float64"), arrays("multiclass", "random", "float64")[1]
    found = targets.row_losses(logits, labels, OF_TARGETS, TARGETS)
    np.testing.assert_allclose(found, of_targets(logits, labels)[0], rtol=1e-14)
    assert targets.row_metrics(logits, labels, TARGETS).tolist() == (logits[:, :4].argmax(axis=1) == labels).tolist()


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (
            {"weights": {"hlaf": 0.5}},
            "unknown target in train.loss.weights: 'hlaf'; did you mean 'half'?",
        ),
        (
            {"weights": {"class": 0.0, "half": 0.0, "third": 0.0}},
            "train.loss.weights: expected at least one above 0, got {'class': 0.0, 'half': 0.0, 'third': 0.0}",
        ),
        (
            {"class_weights": "balanced"},
            "train.loss.class_weights: class, half, third have other classes; expected null",
        ),
        (
            {"name": "cross_entropy"},
            "train.loss.name: the task of 'half' of case is binary; expected binary_cross_entropy, focal, "
            "kl_divergence, hinge, mse, mae or huber, got cross_entropy",
        ),
    ],
)
def test_loss_that_does_not_fit_several_targets_is_refused_in_one_line(loss, message, error_of):
    assert error_of(check_loss, Loss(**loss), TARGETS) == message
    check_loss(OF_TARGETS, TARGETS)


def test_weights_of_targets_need_several(error_of):
    assert error_of(check_loss, Loss(weights={"rows": 1.0}), schema("multiclass")) == (
        "train.loss.weights are of several targets, and rows has one; expected preprocess.further, or null"
    )


def test_overlap_of_masks():
    labels = np.array([[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]], bool)
    logits = np.array([[3, -1, 2, -4], [-1, -1, -1, -1], [1, -1, -1, -1], [1, 1, 1, 0]], np.float32)
    found = metrics.row_metrics(logits, labels)
    assert found.tolist() == [1 / 3, 1, 0, 3 / 4]
    assert dice_coefficient(found).tolist() == pytest.approx([1 / 2, 1, 0, 6 / 7])


def test_losses_of_batches_add_up_to_that_of_all_rows():
    logits, labels = arrays("multiclass", "random", "float64")
    loss = Loss(class_weights=CLASS_WEIGHTS["multiclass"])
    batches = [slice(0, 13), slice(13, 40)]
    sums = [metrics.loss(logits[rows], labels[rows], loss) * len(labels[rows]) for rows in batches]
    assert sum(sums) / len(labels) == pytest.approx(metrics.loss(logits, labels, loss), rel=1e-14)


def test_a_cosine_of_single_numbers_is_refused(error_of):
    described = schema("regression").model_copy(update={"outputs": 1})
    assert error_of(check_loss, Loss(name="cosine"), described) == (
        "train.loss.name: cosine compares directions, and a row of rows has a single number; expected mse, mae or huber"
    )


def test_huber_with_a_delta_beyond_all_errors_is_half_the_squared_error():
    logits, labels = arrays("binary", "random", "float64")
    huber, mse = metrics.loss(logits, labels, Loss(name="huber")), metrics.loss(logits, labels, Loss(name="mse"))
    assert huber == pytest.approx(mse / 2, rel=1e-14)


def schema(task: str) -> Schema:
    labels = {"binary": ["no", "yes"], "multiclass": ["a", "b", "c"], "regression": []}.get(task, [])
    # The task is not checked, so that a regression can be described too.
    return Schema.model_construct(dataset="rows", task=task, labels=labels, outputs=OUTPUTS[task])


@pytest.mark.parametrize(
    ("task", "loss", "message"),
    [
        (
            "binary",
            {"name": "cross_entropy"},
            "train.loss.name: the task of rows is binary; "
            "expected binary_cross_entropy, focal, kl_divergence, hinge, mse, mae or huber, got cross_entropy",
        ),
        (
            "multiclass",
            {"name": "binary_cross_entropy"},
            "train.loss.name: the task of rows is multiclass; "
            "expected cross_entropy, focal, kl_divergence, hinge, mse, mae, huber or cosine, got binary_cross_entropy",
        ),
        (
            "regression",
            {"name": "cross_entropy"},
            "train.loss.name: the task of rows is regression; expected mse, mae, huber or cosine, got cross_entropy",
        ),
        (
            "binary",
            {"name": "mae", "label_smoothing": 0.1},
            "train.loss.label_smoothing: binary_cross_entropy or kl_divergence has it, mae has not; "
            "expected 0.0, got 0.1",
        ),
        (
            "regression",
            {"label_smoothing": 0.1},
            "train.loss.label_smoothing: no loss of a regression has it; expected 0.0, got 0.1",
        ),
        (
            "multiclass",
            {"delta": 2.0},
            "train.loss.delta: huber has it, cross_entropy has not; expected null, got 2.0",
        ),
        (
            "multiclass",
            {"name": "kl_divergence", "gamma": 1.0},
            "train.loss.gamma: focal has it, kl_divergence has not; expected null, got 1.0",
        ),
        (
            "multiclass",
            {"class_weights": [1.0, 2.0]},
            "train.loss.class_weights: expected 3, one a class of rows in the order a, b, c; got 2",
        ),
        (
            "binary",
            {"class_weights": [1.0]},
            "train.loss.class_weights: expected 2, one a class of rows in the order no, yes; got 1",
        ),
        (
            "regression",
            {"class_weights": [1.0]},
            "train.loss.class_weights: a regression has no classes; expected null",
        ),
        (
            "regression",
            {"class_weights": "balanced"},
            "train.loss.class_weights: a regression has no classes; expected null",
        ),
        (
            "reconstruction",
            {"class_weights": "balanced"},
            "train.loss.class_weights: a reconstruction has no classes; expected null",
        ),
        (
            "segmentation",
            {"name": "mse"},
            "train.loss.name: the task of rows is segmentation; expected binary_cross_entropy, focal or dice, got mse",
        ),
    ],
)
def test_loss_that_does_not_fit_is_refused_in_one_line(task, loss, message, error_of):
    assert error_of(check_loss, Loss(**loss), schema(task)) == message


@pytest.mark.parametrize("case", [name for name in settings() if "multiclass" not in name])
def test_loss_that_fits_passes(case):
    task, loss = settings()[case]
    check_loss(loss, schema(task))


def params(class_weights) -> Params:
    return Params(
        dataset="rows",
        model="cnn",
        frameworks=["torch"],
        train=Train(loss=Loss(label_smoothing=0.1, class_weights=class_weights)),
    )


@pytest.mark.parametrize(("task", "counts"), [("multiclass", [70, 20, 10]), ("binary", [1, 3])])
def test_balanced_weights_are_those_of_scikit_learn(task, counts):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    found = with_class_weights(params("balanced"), labels, schema(task))
    expected = compute_class_weight("balanced", classes=np.arange(len(counts)), y=labels)
    assert found.train.loss == Loss(label_smoothing=0.1, class_weights=expected.tolist())
    assert np.array(found.train.loss.class_weights)[labels].mean() == pytest.approx(1)


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 3.0]])
def test_other_weights_are_left_as_they_are(weights):
    given = params(weights)
    assert with_class_weights(given, np.arange(3), schema("multiclass")) is given


def test_class_without_training_rows_cannot_be_balanced(error_of):
    assert error_of(with_class_weights, params("balanced"), np.array([0, 2, 2]), schema("multiclass")) == (
        "train.loss.class_weights: balanced needs training rows of every class, and there is none of 'b'; "
        "expected a list of 3 weights"
    )


def test_balanced_weights_fit_any_classes():
    check_loss(Loss(class_weights="balanced"), schema("multiclass"))
