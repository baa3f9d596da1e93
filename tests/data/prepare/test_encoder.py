import json

import numpy as np
import pandas as pd
import pytest

from twintrain.data.feature import Feature
from twintrain.data.prepare.encoder import Encoder
from twintrain.data.prepare.encoding import INVALID, as_numbers
from twintrain.data.schema import code_places, onehot_names

FEATURES = {
    "age": Feature(min=0, missing=True),
    "city": Feature(categories=["Busan", "Seoul"], other=True, missing=True),
    "since": Feature(date="%d.%m.%Y", missing=True),
    "size": Feature(),
}
NAMES = [
    *("age", "age missing", "city=Busan", "city=Seoul", "city=other", "city missing"),
    *("since year", "since month", "since day", "since weekday", "since elapsed_days", "since missing", "size"),
]


def table_of(rows):
    return pd.DataFrame(rows, columns=list(FEATURES))


TRAIN = table_of(
    [
        ("10", "Busan", "01.01.2020", "1.5"),
        ("", "Busan", "02.01.2020", "2"),
        ("40", "Busan", "", "-3"),
        ("20", "Ulsan", "03.03.2021", "1e2"),
        ("30", "", "04.01.2020", "0"),
    ]
)


def fitted(table, features=FEATURES, categorical="onehot"):
    return Encoder.fit(as_numbers(table, features), features, categorical)


def test_names_follow_from_the_description():
    assert onehot_names(FEATURES) == NAMES


def test_rows_are_encoded_with_what_training_rows_taught():
    encoded = fitted(TRAIN).transform(TRAIN)
    assert encoded.dtype == np.float32
    assert [dict(zip(NAMES, row, strict=True)) for row in encoded[[1, 2, 3]].tolist()] == [
        dict(zip(NAMES, (25, 1, 1, 0, 0, 0, 2020, 1, 2, 3, 1, 0, 2), strict=True)),
        # The median of the four dates lies between the second and the third.
        dict(zip(NAMES, (40, 0, 1, 0, 0, 0, 2020, 1, 3, 4, 2, 1, -3), strict=True)),
        dict(zip(NAMES, (20, 0, 0, 0, 1, 0, 2021, 3, 3, 2, 427, 0, 100), strict=True)),
    ]


def test_rare_and_unseen_categories_have_one_place():
    # Seoul is in no training row, Ulsan in no description.
    rows = table_of([("1", city, "01.01.2020", "0") for city in ("Seoul", "Ulsan", "Jeju", "", "Busan")])
    cities = fitted(TRAIN).transform(rows)[:, 2:6]
    assert cities.tolist() == [[0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0]]


def test_places_that_no_training_row_fills_stay_empty():
    whole = TRAIN[:1].loc[[0] * 3]
    encoded = fitted(whole).transform(table_of([("", "Ulsan", "", "0"), ("", "", "", "0")]))
    assert encoded[:, 0].tolist() == [10, 10]
    assert encoded[:, [1, 4, 5, 11]].tolist() == [[0] * 4] * 2


def test_codes_have_places_for_others_and_for_missing_ones():
    features = {"city": FEATURES["city"], "colour": Feature(categories=["red", "blue"])}
    train = pd.DataFrame({"city": ["Busan"] * 4 + ["Seoul", ""], "colour": ["red"] * 6})
    encoder = fitted(train, features, "codes")
    rows = pd.DataFrame({"city": ["Busan", "Seoul", "Jeju", ""], "colour": ["red", "blue", "red", "red"]})
    codes = encoder.transform(rows)
    assert (codes.dtype, codes.tolist()) == (np.int64, [[0, 0], [2, 1], [2, 0], [3, 0]])
    assert [code_places(feature) for feature in features.values()] == [4, 2]


def test_codes_without_a_trained_place_become_the_most_frequent_category():
    features = {"city": FEATURES["city"]}
    encoder = fitted(pd.DataFrame({"city": ["Seoul"] * 5 + ["Busan"] * 4}), features, "codes")
    assert encoder.transform(pd.DataFrame({"city": ["Jeju", "", "Busan"]})).tolist() == [[1], [1], [0]]


