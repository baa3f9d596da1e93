from contextlib import nullcontext
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest
from made_schema import schema_of
from sklearn.datasets import load_diabetes, load_iris
from sklearn.utils.class_weight import compute_class_weight
from worker_process import run_worker

from pipelines import baseline
from twintrain import tracking
from twintrain.data.parts import Part
from twintrain.data.prepare.scaling import fit_target_scaler, scale
from twintrain.evaluation.overlap import intersection_over_union
from twintrain.settings.sections.baselines import BASELINES, Baseline
from twintrain.settings.yaml_files import read_yaml, write_yaml
from twintrain.system.project import read_json, write_json
from twintrain.training import baselines

ROOT = Path(__file__).resolve().parents[2]


def part(features, labels):
    return Part(features, labels, np.arange(len(labels)))


def settings(**changes):
    return Baseline.model_validate(changes)


@pytest.fixture(scope="module")
def iris():
    """Flowers of three classes, and their schema."""
    data = load_iris()
    rows = np.random.default_rng(0).permutation(150)
    return part(data.data[rows].astype(np.float32), data.target[rows]), schema_of([4], ["a", "b", "c"], outputs=3)


@pytest.fixture(scope="module")
def progression():
    """scikit-learn's diabetes: ten columns, a number of 25 to 346, and their schema."""
    data = load_diabetes()
    return part(data.data, data.target[:, None]), schema_of([10], task="regression")


@pytest.fixture(scope="module")
def series():
    """Steps of two channels, the first of which is to be predicted, and their schema."""
    features = np.arange(24.0).reshape(2, 4, 3)
    return part(features, np.array([[9.0], [21.0]])), schema_of([4, 3], task="regression")


# What scikit-learn itself says of flowers, halves of them each.
@pytest.mark.parametrize(
    ("name", "least"), [("logistic", 0.9), ("svm", 0.9), ("knn", 0.9), ("tree", 0.9), ("mlp", 0.6)]
)
def test_classifier_tells_flowers_apart(name, least, iris):
    rows, schema = iris
    train, test = (Part(*(array[cut] for array in vars(rows).values())) for cut in (slice(75), slice(75, None)))
    found = baselines.fit(name, settings(), schema, train)
    predicted, probability = baselines.predict_classes(found.model, test.features, 3)
    assert (predicted == test.labels).mean() >= least
    if name == "svm":
        assert probability is None
    else:
        assert probability.shape == (75, 3)
        assert probability.dtype == np.float64
        np.testing.assert_allclose(probability.sum(axis=1), 1, atol=1e-6)
        assert np.array_equal(probability.argmax(axis=1), predicted)


def test_majority_gives_the_shares_of_the_classes():
    rows = part(np.zeros((8, 1), np.float32), np.array([0, 0, 0, 0, 0, 1, 1, 3]))
    found = baselines.fit("majority", settings(), schema_of([1], "abcd"), rows)
    predicted, probability = baselines.predict_classes(found.model, np.zeros((2, 1), np.float32), 4)
    assert predicted.tolist() == [0, 0]
    assert probability.tolist() == [[0.625, 0.25, 0, 0.125]] * 2


def test_linear_regression_is_the_least_squares_solution(progression):
    rows, schema = progression
    found = baselines.fit("linear", settings(), schema, rows)
    columns = np.column_stack([np.ones(len(rows)), rows.features])
    expected = columns @ np.linalg.lstsq(columns, rows.labels, rcond=None)[0]
    np.testing.assert_allclose(baselines.predict_numbers(found.model, rows.features), expected, rtol=1e-9)


def test_mean_is_the_mean(progression):
    rows, schema = progression
    found = baselines.fit("mean", settings(), schema, rows)
    predicted = baselines.predict_numbers(found.model, rows.features[:2])
    np.testing.assert_allclose(predicted, [[rows.labels.mean()]] * 2)


@pytest.mark.parametrize("name", ["ridge", "svm", "knn", "tree", "mlp"])
@pytest.mark.parametrize("outputs", [1, 2])
def test_regressor_beats_the_mean(name, outputs, progression):
    rows, schema = progression
    # A hundred epochs of SGD come near enough.
    wanted = np.hstack([rows.labels, 1000 - rows.labels])[:, :outputs]
    train = part(rows.features[:300], wanted[:300])
    schema = schema.model_copy(update={"outputs": outputs})
    found = baselines.fit(name, settings(mlp={"max_iter": 100}, tree={"max_depth": 3}), schema, train)
    predicted = baselines.predict_numbers(found.model, rows.features[300:])
    assert predicted.shape == (142, outputs)
    errors, deviations = predicted - wanted[300:], wanted[300:] - wanted[:300].mean(axis=0)
    assert (np.square(errors).mean(axis=0) < 0.75 * np.square(deviations).mean(axis=0)).all()


