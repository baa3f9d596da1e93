"""New rows: read as their own file is written; what is missing filled by the training rows, where those had all."""

import numpy as np
import pandas as pd
import pytest

from twintrain.data.dataset import Dataset
from twintrain.data.feature import Feature
from twintrain.data.prepare.encoder import Encoder
from twintrain.data.prepare.encoding import as_numbers
from twintrain.serving.answering import encoder_of
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


def test_text_has_nothing_to_be_filled_by():
    features = {"note": Feature(text={"length": 2})}
    rows = pd.DataFrame({"note": ["so good", ""]})
    filled, counts = fill_missing(rows, Encoder.fit(np.ones((1, 2), np.int64), features, "tokens"))
    assert (filled["note"].tolist(), counts) == (["so good", ""], {})
    bad = read_rows(filled, Dataset(**DESCRIBED, task="binary", format="table", features=features))[1]
    assert bad.to_dict() == {1: "no value in note, which must have one"}


def test_column_that_lacks_is_named_among_all_that_came(tmp_path, dataset, error_of):
    TRAINED.drop(columns="age").to_csv(tmp_path / "new.csv", index=False)
    (chunk,) = read_new_rows(tmp_path / "new.csv", dataset)
    assert error_of(read_rows, chunk.rows, dataset) == ("column 'age' is missing; known: city, none, size, when")


def test_rows_without_a_header_are_told_which_columns_are_expected(tmp_path, dataset, error_of):
    TRAINED.to_csv(tmp_path / "new.csv", index=False, header=False, sep=";")
    message = error_of(lambda: list(read_new_rows(tmp_path / "new.csv", dataset)))
    assert message.endswith("has no header; expected one that names age, size, city, none, when")


def new_rows(tmp_path, text, written="utf-8", **described):
    """The numbers of the rows of a file, and what is said beside."""
    path = tmp_path / "new.csv"
    path.write_bytes(text.encode(written))
    dataset = Dataset(**{**DESCRIBED, "task": "binary", "format": "table", **described})
    (chunk,) = read_new_rows(path, dataset)
    return read_rows(chunk.rows, dataset)[0].tolist()


MISSING = {"p": Feature(missing=True), "q": Feature(missing=True)}
CITIES = {"city": Feature(categories=["Genève", "Zürich"], other=True)}


def test_columns_that_may_all_be_missing_are_looked_for_all_the_same(tmp_path, error_of, capsys):
    assert new_rows(tmp_path, "p,q\n1.5,2.5\n", delimiter=";", features=MISSING) == [[1.5, 2.5]]
    assert error_of(new_rows, tmp_path, "1.5,2.5\n3.5,4.5\n", features=MISSING).endswith(
        "has no header; expected one that names p, q"
    )
    assert error_of(new_rows, tmp_path, "a,b\n1.5,2.5\n", features=MISSING).endswith(
        "has none of the columns p, q; got a, b"
    )
    np.testing.assert_equal(new_rows(tmp_path, "q\n2.5\n", features=MISSING), [[np.nan, 2.5]])
    assert "new.csv lacks p, which are taken as missing" in capsys.readouterr().err


def test_target_that_stands_first_takes_its_place_with_it(tmp_path):
    described = {"header": False, "names": ["ill", "p", "q"], "features": MISSING}
    assert new_rows(tmp_path, "1.5,2.5\n3.5,4.5\n", **described) == [[1.5, 2.5], [3.5, 4.5]]
    assert new_rows(tmp_path, "no,1.5,2.5\nyes,3.5,4.5\n", **described) == [[1.5, 2.5], [3.5, 4.5]]


def test_decimal_mark_is_that_of_the_file_and_what_it_leaves_open_is_said(tmp_path, capsys):
    described = {"delimiter": ";", "decimal": ",", "features": MISSING}
    assert new_rows(tmp_path, "p;q\n1.5;2.625\n", **described) == [[1.5, 2.625]]
    assert capsys.readouterr().err == ""
    assert new_rows(tmp_path, "p;q\n1.512;2.625\n", **described) == [[1512, 2625]]
    assert "'p': 1.512 is read as 1,512; --decimal . reads 1.512" in capsys.readouterr().err


@pytest.mark.parametrize(("trained", "encoding"), [("cp1252", "utf-8"), ("utf-8", "cp1252"), ("cp1252", "cp1252")])
def test_encoding_is_that_of_the_file(trained, encoding, tmp_path):
    assert new_rows(tmp_path, "city\nZürich\nGenève\n", encoding, encoding=trained, features=CITIES) == [[1], [0]]


def test_nothing_fills_a_text_or_a_picture(error_of):
    texts = Dataset(**DESCRIBED, task="binary", format="table", features={"review": Feature(text={})})
    pictures = Dataset(**DESCRIBED, task="binary", format="images", image_shape=[2, 2, 1])
    said = "--bad-rows impute fills numbers, categories and dates of a table; expected error or drop"
    assert [error_of(encoder_of, "models:/m/1", each) for each in (texts, pictures)] == [said, said]