def test_only_training_rows_decide_what_is_learned():
    numbers = as_numbers(TRAIN, FEATURES)
    encoder = Encoder.fit(numbers[:3], FEATURES, "onehot")
    numbers[3:] = [999, 0, 30000, 5]
    assert Encoder.fit(numbers[:3], FEATURES, "onehot") == encoder
    assert encoder.columns[0].fill == 25
    assert encoder != fitted(TRAIN)


def test_encoder_comes_back_from_json():
    encoder = fitted(TRAIN)
    again = Encoder.model_validate(json.loads(json.dumps(encoder.model_dump(), allow_nan=False)))
    np.testing.assert_array_equal(again.transform(TRAIN), encoder.transform(TRAIN), strict=True)


def test_column_without_any_value_in_training_is_zero():
    encoded = fitted(table_of([("", "", "", "0")] * 3)).transform(table_of([("7", "Busan", "01.02.2000", "1")]))
    assert np.isfinite(encoded).all()
    assert encoded[0, 0] == 7


def test_times_of_the_day_give_hours():
    features = {"at": Feature(date="%Y-%m-%d %H:%M")}
    encoder = fitted(pd.DataFrame({"at": ["2024-02-29 00:00"]}), features)
    encoded = encoder.transform(pd.DataFrame({"at": ["2024-03-01 18:30"]}))
    assert dict(zip(onehot_names(features), encoded[0].tolist(), strict=True)) == {
        "at year": 2024,
        "at month": 3,
        "at day": 1,
        "at weekday": 4,
        "at hour": 18,
        "at elapsed_days": pytest.approx(1 + 18.5 / 24),
    }


def test_typed_values_are_encoded_as_their_text():
    typed = pd.DataFrame(
        {
            "age": [10.0, np.nan],
            "city": ["Busan", None],
            "since": pd.to_datetime(["2020-01-01", None]),
            "size": [1, 2],
        }
    )
    encoder = fitted(TRAIN)
    text = table_of([("10", "Busan", "01.01.2020", "1"), ("", "", "", "2")])
    np.testing.assert_array_equal(encoder.transform(typed), encoder.transform(text), strict=True)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("old", "Busan", "01.01.2020", "1"), "row 2: 'old' in age is not a number from 0 to inf"),
        (("1", "Busan", "31.02.2020", "1"), "row 2: '31.02.2020' in since is not a date like %d.%m.%Y"),
        (("1", "Busan", "01.01.2020", ""), "row 2: '' in size is not a number from -inf to inf"),
    ],
)
def test_raw_row_that_cannot_be_encoded_is_named(row, message, error_of):
    assert error_of(fitted(TRAIN).transform, table_of([TRAIN.iloc[0].tolist(), row])) == message


def test_missing_column_of_raw_rows_is_named(error_of):
    assert error_of(fitted(TRAIN).transform, TRAIN[["age", "city"]]) == (
        "column 'since' is missing; expected age, city, since, size"
    )


@pytest.mark.parametrize(
    ("text", "decimal", "number"),
    [
        ("1,5", ",", 1.5),
        ("1.234,5", ",", 1234.5),
        ("-1.234.567", ",", -1234567),
        ("1.5", ".", 1.5),
        ("+7", ".", 7),
        ("1,5", ".", INVALID),
        ("12.5", ",", INVALID),  # not 125
        ("0.125", ",", INVALID),
        ("12.11.2020", ",", INVALID),
    ],
)
def test_decimal_comma_is_read_where_the_description_says_so(text, decimal, number):
    numbers = as_numbers(pd.DataFrame({"x": [text]}), {"x": Feature()}, decimal)
    assert numbers.tolist() == [[number]]


def test_dates_of_any_century_are_encoded():
    features = {"until": Feature(date="%Y-%m-%d", missing=True)}
    numbers = as_numbers(pd.DataFrame({"until": ["0001-01-01", "9999-12-31", ""]}), features)
    np.testing.assert_array_equal(numbers, [[-719162], [2932896], [np.nan]])
    encoded = Encoder.fit(numbers[:2], features, "onehot").encode(numbers[:2])
    assert encoded[:, :4].tolist() == [[1, 1, 1, 0], [9999, 12, 31, 4]]


def test_category_that_is_called_like_a_missing_value_is_a_category():
    features = {"alley": Feature(categories=["NA", "gravel"], missing=True)}
    numbers = as_numbers(pd.DataFrame({"alley": ["NA", "gravel", ""]}), features)
    np.testing.assert_array_equal(numbers, [[0], [1], [np.nan]])