def test_naive_forecast_is_the_last_step(series):
    rows, schema = series
    found = baselines.fit("naive", settings(), schema, rows)
    assert baselines.predict_numbers(found.model, rows.features).tolist() == [[9], [21]]


def test_naive_forecast_is_scaled_as_the_targets_are(series):
    rows, schema = series
    schema = schema.model_copy(update={"outputs": 2})
    wanted = np.array([[9.0, 10.0], [21.0, 42.0], [30.0, 80.0]])
    scaler = fit_target_scaler(wanted, "standard")
    found = baselines.fit("naive", settings(), schema, rows, scaler)
    expected = scale(rows.features[:, -1, :2], scaler)
    np.testing.assert_allclose(baselines.predict_numbers(found.model, rows.features), expected, rtol=1e-12)


@pytest.mark.parametrize(("shape", "outputs", "got"), [([4], 1, "(4,)"), ([4, 3], 4, "(4, 3)")])
def test_naive_forecast_of_other_data_is_refused(shape, outputs, got, error_of):
    schema = schema_of(shape, task="regression", outputs=outputs)
    rows = part(np.zeros((2, *shape)), np.zeros((2, outputs)))
    assert error_of(baselines.fit, "naive", settings(), schema, rows) == (
        "baseline naive repeats the last step of a sequence: expected samples (steps, channels) of "
        f"{outputs} or more channels, got {got}"
    )


def test_pca_gives_back_what_its_components_hold():
    rng = np.random.default_rng(0)
    features = (rng.normal(size=(50, 2)) @ rng.normal(size=(2, 9)) + 3).reshape(50, 3, 3, 1)
    rows = part(features, features.reshape(50, 9))
    schema = schema_of([3, 3, 1], task="reconstruction", outputs=9)
    errors = {}
    for components in (1, 2, 100):
        found = baselines.fit("pca", settings(pca={"n_components": components}), schema, rows)
        errors[components] = np.abs(baselines.predict_numbers(found.model, features) - rows.labels).max()
    assert errors[1] > 0.1
    assert errors[2] < 1e-12
    assert errors[100] < 1e-12


def test_codes_become_a_column_a_category():
    codes = np.array([[0, 2], [1, 0], [0, 1], [1, 2]] * 5)
    rows = part(codes, np.array([0, 1, 1, 0] * 5))
    found = baselines.fit("logistic", settings(), schema_of([2], "ab", [3, 3]), rows)
    # Category 2 of the first column is in no training row, and is predicted for all the same.
    assert found.model[-1].coef_.shape == (1, 6)
    assert baselines.predict_classes(found.model, np.array([[2, 2], [2, 0]]), 2)[0].tolist() == [0, 1]


@pytest.mark.parametrize(("shape", "is_standardised"), [([3], True), ([5, 3], False), ([5, 3, 1], False)])
def test_columns_of_a_table_are_standardised_and_no_others(shape, is_standardised):
    features = np.random.default_rng(0).normal(7, 3, (40, *shape))
    rows = part(features, np.arange(40) % 2)
    encoded = (
        baselines.fit("logistic", settings(), schema_of(shape, "ab"), rows).model[0].transform(features.reshape(40, -1))
    )
    assert bool(np.allclose(encoded.mean(axis=0), 0) and np.allclose(encoded.std(axis=0), 1)) is is_standardised
    assert np.array_equal(encoded, features.reshape(40, -1)) is not is_standardised


def test_sample_of_rows_is_stratified_and_reported(iris):
    rows, schema = iris
    found = baselines.fit("majority", settings(rows=30), schema, rows)
    assert (found.rows, found.available) == (30, 150)
    np.testing.assert_allclose(found.model[-1].class_prior_, [1 / 3] * 3)
    assert found.facts()["train_rows"] == 30
    everything = baselines.fit("majority", settings(rows=1000), schema, rows)
    assert (everything.rows, everything.available) == (150, 150)


@pytest.mark.parametrize(
    ("counts", "wanted"), [([50, 49, 1], 60), ([40, 40, 20], 98)], ids=["a class of one row", "two rows left out"]
)
def test_sample_is_drawn_where_classes_are_too_small_for_equal_shares(counts, wanted):
    labels = np.repeat(np.arange(3), counts)
    rows = part(np.random.default_rng(0).normal(size=(100, 4)), labels)
    found = baselines.fit("tree", settings(rows=wanted), schema_of([4], ["a", "b", "c"], outputs=3), rows)
    assert (found.rows, found.available) == (wanted, 100)


