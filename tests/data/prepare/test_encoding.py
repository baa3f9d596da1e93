import numpy as np
import pandas as pd
import pytest

from twintrain.data.dataset import Dataset
from twintrain.data.feature import Feature
from twintrain.data.prepare.encoder import Encoder
from twintrain.data.prepare.encoding import as_numbers, encode_array
from twintrain.data.schema import onehot_names

SIZES, COLOURS = ["small", "big"], ["red", "green", "blue"]


def dataset_of(**features):
    return Dataset(
        title="Demo",
        origin="tests",
        licence="none",
        task="binary",
        format="table",
        files={"raw.csv": ""},
        target="y",
        labels=["no", "yes"],
        features=features,
    )


CATEGORIES = dataset_of(size=Feature(categories=SIZES), colour=Feature(categories=COLOURS))
MIXED = dataset_of(age=Feature(), colour=Feature(categories=COLOURS), weight=Feature())
NUMBERS = dataset_of(age=Feature(), weight=Feature())


def encode_table(table, dataset, categorical):
    numbers = as_numbers(table, dataset.features)
    return Encoder.fit(numbers, dataset.features, categorical).encode(numbers)


TABLE = pd.DataFrame(
    {
        "size": ["big", "small", "big"],
        "colour": ["blue", "red", "green"],
        "age": [1.0, 2.5, 3.0],
        "weight": [0.1, -7.0, 1e6],
        "y": ["no", "yes", "no"],
    }
)


def test_pixels_go_from_0_to_1():
    images = np.array([[0, 51, 255]], np.uint8)
    scaled = encode_array(images)
    assert scaled.dtype == np.float32
    assert scaled.tolist() == np.array([[0, 0.2, 1]], np.float32).tolist()
    assert images.tolist() == [[0, 51, 255]]


def test_categories_become_codes_in_the_order_of_the_description():
    codes = encode_table(TABLE, CATEGORIES, "codes")
    assert codes.dtype == np.int64
    assert codes.tolist() == [[1, 2], [0, 0], [1, 1]]


@pytest.mark.parametrize(
    ("dataset", "rows"),
    [
        (CATEGORIES, [[0, 1, 0, 0, 1], [1, 0, 1, 0, 0], [0, 1, 0, 1, 0]]),
        (MIXED, [[1, 0, 0, 1, 0.1], [2.5, 1, 0, 0, -7], [3, 0, 1, 0, 1e6]]),
        (NUMBERS, [[1, 0.1], [2.5, -7], [3, 1e6]]),
    ],
    ids=["categories", "mixed", "numbers"],
)
def test_onehot_makes_a_column_a_category_and_leaves_numbers(dataset, rows):
    encoded = encode_table(TABLE, dataset, "onehot")
    assert encoded.dtype == np.float32
    assert encoded.tolist() == np.array(rows, np.float32).tolist()
    assert encoded.shape[1] == len(onehot_names(dataset.features))


def test_numbers_have_no_codes_and_stay_numbers():
    assert encode_table(TABLE, NUMBERS, "onehot").tolist() == encode_table(TABLE, NUMBERS, "onehot").tolist()


def test_onehot_names_stand_in_the_order_of_the_columns():
    assert onehot_names(MIXED.features) == ["age", "colour=red", "colour=green", "colour=blue", "weight"]


@pytest.mark.parametrize("categorical", ["codes", "onehot"])
def test_table_is_left_as_it_was(categorical):
    before = TABLE.copy()
    encode_table(TABLE, CATEGORIES, categorical)
    pd.testing.assert_frame_equal(TABLE, before)


def test_dates_of_figures_may_come_as_numbers_and_be_missing():
    when = {"when": Feature(date="%Y%m%d", missing=True)}
    for column in (pd.array([20230115, None], "Int64"), [20230115.0, np.nan], ["20230115", ""]):
        np.testing.assert_equal(as_numbers(pd.DataFrame({"when": column}), when)[:, 0], [19372, np.nan])
