import json
from types import SimpleNamespace

import numpy as np
import pytest

from twintrain.data.prepare.fitting import fit
from twintrain.data.prepare.scaling import fit_target_scaler, scale, unscale
from twintrain.data.prepare.splitting import split_rows
from twintrain.settings.sections.data import Split

NO_TABLE = SimpleNamespace(features=None)


def split_parts(features, labels, split, task):
    rows = split_rows(labels, split)
    fitted = fit(features, labels, rows["train"], NO_TABLE, SimpleNamespace(task=task), split)
    parts = {name: fitted.part(features[index], labels[index], index) for name, index in rows.items()}
    return parts, fitted.scalers


@pytest.fixture
def table():
    rng = np.random.default_rng(3)
    return rng.normal(5, 2, (100, 4)).astype(np.float32), rng.normal(150, 70, (100, 1))


def test_unscale_takes_scale_back(table):
    _, numbers = table
    scaler = json.loads(json.dumps(fit_target_scaler(numbers, "standard")))
    assert scale(numbers, scaler).std() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(unscale(scale(numbers, scaler), scaler), numbers, rtol=1e-14)


def test_without_a_scaler_numbers_stay_as_they_are(table):
    features, _ = table
    assert scale(features, None) is features
    assert unscale(features, None).dtype == np.float64


@pytest.mark.parametrize("labels", [np.array([0, 1, 1]), np.eye(3, dtype=bool)], ids=["classes", "masks"])
def test_what_is_no_number_is_not_scaled(labels, error_of):
    assert error_of(fit_target_scaler, labels, "standard") == (
        "split.scale_target: standard is for a regression; expected split.scale_target: none"
    )


def test_target_scaler_knows_the_training_rows_alone(table):
    features, numbers = table
    parts, scalers = split_parts(features, numbers, Split(scale_target="standard"), "regression")
    trained = numbers[parts["train"].index]
    assert scalers["features"] is None
    assert scalers["target"]["mean"] == [pytest.approx(trained.mean(), abs=1e-12)]
    assert parts["train"].labels.mean() == pytest.approx(0, abs=1e-12)
    test = parts["test"]
    np.testing.assert_allclose(unscale(test.labels, scalers["target"]), numbers[test.index], rtol=1e-12)


def test_numbers_are_split_at_random_into_parts_of_the_wanted_size(table):
    features, numbers = table
    parts, _ = split_parts(features, numbers, Split(val=0.1, test=0.2), "regression")
    assert {name: len(part) for name, part in parts.items()} == {"train": 70, "val": 10, "test": 20}
    assert sorted(np.concatenate([part.index for part in parts.values()])) == list(range(100))


def test_a_reconstruction_is_asked_for_what_it_was_given():
    images = np.random.default_rng(0).random((30, 4, 4, 1), np.float32)
    labels = np.tile([0, 1, 2], 10)
    parts, scalers = split_parts(images, labels, Split(), "reconstruction")
    assert scalers == {"features": None, "target": None}
    for part in parts.values():
        np.testing.assert_array_equal(part.labels, images[part.index].reshape(len(part), 16))


def test_a_scaled_reconstruction_is_asked_for_the_scaled_input(table):
    features, _ = table
    parts, scalers = split_parts(features, np.zeros(100, np.int64), Split(scale="standard"), "reconstruction")
    np.testing.assert_array_equal(parts["val"].labels, parts["val"].features)
    restored = unscale(parts["val"].labels, scalers["features"])
    np.testing.assert_allclose(restored, features[parts["val"].index], rtol=1e-5)


def test_too_few_numbers_to_split(error_of):
    assert error_of(split_parts, np.zeros((2, 1)), np.zeros((2, 1)), Split(), "regression") == (
        "split: expected rows in train, val and test, but 2 rows are too few for val: 0.1 and test: 0.2; "
        "for truth tables there is split.method: same"
    )
