import numpy as np
import pandas as pd
import pytest
from mlflow.utils.validation import _validate_metric_name
from scipy.stats import binom, chi2, norm

from pipelines.drift import _metrics
from twintrain.data.dataset import Dataset
from twintrain.data.feature import Feature
from twintrain.serving import column_drift
from twintrain.serving.column_drift import (
    ColumnDrift,
    as_columns,
    column_distances,
    find_drift,
    new_columns,
    population_stability_index,
    training_columns,
)

TABLE = Dataset(
    title="a table",
    origin="drawn",
    licence="none",
    task="binary",
    format="table",
    files={"table.csv": "0"},
    target="bought",
    labels=["no", "yes"],
    features={"age": Feature(missing=True), "city": Feature(categories=["a", "b"]), "id": Feature(used=False)},
)
NUMBER = Feature()


def drawn(rows, seed, shift=0.0):
    return np.random.default_rng(seed).normal(shift, 1, rows)


def test_index_of_two_bins_by_hand():
    # (0.75 − 0.5) ln 1.5 + (0.25 − 0.5) ln 0.5
    expected = 0.25 * np.log(1.5) + 0.25 * np.log(2)
    assert population_stability_index(np.array([50, 50]), np.array([75, 25])) == pytest.approx(expected)


def test_empty_bin_counts_as_half_a_row():
    expected = (0.5 - 0.995) * np.log(0.5 / 1.0) + (0.5 - 0.005) * np.log(0.5 / 0.005)
    found = population_stability_index(np.array([100, 0]), np.array([50, 50]))
    assert found == pytest.approx((0.5 - 1.0) * np.log(0.5) + (0.5 - 0.005) * np.log(100), rel=1e-12)
    assert found == pytest.approx(expected, rel=0.01)


def test_distance_of_shifted_normals_is_the_one_of_their_distribution_functions():
    psi, ks, p = column_distances(NUMBER, drawn(100_000, 0), drawn(100_000, 1, shift=0.5))
    assert ks == pytest.approx(2 * norm.cdf(0.25) - 1, abs=0.005)
    edges = norm.ppf(np.arange(1, 10) / 10)
    shares = np.diff(norm.cdf(edges, 0.5), prepend=0, append=1)
    assert psi == pytest.approx(((shares - 0.1) * np.log(shares / 0.1)).sum(), abs=0.01)
    assert p < 1e-300


def test_missing_values_that_become_more_are_a_distance():
    before, now = drawn(1000, 0), drawn(1000, 1)
    now[:400] = np.nan
    psi, ks, p = column_distances(Feature(missing=True), before, now)
    assert psi > 1
    assert ks == pytest.approx(0.4, abs=0.03)
    assert p < 1e-20


def test_categories_are_compared_by_their_shares():
    feature = Feature(categories=["a", "b", "c"], other=True)
    before, now = np.repeat([0.0, 1.0, 2.0], [50, 30, 20]), np.repeat([0.0, 1.0, 3.0], [50, 30, 20])
    psi, ks, p = column_distances(feature, before, now)
    # c: 20 → an empty bin, half a row; other: the other way round.
    assert psi == pytest.approx(2 * (0.2 - 0.005) * np.log(0.2 / 0.005))
    assert ks is None
    assert p == pytest.approx(chi2.sf(40, 3))  # 4 cells are 10 away from the 10 expected


def test_a_category_alone_is_no_distance():
    assert column_distances(Feature(categories=["a"]), np.zeros(5), np.zeros(9)) == (0.0, None, 1.0)


