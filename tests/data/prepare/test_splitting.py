import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from twintrain.data.parts import PARTS
from twintrain.data.prepare.scaling import fit_scaler, scale
from twintrain.data.prepare.splitting import split_rows
from twintrain.settings.sections.data import Split

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


def test_fewer_training_rows_leave_the_other_parts_alone():
    whole, few, again, other = (
        split_rows(LABELS, split)
        for split in (Split(), Split(train_rows=100), Split(train_rows=100), Split(train_rows=100, seed=1))
    )
    assert np.bincount(LABELS[few["train"]]).tolist() == [70, 20, 10]
    assert set(few["train"]) < set(whole["train"])
    assert (np.diff(few["train"]) > 0).all()
    assert np.array_equal(few["train"], again["train"])
    assert not np.array_equal(few["train"], other["train"])
    for name in ("val", "test"):
        assert np.array_equal(few[name], whole[name])


@pytest.mark.parametrize("wanted", [3, 698, 699, 700])
def test_any_number_of_training_rows_can_be_kept(wanted):
    assert len(split_rows(LABELS, Split(train_rows=wanted))["train"]) == wanted


def test_training_rows_are_kept_where_a_class_has_one_alone():
    labels, group = np.array([0, 1] * 30 + [2, 2, 2]), np.arange(63)
    settings = {"group": "patient", "seed": 1, "val": 0.3, "test": 0.3}
    whole, few = (split_rows(labels, Split(**settings, train_rows=wanted), group=group) for wanted in (None, 20))
    assert (labels[whole["train"]] == 2).sum() == 1
    assert len(few["train"]) == 20
    assert set(few["train"]) < set(whole["train"])


@pytest.mark.parametrize("wanted", [2, 701])
def test_more_training_rows_than_there_are_or_fewer_than_classes_are_refused(wanted, error_of):
    assert error_of(split_rows, LABELS, Split(train_rows=wanted)) == (
        f"split.train_rows: expected from 3, the number of classes, to 700, all training rows; got {wanted}"
    )


@pytest.mark.parametrize("way", ["group", "time"])
def test_fewer_training_rows_of_groups_and_of_time(way):
    column = {way: np.arange(1000) // 10}
    whole, few = (split_rows(LABELS, Split(train_rows=wanted), **column) for wanted in (None, 50))
    assert len(few["train"]) == 50
    assert set(few["train"]) < set(whole["train"])
    assert np.array_equal(few["test"], whole["test"])


PART = np.where(np.arange(1000) % 5 == 0, "test", "train")


def test_given_test_rows_are_kept_and_val_is_a_share_of_the_others():
    rows = split_rows(LABELS, Split(method="given", val=0.25, test=0.9), PART)
    assert rows["test"].tolist() == list(range(0, 1000, 5))
    assert (len(rows["val"]), len(rows["train"])) == (200, 600)
    assert sorted(np.concatenate(list(rows.values()))) == list(range(1000))
    others = np.bincount(LABELS[PART == "train"])
    assert np.abs(np.bincount(LABELS[rows["val"]]) - others / 4).max() < 1


def test_seed_moves_val_but_no_given_test_row():
    first, other = (split_rows(LABELS, Split(method="given", seed=seed), PART) for seed in (0, 1))
    assert np.array_equal(first["test"], other["test"])
    assert not np.array_equal(first["val"], other["val"])


def test_given_test_rows_do_not_matter_to_other_methods():
    first, second = split_rows(LABELS, Split()), split_rows(LABELS, Split(), PART)
    assert all(np.array_equal(first[name], second[name]) for name in PARTS)


def test_given_needs_a_test_set(error_of):
    assert error_of(split_rows, LABELS, Split(method="given")) == (
        "split.method: given takes the test rows that a data set comes with, and this one has none; "
        "expected split.method: stratified"
    )


def test_class_that_the_given_test_rows_lack_is_an_error(error_of):
    part = np.repeat(["train", "test"], [990, 10])
    assert error_of(split_rows, np.sort(LABELS), Split(method="given"), part) == (
        "split: expected every class in train, val and test, but 1000 rows with 100 in the smallest class are too few "
        "for val: 0.1 and test: as given; expected larger shares or more rows, or ingest.classes without that class"
    )


def test_truth_table_is_too_small_to_be_split(error_of):
    assert error_of(split_rows, np.array([0, 1, 1, 0]), Split()) == (
        "split: expected every class in train, val and test, but 4 rows with 2 in the smallest class are too few "
        "for val: 0.1 and test: 0.2; for truth tables there is split.method: same"
    )


def test_class_of_one_row_is_named_as_too_small(error_of):
    assert error_of(split_rows, np.repeat([0, 2], [99, 1]), Split(val=0.25, test=0.25)) == (
        "split: expected every class in train, val and test, but 100 rows with 1 in the smallest class are too few "
        "for val: 0.25 and test: 0.25; expected larger shares or more rows, or ingest.classes without that class"
    )


@pytest.mark.parametrize("rare", [2, 3, 4])
def test_class_that_would_be_absent_from_a_part_is_an_error(rare, error_of):
    assert error_of(split_rows, np.repeat([0, 1], [100 - rare, rare]), Split()) == (
        f"split: expected every class in train, val and test, but 100 rows with {rare} in the smallest class are too "
        "few for val: 0.1 and test: 0.2; expected larger shares or more rows, or ingest.classes without that class"
    )


FEATURES = (np.random.default_rng(2).normal([5, -300, 0.01], [2, 40, 0.001], (500, 3))).astype(np.float32)


def test_scaler_is_that_of_scikit_learn():
    expected = StandardScaler().fit(FEATURES.astype(np.float64))
    scaler = fit_scaler([FEATURES], "standard")
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
    scaled = scale(FEATURES, fit_scaler([FEATURES], "standard")).astype(np.float64)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.std(axis=0), 1, rtol=1e-6)


