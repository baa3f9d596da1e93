"""Files of rows to be answered are read as the data set's own, with or without target; answers are written whole."""

import contextlib
import gzip

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from twintrain.data.dataset import Dataset
from twintrain.serving import new_rows
from twintrain.serving.answer_file import AnswerFile
from twintrain.serving.new_rows import read_new_rows

DESCRIBED = {"title": "t", "origin": "o", "licence": "l", "files": {"f": "0"}, "target": "ill"}
ROWS = pd.DataFrame({"age": ["40", "7", "12"], "city": ["Busan", "Jeju", "Jeju"], "ill": ["no", "yes", "no"]})


def table(**changes):
    features = {"age": {}, "city": {"categories": ["Busan", "Jeju"]}}
    return Dataset(
        **{**DESCRIBED, "task": "binary", "format": "table", "labels": ["no", "yes"], "features": features, **changes}
    )


def read(path, dataset):
    chunks = list(read_new_rows(path, dataset))
    return pd.concat([chunk.rows for chunk in chunks], ignore_index=True), chunks


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "zip", "parquet"])
@pytest.mark.parametrize("columns", [["age", "city", "ill"], ["city", "age"]])
def test_table_with_a_header_is_read_whatever_its_order(tmp_path, ending, columns):
    path = tmp_path / f"new.{ending}"
    if ending == "parquet":
        ROWS[columns].to_parquet(path)
    else:
        ROWS[columns].to_csv(path, index=False)
    rows, chunks = read(path, table())
    pd.testing.assert_frame_equal(rows[["age", "city"]], ROWS[["age", "city"]], check_dtype=False)
    assert chunks[0].place_of(0) == ("row 1" if ending == "parquet" else "line 2")


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("columns", [["age", "city", "ill"], ["age", "city"]])
def test_table_of_a_data_set_without_header_is_read_with_one_too(tmp_path, header, columns):
    path = tmp_path / "new.csv"
    ROWS[columns].to_csv(path, index=False, header=header, sep=";")
    rows, chunks = read(path, table(header=False, delimiter=";"))
    pd.testing.assert_frame_equal(rows[["age", "city"]], ROWS[["age", "city"]], check_dtype=False)
    assert chunks[0].place_of(2) == ("line 4" if header else "line 3")


def test_rows_are_counted_over_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(new_rows, "TABLE_ROWS", 2)
    with gzip.open(tmp_path / "new.csv.gz", "wt", encoding="utf-8") as file:
        ROWS.to_csv(file, index=False)
    _, (first, second) = read(tmp_path / "new.csv.gz", table())
    assert (first.names.tolist(), second.names.tolist()) == ([1, 2], [3])
    assert second.place_of(0) == "line 4"
    kept = first.of_places(np.array([1]))
    assert (kept.rows["age"].tolist(), kept.names.tolist(), kept.place_of(0)) == (["7"], [2], "line 3")


def test_other_number_of_columns_is_refused(tmp_path, error_of):
    (tmp_path / "new.csv").write_text("40\n7\n", encoding="utf-8")
    message = error_of(lambda: list(read_new_rows(tmp_path / "new.csv", table(header=False))))
    assert message == (
        f"{tmp_path}/new.csv: expected 2 columns, age, city, and perhaps ill, or a header that names them; got 1"
    )


def images_of(**changes):
    return Dataset(
        **{**DESCRIBED, "task": "binary", "format": "npz", "labels": ["no", "yes"], "image_shape": [2, 3, 1], **changes}
    )


def test_arrays_are_read_from_npy_and_npz(tmp_path, error_of):
    array = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    np.save(tmp_path / "new.npy", array)
    np.savez(tmp_path / "new.npz", features=array, labels=np.zeros(2))
    np.savez(tmp_path / "two.npz", a=array, b=array)
    for name in ("new.npy", "new.npz"):
        (chunk,) = read_new_rows(tmp_path / name, images_of())
        np.testing.assert_array_equal(chunk.rows, array, strict=True)
        assert (chunk.called, chunk.names.tolist(), chunk.place_of(1)) == ("row", [1, 2], "row 2")
    assert "expected one array, or one called features, got a, b" in error_of(
        lambda: list(read_new_rows(tmp_path / "two.npz", images_of()))
    )
    (tmp_path / "bad.npy").write_bytes(b"no array")
    assert "is no readable NumPy file" in error_of(lambda: list(read_new_rows(tmp_path / "bad.npy", images_of())))


def test_folder_of_images_is_read_by_the_names_of_its_files(tmp_path, monkeypatch):
    monkeypatch.setattr(new_rows, "IMAGES_AT_ONCE", 2)
    (tmp_path / "new/more").mkdir(parents=True)
    for place, name in enumerate(["a.png", "b.png", "more/c.png"]):
        Image.fromarray(np.full((2, 3), 50 * place, np.uint8)).save(tmp_path / "new" / name)
    (tmp_path / "new/b.png").write_bytes(b"damaged")
    first, second = read_new_rows(tmp_path / "new", images_of())
    assert [first.names.tolist(), second.names.tolist()] == [["a.png", "b.png"], ["more/c.png"]]
    assert (first.called, first.place_of(1), list(first.bad.index)) == ("file", "'b.png'", [1])
    assert second.rows.shape == (1, 2, 3, 1)
    assert (second.rows == 100).all()


def test_what_is_no_such_file_is_refused(tmp_path, error_of):
    assert error_of(lambda: list(read_new_rows(tmp_path / "no.csv", table()))) == (
        f"--input {tmp_path}/no.csv is not there; expected rows such as the data set's, in a file or, of images, "
        "a folder"
    )
    (tmp_path / "new.csv").write_text("1", encoding="utf-8")
    assert error_of(lambda: list(read_new_rows(tmp_path / "new.csv", images_of()))) == (
        f"--input {tmp_path}/new.csv: expected an array in a .npy or .npz, or a folder, zip or tar of images"
    )


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_answers_are_written_whole_or_not_at_all(tmp_path, ending):
    path = tmp_path / f"answers.{ending}"
    answers = pd.DataFrame({"row": [1, 2], "label": ["a,b", 'c"d'], "probability": [0.1, 1 / 3]})
    with AnswerFile(path) as file:
        file.append(answers)
        assert not path.exists()
        file.append(answers.assign(row=[3, 4]))
    written = pd.read_csv(path) if ending == "csv" else pd.read_parquet(path)
    expected = pd.concat([answers, answers.assign(row=[3, 4])], ignore_index=True)
    pd.testing.assert_frame_equal(written, expected, check_dtype=False)
    before = path.read_bytes()
    with contextlib.suppress(KeyboardInterrupt), AnswerFile(path) as file:
        file.append(answers)
        raise KeyboardInterrupt
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_output_of_another_kind_is_refused(tmp_path, error_of):
    assert error_of(AnswerFile, tmp_path / "a.xlsx") == (
        f"--output {tmp_path}/a.xlsx: expected a file that ends in .csv or .parquet"
    )
    assert (
        error_of(AnswerFile, tmp_path / "no/a.csv") == f"--output {tmp_path}/no/a.csv: there is no folder {tmp_path}/no"
    )
    (tmp_path / "a.csv").mkdir()
    assert error_of(AnswerFile, tmp_path / "a.csv") == f"--output {tmp_path}/a.csv is a folder; expected a file"