def test_small_samples_of_the_same_rows_have_drifted_in_one_of_twenty_files_at_most():
    columns = pd.DataFrame({f"column {number}": drawn(500, number) for number in range(20)})
    wide = TABLE.model_copy(update={"features": dict.fromkeys(columns, NUMBER)})
    files, alarms = 100, 0
    for seed in range(files):
        few = columns.apply(np.random.default_rng([seed, 1]).choice, size=30)
        found = find_drift(columns, few, wide, 0.2, 0.2)
        assert max(column.psi for column in found) > 0.2  # the limit alone would call each of them a drift
        alarms += any(column.has_drifted for column in found)
    # One file in twenty is called so by chance, whatever the number of its columns.
    assert alarms <= binom.ppf(0.99, files, 0.05)


def test_a_small_shift_of_many_rows_has_not_drifted():
    columns = pd.DataFrame({"age": drawn(100_000, 0), "city": 0.0})
    found = find_drift(columns, columns.assign(age=drawn(100_000, 1, 0.1)), TABLE, 0.2, 0.2)
    assert [(column.name, column.has_drifted) for column in found] == [("age", False), ("city", False)]
    assert found[0].p < 1e-50  # no chance, but not far


def test_drifted_columns_come_first_with_their_shares():
    before = pd.DataFrame({"age": drawn(1000, 0), "city": 0.0})
    now = pd.DataFrame({"age": drawn(1000, 1), "city": np.repeat([0.0, np.inf], 500)})
    first, second = find_drift(before, now, TABLE, 0.2, 0.2)
    assert (first.name, first.has_drifted, first.unreadable, first.missing) == ("city", True, 0.5, (0.0, 0.0))
    assert (second.name, second.has_drifted) == ("age", False)


def test_limits_are_those_given():
    columns = pd.DataFrame({"age": drawn(2000, 0), "city": 0.0})
    shifted = columns.assign(age=drawn(2000, 1, 0.25))
    assert not any(column.has_drifted for column in find_drift(columns, shifted, TABLE, 0.2, 0.2))
    assert find_drift(columns, shifted, TABLE, 0.05, 1.0)[0].has_drifted
    assert find_drift(columns, shifted, TABLE, 9.0, 0.05)[0].has_drifted