def test_sample_that_cannot_have_every_class_is_refused(iris, error_of):
    rows, schema = iris
    message = "baseline.rows: expected at least one row of each of 3 classes, got 2"
    assert error_of(baselines.fit, "logistic", settings(rows=2), schema, rows) == message


def test_more_neighbours_than_rows_are_refused(error_of):
    rows = part(np.eye(4, dtype=np.float32), np.array([0, 1, 1, 0]))
    message = "baseline.knn.n_neighbors: expected at most the 4 training rows, got 5"
    assert error_of(baselines.fit, "knn", settings(), schema_of([4], "ab"), rows) == message


def test_perceptron_that_stops_early_is_said_to(iris):
    rows, schema = iris
    found = baselines.fit("mlp", settings(mlp={"max_iter": 2}), schema, rows)
    assert found.converged is False
    assert found.model[-1].n_iter_ == 2
    assert baselines.fit("tree", settings(), schema, rows).converged is True


def test_test_loss_has_the_balanced_weights_of_the_training_rows(iris, project, monkeypatch):
    rows, schema = iris
    monkeypatch.setattr(tracking, "stage_run", lambda *_: nullcontext(MagicMock()))
    params = read_yaml(project / "params.yaml")
    params["train"]["loss"]["class_weights"] = "balanced"
    write_yaml(project / "params.yaml", params)
    few = np.concatenate([np.flatnonzero(rows.labels == code)[:count] for code, count in enumerate((5, 20, 40))])
    part(rows.features[few], rows.labels[few]).save(project / "build/split/train")
    rows.save(project / "build/split/test")
    schema.save(project / "build/split")
    write_json(project / "build/split/scaler.json", {"features": None, "target": None})
    baseline.baseline()
    with np.load(project / "build/baseline/predictions.npz") as found:
        probability, labels = found["probability"], found["label"]
    # They are float32 numbers, which add up to 1 as far as these can.
    right = (probability / probability.sum(axis=1, keepdims=True))[np.arange(150), labels]
    weights = compute_class_weight("balanced", classes=np.arange(3), y=rows.labels[few])
    test_loss = read_json(project / "build/baseline/metrics.json")["test_loss"]
    assert test_loss == pytest.approx(-(weights[labels] * np.log(right)).mean(), rel=1e-12)


@pytest.mark.parametrize("name", ["mlp", "tree", "logistic"])
def test_the_same_seed_gives_the_same_model(name, iris):
    rows, schema = iris
    first, second = (
        baselines.predict_classes(
            baselines.fit(name, settings(rows=60, mlp={"max_iter": 5}), schema, rows).model, rows.features, 3
        )[1]
        for _ in range(2)
    )
    assert np.array_equal(first, second)


def test_threshold_is_the_best_of_all():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (30, 5, 4, 1)) / 255
    labels = (images.reshape(30, -1) + rng.normal(0, 0.3, (30, 20))) > 0.6
    labels[0] = False
    pixels = images.reshape(30, -1)
    overlaps = [intersection_over_union(pixels > (level + 0.5) / 255, labels).mean() for level in range(255)]
    model = baselines.fit(
        "threshold", settings(), schema_of([5, 4, 1], task="segmentation"), part(images, labels)
    ).model
    found = baselines.predict_numbers(model, images)
    assert set(np.unique(found)) == {0.0, 1.0}
    assert intersection_over_union(found > 0.5, labels).mean() == max(overlaps)


def test_every_baseline_of_every_task_can_be_fitted(iris, progression, series):
    few = settings(mlp={"max_iter": 2})
    cases = {
        "multiclass": iris,
        "binary": (part(iris[0].features, iris[0].labels % 2), schema_of([4], "ab")),
        "regression": progression,
        "reconstruction": (
            part(progression[0].features, progression[0].features),
            schema_of([10], task="reconstruction", outputs=10),
        ),
        "segmentation": (
            part(np.linspace(0, 1, 80).reshape(20, 2, 2, 1), np.linspace(0, 1, 80).reshape(20, 4) > 0.5),
            schema_of([2, 2, 1], task="segmentation", outputs=4),
        ),
    }
    assert cases.keys() == BASELINES.keys()
    for task, (rows, schema) in cases.items():
        for name in BASELINES[task]:
            data, described = series if name == "naive" else (rows, schema)
            assert hasattr(baselines.fit(name, few, described, data).model, "predict"), name


@pytest.mark.slow
def test_logged_model_comes_back_without_a_pickle_and_without_a_framework(tmp_path):
    run_worker("baseline_worker.py", tmp_path)
    logged = read_json(tmp_path / "logged.json")
    assert len(logged) == 15
    assert [name for name, agree in logged.items() if not agree] == []
