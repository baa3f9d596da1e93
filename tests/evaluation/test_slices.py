import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, ttest_rel
from statsmodels.stats.multitest import multipletests

from twintrain.evaluation import slices
from twintrain.evaluation.sampling import ALL_ROWS
from twintrain.evaluation.slices import by_columns, by_label, compare_slices, levels, quarters


def names_of(values):
    found = quarters(values)
    return list(found)


def test_quarters_are_named_by_what_is_in_them():
    assert names_of([1.0, 2, 3, 4, 5, 6, 7, 8]) == ["1 to 2"] * 2 + ["3 to 4"] * 2 + ["5 to 6"] * 2 + ["7 to 8"] * 2


def test_quarters_have_as_many_rows_each():
    values = np.random.default_rng(0).normal(size=1000)
    assert list(quarters(values).value_counts()) == [250] * 4


def test_few_numbers_are_slices_of_their_own():
    assert names_of([0.0, 1, 1, 1, 0, 0.5]) == ["0", "1", "1", "1", "0", "0.5"]


def test_many_equal_numbers_are_in_one_slice():
    assert names_of([0.0] * 6 + [1, 2, 3, 4]) == ["0"] * 6 + ["1"] + ["2 to 4"] * 3


def test_missing_numbers_are_a_slice():
    assert names_of([np.nan, 1, 2, 3, 4, 5]) == ["missing", "1 to 2", "1 to 2", "3", "4", "5"]
    assert names_of([np.nan, np.nan]) == ["missing"] * 2


def test_dates_are_sliced_as_numbers_are():
    dates = pd.to_datetime(["2024-01-01", "2024-01-15", "2024-02-01", "2024-03-01", "2024-12-31", None])
    expected = ["2024-01-01 to 2024-01-15"] * 2 + ["2024-02-01", "2024-03-01", "2024-12-31", "missing"]
    assert names_of(dates) == expected


@pytest.mark.parametrize(("number", "text"), [(129_880.0, "129880"), (0.123456, "0.1235"), (-2.5, "-2.5")])
def test_numbers_are_short_and_never_in_powers_of_ten(number, text):
    assert names_of([number]) == [text]


def test_columns_are_sliced_by_their_kind():
    table = pd.DataFrame({"color": ["red", None, "blue"], "size": [1.0, 2.0, np.nan]})
    (color, colors), (size, sizes) = by_columns(table)
    assert (color, size) == ("color", "size")
    assert list(colors) == ["red", "missing", "blue"]
    assert list(sizes) == ["1", "2", "missing"]


def test_images_are_sliced_by_brightness_and_contrast():
    images = np.zeros((2, 2, 2, 1), np.uint8)
    images[1, 0] = 200
    found = levels(images)
    assert list(found) == ["brightness", "contrast"]
    assert found.to_numpy().tolist() == [[0, 0], [100, 100]]


def test_sequences_and_vectors_are_sliced_by_their_mean():
    assert levels(np.array([[[1.0], [3.0]]])).to_dict("list") == {"level": [2.0]}
    assert levels(np.array([[1.0, 5.0]])).to_dict("list") == {"level": [3.0]}


def halves(count, of):
    return np.arange(of) < count


def test_accuracies_by_slice_by_hand():
    # Of 30 rows of a, the first has 20 right and the second 26 (of these 19 both); of 25 of b, 25 and 19.
    labels = np.repeat([0, 1], [30, 25])
    first = np.concatenate([halves(20, 30), halves(25, 25)])
    second = np.concatenate([halves(19, 30) | (np.arange(30) >= 23), halves(19, 25)])
    found = compare_slices([by_label(labels, ["a", "b"])], first, second)
    p = [2 * norm.sf(6 / np.sqrt(6)), 2 * norm.sf(6 / np.sqrt(8))]
    adjusted = multipletests(p, method="holm")[1]
    assert [(row["by"], row["value"], row["rows"]) for row in found] == [("label", "b", 25), ("label", "a", 30)]
    assert [row["first"] for row in found] == pytest.approx([1.0, 20 / 30])
    assert [row["second"] for row in found] == pytest.approx([19 / 25, 26 / 30])
    assert [row["difference"] for row in found] == pytest.approx([6 / 25, -0.2])
    assert [row["p"] for row in found] == pytest.approx(p)
    assert [row["p_adjusted"] for row in found] == pytest.approx(list(adjusted))


def test_errors_by_slice_are_tested_in_pairs():
    rng = np.random.default_rng(0)
    first, second = rng.exponential(size=(2, 60))
    kinds = pd.Categorical(["x"] * 25 + ["y"] * 35)
    found = {row["value"]: row for row in compare_slices([("kind", kinds)], first, second)}
    for value, rows in (("x", slice(0, 25)), ("y", slice(25, 60))):
        assert found[value]["difference"] == pytest.approx((first[rows] - second[rows]).mean())
        assert found[value]["p"] == pytest.approx(ttest_rel(first[rows], second[rows]).pvalue)


def test_small_slices_and_those_of_all_rows_are_left_out():
    first, second = np.ones(60, bool), np.zeros(60, bool)
    kinds = pd.Categorical(["few"] * 19 + ["enough"] * 20 + ["more"] * 21)
    found = compare_slices([("kind", kinds), ("all", pd.Categorical(["same"] * 60))], first, second)
    assert [row["value"] for row in found] == ["more", "enough"]
    assert compare_slices([("all", pd.Categorical(["same"] * 60))], first, second) == []
    assert compare_slices([], first, second) == []


def test_no_more_slices_are_listed_than_can_be_read_but_all_count(monkeypatch):
    monkeypatch.setattr(slices, "LISTED", 2)
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 400)) < 0.7
    groupings = [("quarter", pd.Categorical(np.repeat(list("abcd"), 100)))]
    found = compare_slices(groupings, first, second)
    assert len(found) == 2
    monkeypatch.setattr(slices, "LISTED", 4)
    assert compare_slices(groupings, first, second)[:2] == found


def test_rows_that_are_no_sample_are_not_tested():
    first, second = halves(30, 60), halves(20, 60)
    (row, _) = compare_slices([("half", pd.Categorical(np.repeat(["a", "b"], 30)))], first, second, ALL_ROWS)
    assert (row["value"], row["difference"], row["p"], row["p_adjusted"]) == ("a", pytest.approx(1 / 3), None, None)
