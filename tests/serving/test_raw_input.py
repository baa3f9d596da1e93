"""Raw rows, however spelt, become what preprocess makes of them, or are refused with the reason."""

import numpy as np
import pandas as pd
import pytest

from twintrain.data.dataset import Dataset
from twintrain.data.prepare.encoding import as_numbers
from twintrain.serving.raw_input import as_features, as_written, read_rows

DESCRIBED = {"title": "t", "origin": "o", "licence": "l", "files": {"f": "0"}, "target": "ill"}


@pytest.fixture(scope="module")
def table():
    return Dataset(
        **DESCRIBED,
        task="binary",
        format="table",
        decimal=",",
        labels=["no", "yes"],
        features={
            "weight": {"min": 0, "missing": True},
            "age": {"min": 0, "max": 120},
            "grade": {"categories": ["1", "2", "3"], "missing": True},
            "born": {"date": "%d.%m.%Y", "missing": True},
            "unused": {"used": False},
        },
    )


@pytest.fixture(scope="module")
def images():
    return Dataset(**DESCRIBED, task="binary", format="npz", labels=["no", "yes"], image_shape=[2, 3, 1])


@pytest.fixture(scope="module")
def sequences():
    return Dataset(**DESCRIBED, task="regression", format="npz", sample_shape=[4, 2])


TEXT = pd.DataFrame(
    {"weight": ["70,5", "NA"], "age": ["40", "7"], "grade": ["2", ""], "born": ["01.02.2000", ""], "more": ["x", "y"]}
)


def test_text_as_in_the_file_is_what_preprocess_makes_of_it(table):
    expected = as_numbers(TEXT, table.inputs, ",")
    np.testing.assert_array_equal(as_features(TEXT, table), expected)
    assert expected[0].tolist() == [70.5, 40, 1, 10988]
    assert np.isnan(expected[1]).tolist() == [True, False, True, True]


@pytest.mark.parametrize(
    "spelt",
    [
        pd.DataFrame({"weight": [70.5, np.nan], "age": [40, 7], "grade": [2.0, np.nan], "born": ["01.02.2000", None]}),
        pd.DataFrame(
            {
                "weight": [70.5, None],
                "age": [40.0, 7.0],
                "grade": ["2", None],
                "born": pd.to_datetime(["2000-02-01", None]),
            }
        ),
        [
            {"weight": 70.5, "age": 40, "grade": 2, "born": "01.02.2000"},
            {"weight": None, "age": 7, "grade": None, "born": None},
        ],
        pd.DataFrame({name: [list(TEXT[name])] for name in TEXT}),
        TEXT.set_index(pd.Index([7, 7])),
    ],
    ids=["pandas", "dates", "records", "lists in one row", "index"],
)
def test_typed_rows_are_the_same_as_text(table, spelt):
    np.testing.assert_array_equal(as_features(spelt, table), as_features(TEXT, table))


def test_columns_that_may_lack_values_may_be_left_out(table):
    found = as_features(TEXT[["age"]], table)
    assert found[:, 1].tolist() == [40, 7]
    assert np.isnan(found[:, [0, 2, 3]]).all()


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("age", "old", "row 2: 'old' in age is not a number from 0 to 120"),
        ("age", "121", "row 2: '121' in age is not a number from 0 to 120"),
        ("age", "", "row 2: no value in age, which must have one"),
        ("age", "NA", "row 2: no value in age, which must have one"),
        ("weight", "-1", "row 2: '-1' in weight is not a number from 0 to inf"),
        ("weight", "1e39", "row 2: '1e39' in weight is beyond ±3.4e+38, the largest number of float32"),
        ("grade", "9", "row 2: unseen category '9' in grade"),
        ("born", "2000-02-01", "row 2: '2000-02-01' in born is not a date like %d.%m.%Y"),
    ],
)
def test_bad_value_is_named(table, error_of, column, value, message):
    assert error_of(as_features, TEXT.assign(**{column: [TEXT[column][0], value]}), table) == message


def test_all_bad_rows_are_found_and_the_first_is_told(table, error_of):
    rows = pd.concat([TEXT] * 3, ignore_index=True).assign(age=["1", "x", "2", "", "3", "y"])
    numbers, bad = read_rows(rows, table)
    assert len(numbers) == 6
    assert bad.to_dict() == {
        1: "'x' in age is not a number from 0 to 120",
        3: "no value in age, which must have one",
        5: "'y' in age is not a number from 0 to 120",
    }
    assert error_of(as_features, rows, table).endswith("; so are 2 more rows")


def test_missing_column_is_named(table, error_of):
    message = error_of(as_features, TEXT.rename(columns={"age": "Age"}), table)
    assert message == "column 'age' is missing; did you mean 'Age'?"
    assert error_of(as_features, TEXT[:0], table) == "expected at least one row, got none"
    assert error_of(as_features, 5, table).startswith("expected a table, a column a name")


def test_images_as_whole_numbers_and_decimals_are_the_same(images):
    pixels = np.arange(0, 252, 21, dtype=np.uint8).reshape(2, 2, 3, 1)
    expected = pixels.astype(np.float32) / np.float32(255)
    for spelt in (pixels, pixels[..., 0], pixels.astype(np.int64), pixels.astype(object), pixels.tolist()):
        np.testing.assert_array_equal(as_features(spelt, images), expected, strict=True)
    for spelt in (expected, expected.astype(object)):
        np.testing.assert_array_equal(as_features(spelt, images), expected, strict=True)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.full((2, 2, 3), 256), "row 1: pixels as whole numbers are from 0 to 255; so are 1 more rows"),
        (np.full((1, 2, 3), -1), "row 1: pixels as whole numbers are from 0 to 255"),
        (np.full((1, 2, 3), 1.5), "row 1: pixels as decimals are from 0 to 1 (as whole numbers, 0 to 255)"),
        (np.full((1, 2, 3), np.nan), "row 1: pixels as decimals are from 0 to 1 (as whole numbers, 0 to 255)"),
        (np.zeros((1, 3, 2)), "expected an array (rows, 2, 3, 1), got (1, 3, 2)"),
        (np.zeros((0, 2, 3)), "expected at least one row, got none"),
        ([[1], [2, 3]], "expected rows of one shape, got rows of several"),
        ([["a"]], "expected numbers, got text"),
        (None, "expected numbers, got object"),
    ],
)
def test_bad_images_are_refused(images, error_of, rows, message):
    assert error_of(as_features, rows, images) == message


def test_sequences_are_float32_and_finite(sequences, error_of):
    rows = np.linspace(-1, 1, 16).reshape(2, 4, 2)
    np.testing.assert_array_equal(as_features(rows, sequences), rows.astype(np.float32), strict=True)
    rows[1, 0, 0] = np.inf
    assert error_of(as_features, rows, sequences) == "row 2: a number that is none, or beyond float32"


def test_dates_are_written_as_in_the_file(table):
    typed = TEXT.assign(born=pd.to_datetime(["2000-02-01", None]))
    typed["unused"] = 1.0
    written = as_written(typed, table)
    assert list(written.columns) == ["weight", "age", "grade", "born"]
    assert written["born"].fillna("").tolist() == ["01.02.2000", ""]
