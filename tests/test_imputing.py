"""New rows: read as their own file is written; what is missing filled by the training rows, where those had all."""

import numpy as np
import pandas as pd
import pytest

from twintrain.data.dataset import Dataset, Feature
from twintrain.data.encoder import Encoder
from twintrain.data.encoding import as_numbers
from twintrain.serving.imputing import fill_missing
from twintrain.serving.new_rows import read_new_rows
from twintrain.serving.raw_input import read_rows

FEATURES = {
    "age": Feature(unit="kg"),
    "size": Feature(missing=True),
    "city": Feature(categories=["Bern", "Genf"]),
    "none": Feature(categories=["None", "some"]),
    "when": Feature(date="%d.%m.%Y"),
}
TRAINED = pd.DataFrame(
    {
        "age": ["1,5 kg", "2,5", "7"],
        "size": ["1", "", "3"],
        "city": ["Genf", "genf", "Bern"],
        "none": ["None", "some", "some"],
        "when": ["01.01.2020", "03.01.2020", "05.01.2020"],
    }
)
DESCRIBED = {"title": "t", "origin": "o", "licence": "l", "files": {"f": "0"}, "target": "ill", "labels": ["no", "yes"]}


@pytest.fixture
def dataset():
    return Dataset(**DESCRIBED, task="binary", format="table", delimiter=";", decimal=",", features=FEATURES)


@pytest.fixture
def encoder(dataset):
    return Encoder.fit(as_numbers(TRAINED, FEATURES, ","), FEATURES, "onehot", ",")


def test_what_is_missing_becomes_what_the_training_rows_have(encoder, dataset):
    rows = TRAINED.astype(object).copy()
    rows.iloc[0] = ["", "", "NA", "None", None]
    filled, counts = fill_missing(rows, encoder)
    assert filled.iloc[0].tolist() == ["2,5", "", "Genf", "None", "03.01.2020"]
    assert counts == {"age with 2,5": 1, "city with Genf": 1, "when with 03.01.2020": 1}
    numbers, bad = read_rows(filled, dataset)
    assert len(bad) == 0
    np.testing.assert_array_equal(numbers[0], [2.5, np.nan, 1, 0, 18264])
    assert rows.iloc[0, 0] == ""  # what came stays as it is


def test_typed_rows_are_filled_too(encoder, dataset):
    rows = pd.DataFrame({"age": [np.nan, 7.0], "city": ["Bern", None], "none": ["some"] * 2, "when": pd.NaT})
    filled, counts = fill_missing(rows, encoder)
    assert counts.total() == 4
    assert len(read_rows(filled, dataset)[1]) == 0


@pytest.mark.parametrize("how", [{}, {"sep": ";", "decimal": ","}, {"sep": "\t"}, {"encoding": "utf-16"}])
def test_file_of_another_form_gives_the_same_rows(how, tmp_path, dataset):
    frame = pd.DataFrame(
        {
            "number": range(30),
            "age": np.arange(30) / 4 + 1000,
            "size": 0.5,
            "city": ["Bern", "Genf"] * 15,
            "none": "some",
            "when": "02.01.2020",
        }
    )
    frame.to_csv(tmp_path / "new.csv", index=False, **how)
    (chunk,) = read_new_rows(tmp_path / "new.csv", dataset)
    numbers, bad = read_rows(chunk.rows, dataset)
    assert len(bad) == 0
    np.testing.assert_array_equal(numbers[:, 0], frame["age"])
    np.testing.assert_array_equal(numbers[:, 1], frame["size"])


def test_column_that_lacks_is_named_among_all_that_came(tmp_path, dataset, error_of):
    TRAINED.drop(columns="age").to_csv(tmp_path / "new.csv", index=False)
    (chunk,) = read_new_rows(tmp_path / "new.csv", dataset)
    assert error_of(read_rows, chunk.rows, dataset) == ("column 'age' is missing; known: city, none, size, when")


def test_rows_without_a_header_are_told_which_columns_are_expected(tmp_path, dataset, error_of):
    TRAINED.to_csv(tmp_path / "new.csv", index=False, header=False, sep=";")
    message = error_of(lambda: list(read_new_rows(tmp_path / "new.csv", dataset)))
    assert "or a header that names them; got 5" in message