def test_table_is_compared_by_the_columns_that_the_network_is_given(tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("city,age,note\nb,20,x\nz,,y\na,old,y\n", encoding="utf-8")
    columns = new_columns(path, TABLE)
    assert list(columns) == ["age", "city"]
    np.testing.assert_array_equal(columns["age"], [20, np.nan, np.inf])
    np.testing.assert_array_equal(columns["city"], [1, np.inf, 0])


def test_texts_are_compared_by_how_many_words_are_read(tmp_path):
    path = tmp_path / "new.csv"
    path.write_text('id,note\n1,"a b, c"\n2,""\n3,d\n', encoding="utf-8")
    dataset = TABLE.model_copy(update={"features": {"note": Feature(text={"length": 3}, missing=True)}})
    np.testing.assert_array_equal(new_columns(path, dataset)["note"], [3, np.nan, 1])
    before = training_columns(np.array([[7, 0, 0], [7, 8, 0], [7, 8, 9]]), np.array([1, 2]), dataset)
    np.testing.assert_array_equal(before["note"], [2, 3])


def test_table_without_a_header_is_read_as_the_files_of_the_data_set(tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("20,b,7,yes\n30,a,8,no\n", encoding="utf-8")
    columns = new_columns(path, TABLE.model_copy(update={"header": False}))
    np.testing.assert_array_equal(columns, [[20, 1], [30, 0]])


def test_new_rows_are_what_preprocess_would_make_of_them(tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("city;age\nb;1.020,5\na;\n", encoding="utf-8")
    dataset = TABLE.model_copy(update={"delimiter": ";", "decimal": ","})
    before = training_columns(np.array([[7, 0], [1020.5, 1], [np.nan, 0]]), np.array([1, 2]), dataset)
    pd.testing.assert_frame_equal(new_columns(path, dataset), before)


def test_sample_of_many_rows_is_even(tmp_path, monkeypatch):
    monkeypatch.setattr(column_drift, "MOST_ROWS", 1000)
    path = tmp_path / "new.csv"
    table = pd.DataFrame({"age": np.arange(10_000.0), "city": "a"})
    table.to_csv(path, index=False)
    ages = new_columns(path, TABLE)["age"]
    assert 400 < len(ages) <= 1000
    assert ages.mean() == pytest.approx(5000, abs=400)
    features = np.stack([table["age"], np.zeros(10_000)], axis=1)
    ages = training_columns(features, np.arange(5000, 10_000), TABLE)["age"]
    assert len(ages) == ages.nunique() == 1000
    assert ages.mean() == pytest.approx(7500, abs=200)


@pytest.mark.parametrize("content", ["city,age\n", ""])
def test_file_without_rows_is_refused(tmp_path, error_of, content):
    path = tmp_path / "new.csv"
    path.write_text(content, encoding="utf-8")
    assert error_of(new_columns, path, TABLE).removeprefix("--input ").startswith(f"{path}")


def test_a_file_of_which_nothing_can_be_read_is_refused(tmp_path, error_of):
    described = TABLE.model_copy(update={"features": None, "image_shape": [2, 2, 1], "format": "npz"})
    np.save(tmp_path / "new.npy", np.full((1, 2, 2), 3000.0))
    assert error_of(new_columns, tmp_path / "new.npy", described).startswith(
        f"{tmp_path}/new.npy: no row of it can be read, so there is nothing to compare: "
    )


def test_a_column_of_which_nothing_can_be_read_has_drifted_however_few_rows_there_are():
    before = pd.DataFrame({"age": np.arange(3.0), "city": [0.0, 1.0, 0.0]})
    now = pd.DataFrame({"age": [np.inf], "city": [0.0]})
    found = {column.name: column.has_drifted for column in find_drift(before, now, TABLE, 0.2, 0.2)}
    assert found["age"]


def test_missing_column_is_named(tmp_path, error_of):
    path = tmp_path / "new.csv"
    path.write_text("cty,age\na,20\n", encoding="utf-8")
    assert error_of(new_columns, path, TABLE) == "column 'city' is missing; did you mean 'cty'?"


def test_images_are_compared_by_brightness_and_contrast(tmp_path):
    images = np.zeros((2, 2, 2), np.uint8)
    images[1, 0] = 255
    np.save(tmp_path / "new.npy", images)
    described = TABLE.model_copy(update={"features": None, "image_shape": [2, 2, 1], "format": "npz"})
    columns = new_columns(tmp_path / "new.npy", described)
    np.testing.assert_allclose(columns["brightness"], [0, 0.5])
    np.testing.assert_allclose(columns["contrast"], [0, 0.5])


def test_image_that_cannot_be_one_counts_as_unreadable(tmp_path):
    images = np.zeros((2, 2, 2, 1), np.float32)
    images[1] = 200
    np.save(tmp_path / "new.npy", images)
    described = TABLE.model_copy(update={"features": None, "image_shape": [2, 2, 1], "format": "npz"})
    np.testing.assert_array_equal(new_columns(tmp_path / "new.npy", described), [[0, 0], [np.inf, np.inf]])


def test_vectors_are_compared_by_each_number():
    described = TABLE.model_copy(update={"features": None, "sample_shape": [2], "format": "npz"})
    columns = as_columns(np.float32([[1, 2], [3, 4]]), described)
    assert columns.to_dict("list") == {"number 1": [1, 3], "number 2": [2, 4]}


def test_metrics_have_names_that_mlflow_takes_and_the_largest_index():
    def column(name, psi):
        return ColumnDrift(name, psi, None, 1.0, (0.0, 0.0), 0.0, False)

    found = _metrics([column("a*b", 0.3), column("나이", 0.2), column("a?b", 0.1)])
    assert found == {"psi/a_b": 0.3, "psi/나이": 0.2, "psi_max": 0.3}
    for name in found:
        _validate_metric_name(name)