def test_scaler_knows_the_training_rows_alone():
    scaler = fit_scaler([np.array([[0.0], [2.0]], np.float32)], "standard")
    assert scaler == {"method": "standard", "mean": [1.0], "scale": [1.0]}
    assert scale(np.array([[11.0]], np.float32), scaler).tolist() == [[10.0]]


@pytest.mark.parametrize("value", [0.0, 7.0, 0.1, 1e-20, 1e20])
def test_constant_column_becomes_zero(value):
    features = np.full((7, 1), value, np.float32)
    scaler = fit_scaler([features], "standard")
    assert scaler["scale"] == [1.0]
    assert scale(features, scaler).tolist() == [[0.0]] * 7


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scaling_keeps_the_dtype_and_leaves_its_input_alone(dtype):
    features = FEATURES.astype(dtype)
    before = features.copy()
    assert scale(features, fit_scaler([features], "standard")).dtype == dtype
    assert np.array_equal(features, before)


def test_no_scaling_hands_the_features_through():
    assert fit_scaler([FEATURES], "none") is None
    assert scale(FEATURES, None) is FEATURES


@pytest.mark.parametrize("features", [np.zeros((4, 2), np.int64), np.zeros((4, 2, 2, 1), np.float32)])
def test_codes_and_images_are_not_scaled(features, error_of):
    assert error_of(fit_scaler, [features], "standard") == (
        "split.scale: standard needs numeric columns; expected split.scale: none for codes and images"
    )


GROUP = np.random.default_rng(4).integers(0, 40, 1000)


def test_no_group_is_in_two_parts_and_every_row_in_one():
    rows = split_rows(LABELS, Split(val=0.1, test=0.2), group=GROUP)
    groups = {name: set(GROUP[index].tolist()) for name, index in rows.items()}
    assert {name: len(found) for name, found in groups.items()} == {"train": 28, "val": 4, "test": 8}
    assert sorted(np.concatenate(list(rows.values()))) == list(range(1000))
    assert all((np.diff(index) > 0).all() for index in rows.values())
    assert len(groups["train"] | groups["val"] | groups["test"]) == 40


def test_seed_draws_the_groups():
    first, again, other = (split_rows(LABELS, Split(seed=seed), group=GROUP)["test"] for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_two_groups_are_too_few(error_of):
    assert error_of(split_rows, LABELS, Split(), group=np.arange(1000) % 2) == (
        "split.group: expected at least 3 groups, one a part, got 2"
    )


def test_class_that_a_group_keeps_to_itself_is_named(error_of):
    message = error_of(split_rows, np.arange(1000) // 500, Split(), group=np.arange(1000) // 250)
    assert message == (
        "split.group leaves no row of class number 1 to train; expected larger shares of split.val and split.test, or "
        "another split.seed"
    )


def test_newer_rows_are_tested_on():
    time = np.random.default_rng(5).permutation(1000).astype(np.float64)
    rows = split_rows(LABELS, Split(val=0.1, test=0.2), time=time)
    assert {name: len(index) for name, index in rows.items()} == {"train": 700, "val": 100, "test": 200}
    assert time[rows["train"]].max() < time[rows["val"]].min()
    assert time[rows["val"]].max() < time[rows["test"]].min()
    assert all((np.diff(index) > 0).all() for index in rows.values())


def test_numbers_are_split_by_group_and_time_too():
    numbers = np.random.default_rng(6).normal(size=(1000, 1))
    assert len(split_rows(numbers, Split(), group=GROUP)["val"]) > 0
    assert len(split_rows(numbers, Split(), time=numbers[:, 0])["test"]) == 200


def test_many_rows_are_drawn_each_for_itself_with_the_same_shares(monkeypatch):
    monkeypatch.setattr("twintrain.data.prepare.splitting.MANY_ROWS", 20_000)
    labels = np.random.default_rng(7).integers(0, 4, 100_000)
    rows = split_rows(labels, Split(val=0.1, test=0.2))
    assert sorted(np.concatenate(list(rows.values()))) == list(range(100_000))
    for name, share in (("train", 0.7), ("val", 0.1), ("test", 0.2)):
        assert np.bincount(labels[rows[name]]) / np.bincount(labels) == pytest.approx(share, abs=0.01)
    again = split_rows(labels, Split(val=0.1, test=0.2))
    assert all(np.array_equal(rows[name], again[name]) for name in PARTS)


def test_of_many_rows_a_rare_class_is_in_every_part_by_its_shares(monkeypatch):
    monkeypatch.setattr("twintrain.data.prepare.splitting.MANY_ROWS", 20_000)
    labels = np.repeat([0, 1, 2], [100_000, 3, 500])
    np.random.default_rng(8).shuffle(labels)
    rows = split_rows(labels, Split(val=0.1, test=0.2))
    counts = {name: np.bincount(labels[rows[name]]).tolist()[1:] for name in PARTS}
    assert counts == {"train": [1, 350], "val": [1, 50], "test": [1, 100]}


@pytest.mark.parametrize("cuts", [[1], [100, 101], [7, 250, 499]])
def test_scaler_of_blocks_is_that_of_all_rows(cuts):
    whole, cut = fit_scaler([FEATURES], "standard"), fit_scaler(np.split(FEATURES, cuts), "standard")
    np.testing.assert_allclose(cut["mean"], whole["mean"], rtol=1e-12)
    np.testing.assert_allclose(cut["scale"], whole["scale"], rtol=1e-12)
