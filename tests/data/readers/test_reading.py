import gzip
from pathlib import Path

import numpy as np
import pytest

from twintrain.data.dataset import Dataset
from twintrain.data.readers.reading import read_raw
from twintrain.settings.yaml_files import validated

HEADER = "age,colour,size,y\n"
GOOD = "1,red,2.5,no\n3,blue,-1,yes\n"
MEND = "; mend them, or set them aside: ingest.bad_rows: drop"
DESCRIBED = {"title": "Demo", "origin": "tests", "licence": "none", "task": "binary", "files": {"raw.csv": ""}}
TABLE = {
    **DESCRIBED,
    "format": "table",
    "target": "y",
    "labels": ["no", "yes"],
    "features": {"age": {"min": 0, "max": 120}, "colour": ["red", "blue"], "size": "numeric"},
}
PIXELS = {
    **DESCRIBED,
    "format": "pixels",
    "header": False,
    "target": "digit",
    "labels": ["3", "7"],
    "image_shape": [2, 1, 1],
}


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Writes texts or bytes as raw files and reads them."""
    monkeypatch.chdir(tmp_path)

    def write_and_read(*contents, bad_rows="error", kind=TABLE, ending=".csv", **changes):
        paths = []
        for index, content in enumerate(contents):
            paths.append(Path(f"raw{index or ''}{ending}"))
            paths[-1].write_bytes(content.encode() if isinstance(content, str) else content)
        return read_raw(paths, validated(Dataset, {**kind, **changes}, "demo.yaml"), bad_rows)

    return write_and_read


def test_table_has_typed_columns_in_the_order_of_the_description(read):
    data = read("y,size,extra,colour,age\nno,2.5,?,red,1\nyes,-1,?,blue,3\n")
    assert data.table.to_dict("list") == {
        "age": [1.0, 3.0],
        "colour": ["red", "blue"],
        "size": [2.5, -1.0],
        "y": ["no", "yes"],
    }
    assert (data.table["age"].dtype, data.table["size"].dtype) == (np.float64, np.float64)
    assert (data.array, data.rejected.to_dict()) == (None, {})


def test_labels_are_indices_in_the_order_of_the_description(read):
    data = read(HEADER + GOOD, labels=["yes", "no"])
    assert (data.labels.tolist(), data.labels.dtype) == ([1, 0], np.int64)


@pytest.mark.parametrize(
    "content",
    [
        HEADER + " 1 , red , 2.5 , no \n3,blue,-1,yes\n",
        (HEADER + GOOD).replace("\n", "\r\n"),
        "\ufeff" + HEADER + GOOD,
        (HEADER + GOOD).rstrip(),
        HEADER + "\n" + GOOD + "\n",
        HEADER.replace(",", " , ") + GOOD,
    ],
    ids=["spaces", "windows line ends", "byte order mark", "no last line end", "blank lines", "spaces in the header"],
)
def test_harmless_differences_of_form_do_not_matter(content, read):
    assert read(content).table.equals(read(HEADER + GOOD).table)


def test_file_without_header_takes_its_names_from_the_description(read):
    assert read(GOOD, header=False).table.equals(read(HEADER + GOOD).table)


def test_several_files_are_put_one_below_the_other(read):
    data = read(HEADER + GOOD, HEADER + "7,red,0,yes\n")
    assert data.table["age"].tolist() == [1, 3, 7]
    assert data.labels.tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1,green,2,no", "unseen category 'green' in colour"),
        ("1,,2,no", "unseen category '' in colour"),
        ("1,pink,2,no", "unseen category 'pink' in colour"),
        ("1,red,2,maybe", "unknown label 'maybe' in y"),
        ("1,red,2,", "unknown label '' in y"),
        ("old,red,2,no", "'old' in age is not a number from 0 to 120"),
        (",red,2,no", "'' in age is not a number from 0 to 120"),
        ("-1,red,2,no", "'-1' in age is not a number from 0 to 120"),
        ("120.5,red,2,no", "'120.5' in age is not a number from 0 to 120"),
        ("1,red,nan,no", "'nan' in size is not a number from -inf to inf"),
        ("1,red,inf,no", "'inf' in size is not a number from -inf to inf"),
        ("1,red,1_000,no", "'1_000' in size is not a number from -inf to inf"),
        ("1,red,0x10,no", "'0x10' in size is not a number from -inf to inf"),
        ("1,red", "'' in size is not a number from -inf to inf"),
        ("1,red,1e39,no", "'1e39' in size is beyond ±3.4e+38, the largest number of float32"),
        ("old,green,x,maybe", "'old' in age is not a number from 0 to 120"),
    ],
)
def test_bad_row_is_named_with_its_first_reason(row, reason, read, error_of):
    assert error_of(read, HEADER + GOOD + row + "\n") == f"raw.csv: 1 bad row (row 3: {reason}){MEND}"


@pytest.mark.parametrize("age", ["0", "120", "1e2", " 7 ", "+5", ".5"])
def test_bounds_and_usual_ways_to_write_a_number_are_good(age, read):
    assert read(HEADER + GOOD + f"{age},red,2,no\n").table["age"].iloc[2] == float(age)


def test_first_bad_rows_are_listed_and_the_rest_counted(read, error_of):
    bad = "1,green,2,no\n" + GOOD + "1,red,2,maybe\n" + "x,red,2,no\n" * 3
    assert error_of(read, HEADER + GOOD + bad) == (
        "raw.csv: 5 bad rows (row 3: unseen category 'green' in colour; row 6: unknown label 'maybe' in y; "
        f"row 7: 'x' in age is not a number from 0 to 120; and 2 more){MEND}"
    )


@pytest.mark.parametrize("kind", [{}, {"task": "regression", "labels": []}], ids=["classes", "numbers"])
def test_table_of_bad_rows_alone_is_refused(kind, read, error_of):
    assert error_of(read, HEADER + "old,red,2,no\n", bad_rows="drop", **kind) == (
        "raw.csv: all 1 rows are bad; list them with ingest.bad_rows: error"
    )


def test_three_bad_rows_are_all_listed(read, error_of):
    assert error_of(read, HEADER + "1,a,2,no\n1,b,2,no\n1,c,2,no\n" + GOOD) == (
        "raw.csv: 3 bad rows (row 1: unseen category 'a' in colour; row 2: unseen category 'b' in colour; "
        f"row 3: unseen category 'c' in colour){MEND}"
    )


def test_dropped_rows_are_kept_apart_with_their_reasons(read):
    data = read(HEADER + "x,red,1,no\n" + GOOD + "1,red,2,maybe\n", bad_rows="drop")
    assert data.table["age"].tolist() == [1, 3]
    assert data.table.index.tolist() == [0, 1]
    assert data.labels.tolist() == [0, 1]
    assert data.rejected.to_dict() == {
        1: "'x' in age is not a number from 0 to 120",
        4: "unknown label 'maybe' in y",
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("age,color,size,y\n" + GOOD, "raw.csv: column 'colour' is missing; did you mean 'color'?"),
        ("age,colour,size\n1,red,2\n", "raw.csv: column 'y' is missing; known: age, colour, size"),
        ("", "raw.csv has no rows; expected columns age, colour, size, y …"),
        ("\n\n", "raw.csv has no rows; expected columns age, colour, size, y …"),
        (HEADER, "raw.csv has no rows; expected samples of no, yes"),
        (
            HEADER + "1,red,2,no\n" * 3,
            "raw.csv: expected at least two classes, got only 'no'; there is nothing to learn",
        ),
        (
            HEADER + GOOD + "1,red,2,no,9\n",
            "raw.csv is not a readable table: line 4 has 5 cells, expected 4; a cell with "
            'commas in it stands in quotes: "…"',
        ),
        (
            HEADER + GOOD + '1,"red,2,no\n',
            'raw.csv is not a readable table: a quote " that opens a cell is never closed, or line 4 is cut',
        ),
        (
            (HEADER + GOOD).encode("utf-16"),
            "raw.csv has the byte 0xff, which is no utf-8; name another encoding: --encoding NAME, or in the "
            "description, such as encoding: cp1252",
        ),
    ],
)
def test_unusable_table_is_refused(content, message, read, error_of):
    assert error_of(read, content) == message


@pytest.mark.parametrize("rows", ["9,1,red,2.5,no\n8,3,blue,-1,yes\n", "1,red,2.5,no,9\n3,blue,-1,yes,8\n"])
def test_rows_longer_than_the_header_lose_nothing_on_the_quiet(rows, read, error_of):
    assert error_of(read, HEADER + rows) == (
        "raw.csv is not a readable table: line 2 has 5 cells, expected 4; "
        "the header may lack a name, such as that of the rows' numbers: write one before the others"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1,red,2\n3,blue,1\n", "raw.csv: expected 4 columns, got 3"),
        ("1,red,2,no,9\n3,blue,1,yes,9\n", "raw.csv: expected 4 columns, got 5"),
        ("", "raw.csv has no rows; expected columns age, colour, size, y …"),
    ],
)
def test_table_without_header_must_have_the_described_number_of_columns(content, message, read, error_of):
    assert error_of(read, content, header=False) == message


def test_pixels_become_images_and_labels(read):
    data = read("0,255,3\n1,2,7\n", kind=PIXELS)
    assert data.array.tolist() == [[[[0]], [[255]]], [[[1]], [[2]]]]
    assert (data.array.dtype, data.labels.tolist(), data.table) == (np.uint8, [0, 1], None)


def test_pixels_with_a_header_are_found_by_name(read):
    data = read("digit,pixel_1,pixel_0\n3,255,0\n7,2,1\n", kind=PIXELS, header=True)
    assert data.array.tolist() == [[[[0]], [[255]]], [[[1]], [[2]]]]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("pixel", ["256", "-1", "x", "", "nan", "inf", "0.5", "254.9"])
def test_pixel_that_is_no_whole_number_up_to_255_makes_a_bad_row(pixel, read, error_of):
    message = error_of(read, f"0,1,3\n{pixel},2,7\n", kind=PIXELS)
    assert message == f"raw.csv: 1 bad row (row 2: a pixel that is not a number from 0 to 255){MEND}"


def test_image_with_an_unknown_label_is_a_bad_row(read, error_of):
    assert error_of(read, "0,1,3\n1,2,5\n2,2,7\n", kind=PIXELS) == (
        f"raw.csv: 1 bad row (row 2: unknown label '5' in digit){MEND}"
    )


def test_bad_images_can_be_dropped(read):
    data = read("0,1,3\nx,2,7\n4,5,7\n", kind=PIXELS, bad_rows="drop")
    assert data.array.reshape(-1, 2).tolist() == [[0, 1], [4, 5]]
    assert data.rejected.to_dict() == {2: "a pixel that is not a number from 0 to 255"}


@pytest.mark.parametrize(
    ("row", "reason"),
    [("5", "a pixel that is not a number from 0 to 255"), ("5,6", "unknown label '' in digit")],
)
def test_image_that_ends_too_early_is_a_bad_row(row, reason, read, error_of):
    message = error_of(read, f"0,1,3\n{row}\n2,2,7\n", kind=PIXELS)
    assert message == f"raw.csv: 1 bad row (row 2: {reason}){MEND}"


def test_wrong_number_of_pixels_is_refused(read, error_of):
    assert error_of(read, "0,3\n1,7\n", kind=PIXELS) == "raw.csv: expected 3 columns, got 2"


ZIPPED = gzip.compress(b"0,255,3\n1,2,7\n" * 2000)


def test_gzip_is_read_by_its_ending(read):
    assert read(ZIPPED, kind=PIXELS, ending=".csv.gz").array.shape == (4000, 2, 1, 1)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (ZIPPED[: len(ZIPPED) // 2], "it ends too early, so part of it is lost"),
        (ZIPPED[:-4], "it ends too early, so part of it is lost"),
        (b"hello", "it does not begin as a gzip file does"),
        (ZIPPED[:10] + b"\xff" + ZIPPED[11:], "what it unpacks to is not what was packed"),
    ],
    ids=["half", "without its end", "not gzip", "altered"],
)
def test_broken_gzip_is_refused(content, reason, read, error_of):
    message = error_of(read, content, kind=PIXELS, ending=".csv.gz")
    assert message == f"raw.csv.gz is damaged: {reason}"


def test_missing_file_is_refused(tmp_path, monkeypatch, error_of):
    monkeypatch.chdir(tmp_path)
    assert error_of(read_raw, [Path("raw.csv")], validated(Dataset, TABLE, "demo.yaml"), "error") == (
        "raw.csv cannot be read: No such file or directory"
    )


NUMBERS = {
    "title": "t",
    "origin": "o",
    "licence": "l",
    "task": "regression",
    "format": "table",
    "files": {"raw.csv": "0" * 64},
    "target": "y",
    "features": {"x": "numeric"},
}


@pytest.fixture
def numbers_file(tmp_path):
    def write(text):
        path = tmp_path / "raw.csv"
        path.write_text(text)
        return [path], validated(Dataset, NUMBERS, "demo.yaml")

    return write


def test_numbers_to_predict_are_a_column_of_floats(numbers_file):
    labels = read_raw(*numbers_file("x,y\n1, 2.5\n2,-3e2\n"), "error").labels
    np.testing.assert_array_equal(labels, [[2.5], [-300.0]])
    assert labels.dtype == np.float64


def test_what_is_no_number_cannot_be_predicted(numbers_file, error_of):
    given = numbers_file("x,y\n1,2\n2,tall\n3,inf\n4,3\n")
    assert error_of(read_raw, *given, "error").endswith(
        "2 bad rows (row 2: 'tall' in y is not a number; row 3: 'inf' in y is not a number); "
        "mend them, or set them aside: ingest.bad_rows: drop"
    )
    assert read_raw(*given, "drop").labels.ravel().tolist() == [2, 3]


def test_one_number_alone_is_nothing_to_learn(numbers_file, error_of):
    said = error_of(read_raw, *numbers_file("x,y\n1,7\n2,7\n"), "error")
    assert said.endswith("raw.csv: expected at least two numbers, got only 7; there is nothing to learn")
