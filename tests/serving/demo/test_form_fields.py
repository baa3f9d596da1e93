import numpy as np
import pandas as pd
import pytest

from twintrain.data.feature import Feature
from twintrain.data.prepare.encoding import as_numbers
from twintrain.serving.demo.form import choices, field_values, hint, raw_row

FEATURES = {
    "age": Feature(min=0, max=120),
    "delay": Feature(min=0, missing=True),
    "city": Feature(categories=["Bonn", "Ulm"], missing=True),
    "colour": Feature(categories=["red"], other=True),
    "day": Feature(date="%d.%m.%Y", missing=True),
    "note": Feature(text={"length": 1000}, missing=True),
}
ROW = pd.Series(
    {"age": 41.0, "delay": np.nan, "city": "Ulm", "colour": "red", "day": pd.Timestamp("2024-02-29")}
    | {"note": "so good", "bought": "no"}
)


def test_fields_show_a_row_as_a_file_has_it():
    assert field_values(ROW, FEATURES) == [41, None, "Ulm", "red", "29.02.2024", "so good"]
    nothing = pd.Series({"age": 0.5, "delay": 3.0, "city": None, "colour": "blue", "day": pd.NaT, "note": None})
    assert field_values(nothing, FEATURES) == [0.5, 3, "", "blue", "", ""]


def test_fields_that_nobody_changed_make_the_row_again():
    row = raw_row(field_values(ROW, FEATURES), FEATURES)
    typed = pd.DataFrame([ROW]).convert_dtypes(convert_string=False)
    np.testing.assert_array_equal(as_numbers(row, FEATURES), as_numbers(typed, FEATURES))


def test_columns_keep_their_types_when_values_are_missing():
    row = raw_row([None, None, "", "mauve", "", ""], FEATURES)
    assert [column.kind for column in row.dtypes] == ["f", "f", "O", "O", "O", "O"]
    np.testing.assert_array_equal(as_numbers(row, FEATURES), [[np.inf, np.nan, np.nan, 1, np.nan, np.nan]])


def test_missing_is_one_of_the_choices_where_a_value_may_be():
    assert choices(FEATURES["city"]) == [("Bonn", "Bonn"), ("Ulm", "Ulm"), ("missing", "")]
    assert choices(FEATURES["colour"]) == [("red", "red")]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("age", "0 to 120"),
        ("delay", "0 or more; empty: missing"),
        ("city", ""),
        ("colour", "or type another"),
        ("day", "a date like 31.12.2024; empty: missing"),
        ("note", "the first 1,000 words are read; empty: missing"),
    ],
)
def test_hint_says_what_a_field_takes(name, expected):
    assert hint(FEATURES[name]) == expected


def test_hint_of_an_upper_bound():
    assert hint(Feature(max=0.5)) == "0.5 or less"
