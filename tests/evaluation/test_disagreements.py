import numpy as np
import pandas as pd
import pytest

from twintrain.evaluation import disagreements
from twintrain.evaluation.disagreements import of_classes, of_numbers, texts

NAMES = ["cat", "dog"]


def binary(*second):
    return np.stack([1 - np.array(second), np.array(second)], axis=1)


def test_rows_of_different_classes_come_with_the_largest_difference_first():
    first, second = binary(0.9, 0.6, 0.1, 0.2), binary(0.8, 0.4, 0.7, 0.9)
    found = of_classes(first, second, np.array([1, 0, 1, 0]), np.array([10, 20, 30, 40]), NAMES)
    assert [row["row"] for row in found] == [40, 30, 20]
    assert found[0] == {
        "row": 40,
        "label": "cat",
        "first": "cat",
        "second": "dog",
        "first_probability": pytest.approx(0.8),
        "second_probability": pytest.approx(0.9),
    }


def test_networks_that_agree_have_no_such_rows():
    first = binary(0.9, 0.2)
    assert of_classes(first, first, np.array([1, 0]), np.array([3, 4]), NAMES) == []


def test_no_more_are_listed_than_can_be_looked_at(monkeypatch):
    first, second = binary(*np.full(50, 0.1)), binary(*np.linspace(0.6, 0.9, 50))
    found = of_classes(first, second, np.ones(50, np.int64), np.arange(50), NAMES)
    assert [row["row"] for row in found] == list(range(49, 25, -1))
    assert len(of_numbers(first[:, 1], second[:, 1], None, np.arange(50), 0.0)) == disagreements.LISTED == 24


def test_numbers_differ_by_more_than_rounding():
    first, second = np.array([1.0, 5.0, 3.0]), np.array([1.5, 2.0, 3.0 + 1e-9])
    found = of_numbers(first, second, np.array([1.0, 2.0, 3.0]), np.array([7, 8, 9]), least=1e-6)
    assert [row["row"] for row in found] == [8, 7]
    assert found[0] == {
        "row": 8,
        "label": 2.0,
        "first": 5.0,
        "second": 2.0,
        "first_probability": None,
        "second_probability": None,
    }


def test_rows_of_many_numbers_have_no_label():
    (found,) = of_numbers(np.array([0.5]), np.array([0.25]), None, np.array([0]), least=0.0)
    assert (found["label"], found["first"], found["second"]) == (None, 0.5, 0.25)


def test_columns_are_shown_as_texts():
    row = pd.Series({"color": "red", "age": 41.0, "share": 0.1, "weight": np.nan, "note": None, 7: 129_880.0})
    expected = {"color": "red", "age": "41", "share": "0.1", "weight": "missing", "note": "missing", "7": "129880"}
    assert texts(row) == expected
