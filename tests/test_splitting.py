import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from twintrain.config import Split
from twintrain.data.parts import PARTS
from twintrain.data.splitting import fit_scaler, scale, split_rows

LABELS = np.random.default_rng(1).permutation(np.repeat([0, 1, 2], [700, 200, 100]))


def test_parts_have_their_shares_of_every_class():
    rows = split_rows(LABELS, Split(val=0.1, test=0.2))
    counts = {name: np.bincount(LABELS[rows[name]]).tolist() for name in PARTS}
    assert counts == {"train": [490, 140, 70], "val": [70, 20, 10], "test": [140, 40, 20]}


def test_every_row_is_in_one_part_in_ascending_order():
    rows = split_rows(LABELS, Split())
    assert list(rows) == list(PARTS)
    assert sorted(np.concatenate(list(rows.values()))) == list(range(1000))
    assert all((np.diff(index) > 0).all() for index in rows.values())


def test_same_seed_gives_the_same_parts_and_another_others():
    first, again, other = (split_rows(LABELS, Split(seed=seed)) for seed in (3, 3, 4))
    assert all(np.array_equal(first[name], again[name]) for name in PARTS)
    assert not any(np.array_equal(first[name], other[name]) for name in PARTS)


def test_share_of_val_does_not_move_the_test_rows():
    first, second = (split_rows(LABELS, Split(val=val)) for val in (0.1, 0.3))
    assert np.array_equal(first["test"], second["test"])


def test_same_gives_every_part_all_rows():
    rows = split_rows(np.array([0, 1, 1, 0]), Split(method="same"))
    assert {name: index.tolist() for name, index in rows.items()} == {name: [0, 1, 2, 3] for name in PARTS}


def test_truth_table_is_too_small_to_be_split(error_of):
    assert error_of(split_rows, np.array([0, 1, 1, 0]), Split()) == (
        "split: expected every class in train, val and test, but 4 rows with 2 in the smallest class are too few "
        "for val: 0.1 and test: 0.2; for truth tables there is split.method: same"
    )


def test_class_of_one_row_is_named_as_too_small(error_of):
    assert error_of(split_rows, np.repeat([0, 2], [99, 1]), Split(val=0.25, test=0.25)) == (
        "split: expected every class in train, val and test, but 100 rows with 1 in the smallest class are too few "
        "for val: 0.25 and test: 0.25; for truth tables there is split.method: same"
    )


@pytest.mark.parametrize("rare", [2, 3, 4])
def test_class_that_would_be_absent_from_a_part_is_an_error(rare, error_of):
    assert error_of(split_rows, np.repeat([0, 1], [100 - rare, rare]), Split()) == (
        f"split: expected every class in train, val and test, but 100 rows with {rare} in the smallest class are too "
        "few for val: 0.1 and test: 0.2; for truth tables there is split.method: same"
    )


FEATURES = (np.random.default_rng(2).normal([5, -300, 0.01], [2, 40, 0.001], (500, 3))).astype(np.float32)


def test_scaler_is_that_of_scikit_learn():
    expected = StandardScaler().fit(FEATURES.astype(np.float64))
    scaler = fit_scaler(FEATURES, "standard")
    assert scaler["method"] == "standard"
    np.testing.assert_allclose(scaler["mean"], expected.mean_, rtol=1e-12)
    np.testing.assert_allclose(scaler["scale"], expected.scale_, rtol=1e-12)
    np.testing.assert_allclose(
        scale(FEATURES, scaler),
        expected.transform(FEATURES.astype(np.float64)).astype(np.float32),
        rtol=1e-6,
        atol=1e-6,
    )


def test_scaled_training_columns_have_mean_0_and_deviation_1():
    scaled = scale(FEATURES, fit_scaler(FEATURES, "standard")).astype(np.float64)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.std(axis=0), 1, rtol=1e-6)


def test_scaler_knows_the_training_rows_alone():
    scaler = fit_scaler(np.array([[0.0], [2.0]], np.float32), "standard")
    assert scaler == {"method": "standard", "mean": [1.0], "scale": [1.0]}
    assert scale(np.array([[11.0]], np.float32), scaler).tolist() == [[10.0]]


@pytest.mark.parametrize("value", [0.0, 7.0, 0.1, 1e-20, 1e20])
def test_constant_column_becomes_zero(value):
    features = np.full((7, 1), value, np.float32)
    scaler = fit_scaler(features, "standard")
    assert scaler["scale"] == [1.0]
    assert scale(features, scaler).tolist() == [[0.0]] * 7


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scaling_keeps_the_dtype_and_leaves_its_input_alone(dtype):
    features = FEATURES.astype(dtype)
    before = features.copy()
    assert scale(features, fit_scaler(features, "standard")).dtype == dtype
    assert np.array_equal(features, before)


def test_no_scaling_hands_the_features_through():
    assert fit_scaler(FEATURES, "none") is None
    assert scale(FEATURES, None) is FEATURES


@pytest.mark.parametrize("features", [np.zeros((4, 2), np.int64), np.zeros((4, 2, 2, 1), np.float32)])
def test_codes_and_images_are_not_scaled(features, error_of):
    assert error_of(fit_scaler, features, "standard") == (
        "split.scale: standard needs numeric columns; expected split.scale: none for codes and images"
    )
