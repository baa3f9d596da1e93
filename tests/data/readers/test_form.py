"""How a table is written is found out, said, and can be said otherwise."""

import argparse

import numpy as np
import openpyxl
import pandas as pd
import pytest

from twintrain.data.dataset import Dataset
from twintrain.data.own.inference import infer_table
from twintrain.data.own.wishes import Wishes
from twintrain.data.readers.form import assumptions, find_form
from twintrain.data.readers.form_options import add_form_options, form_options
from twintrain.data.readers.reading import read_raw
from twintrain.data.readers.text import read_chunks
from twintrain.settings.yaml_files import validated

ROWS = 40
RNG = np.random.default_rng(0)
AGES, SIZES = RNG.integers(18, 80, ROWS), RNG.normal(170, 10, ROWS).round(1)
TABLE = pd.DataFrame({"age": AGES, "size": SIZES, "city": ["Bern", "Genf"] * 20, "ill": ["no", "yes"] * 20})


def written(tmp_path, text, name="my.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def read(path, asked=None):
    form = find_form(path, asked or {})
    (table,) = read_chunks(path, None, form)
    return form, table


@pytest.mark.parametrize(
    ("before", "skip"),
    [
        ("", 0),
        ("# exported 2024-01-01\n# units: years, cm\n", 2),
        ("Report of all patients\n\n", 2),
        ("Report,,,\n", 1),
        ('"Source","Bank"\n\n"Updated","2023-07-25"\n', 3),
        ("\n\n", 2),
        ("sep=,\n", 1),
    ],
)
def test_lines_before_the_table_are_passed_over_and_said(before, skip, tmp_path):
    path = written(tmp_path, before + TABLE.to_csv(index=False))
    form, table = read(path)
    assert (form.skip, form.header, list(table)) == (skip, True, list(TABLE))
    assert table["age"].tolist() == TABLE["age"].astype(str).tolist()
    said = assumptions(form, {}, path)
    assert [line for line in said if "before the table" in line] == said[: bool(skip)]
    assert assumptions(form, {"skip": skip}, path) == []


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", " "])
@pytest.mark.parametrize("decimal", [".", ","])
def test_delimiter_and_decimal_mark_are_found_together(delimiter, decimal, tmp_path):
    path = written(tmp_path, TABLE.to_csv(index=False, sep=delimiter, decimal=decimal))
    form, table = read(path)
    assert (form.delimiter, form.decimal, form.header) == (delimiter, decimal, True)
    assert len(table) == ROWS
    assert list(table) == list(TABLE)


def test_runs_of_white_space_part_columns(tmp_path):
    path = written(tmp_path, TABLE.to_string(index=False), "my.data")
    form, table = read(path)
    assert form.delimiter == " "
    assert table["city"].tolist() == TABLE["city"].tolist()


@pytest.mark.parametrize("columns", [["age", "size", "city", "ill"], ["age", "size"], ["city", "ill"]])
def test_file_without_header_is_recognised(columns, tmp_path):
    path = written(tmp_path, TABLE[columns].to_csv(index=False, header=False))
    form, table = read(path)
    assert (form.header, form.names) == (False, [str(place) for place in range(len(columns))])
    assert len(table) == ROWS
    assert "its first line holds data" in assumptions(form, {}, path)[0]


def test_years_above_a_wide_table_are_a_header(tmp_path):
    wide = pd.DataFrame(RNG.normal(size=(20, 5)), columns=range(2019, 2024))
    assert find_form(written(tmp_path, wide.to_csv()), {}).header


@pytest.mark.parametrize(("target", "found"), [("3", "3"), ("last", "3"), ("Bern", "2")])
def test_column_without_a_name_is_named_by_its_place_or_by_its_first_value(target, found, tmp_path):
    path = written(tmp_path, TABLE.to_csv(index=False, header=False))
    assert infer_table(path, Wishes(target)).description["target"] == found


def test_what_the_user_says_goes_before_what_is_found(tmp_path):
    path = written(tmp_path, "x" + TABLE.to_csv(index=False, header=False), encoding="utf-8")
    assert find_form(path, {"header": False}).header is False
    assert find_form(path, {"delimiter": ";"}).delimiter == ";"
    assert find_form(path, {"encoding": "cp1252"}).encoding == "cp1252"
    assert find_form(path, {"decimal": ","}).decimal == ","
    assert find_form(path, {"skip": 3}).skip == 3


def test_quotes_and_escapes_of_other_programs_are_read(tmp_path):
    single = "k,place\n" + "".join(f"{row},'New B, {row % 2}'\n" for row in range(ROWS))
    form, table = read(written(tmp_path, single))
    assert (form.quote, table["place"][1]) == ("'", "New B, 1")
    escaped = "k,said\n" + "".join(f'{row},"he said \\"B\\", {row % 2}"\n' for row in range(ROWS))
    form, table = read(written(tmp_path, escaped))
    assert (form.escape, table["said"][1]) == ("\\", 'he said "B", 1')


def test_apostrophes_in_words_are_no_quotes(tmp_path):
    text = "place,k\n" + "".join(f"L'Aquila {row % 3},{row}\n" for row in range(ROWS))
    form, table = read(written(tmp_path, text))
    assert (form.quote, table["place"][0]) == ('"', "L'Aquila 0")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_read(encoding, tmp_path):
    form, table = read(written(tmp_path, TABLE.to_csv(index=False), encoding=encoding))
    assert (form.encoding, list(table)) == (encoding, list(TABLE))


def test_one_byte_that_is_no_utf_8_is_named_with_its_line(tmp_path, error_of):
    path = tmp_path / "my.csv"
    good = "".join(f"{row},Zürich\n" for row in range(20)).encode()
    path.write_bytes(b"k,place\n" + good + b"20,Z\xfcrich\n" + good)
    assert error_of(find_form, path, {}) == (
        f"{path}: line 22 has the byte 0xfc, which is no UTF-8, as the rest of the file is; mend that line, or name "
        "the encoding: --encoding NAME"
    )


def test_guessed_encoding_is_said_with_what_it_gives(tmp_path):
    path = written(tmp_path, TABLE.replace("Genf", "Zürich").to_csv(index=False), encoding="cp1252")
    form = find_form(path, {})
    assert "taken for cp1252, which gives 'Zürich'" in assumptions(form, {}, path)[0]
    assert assumptions(form, {"encoding": "cp1252"}, path) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('a b\n"1" 2 3\n"2" 3 4\n', "line 2 has 3 cells, expected 2; the header may lack a name"),
        ("a,b\n1,2,\n3,4,\n", "line 2 has 3 cells, expected 2; it ends with ','"),
        ("a,b\n1,2\n#1,2,3\n", "line 3 has 3 cells, expected 2; is it a comment?"),
        ('a,b\n1,"x \\"y\\", z"\n', "line 2 has 3 cells, expected 2; a quote inside of quotes"),
        ("a,b\n1,'x, z'\n", "line 2 has 3 cells, expected 2; are its quotes '…'?"),
        ('a,b\n1,"x\n2,y\n', 'a quote " that opens a cell is never closed, or line 3 is cut'),
    ],
)
def test_line_that_does_not_fit_is_named_with_the_cause(text, message, tmp_path, error_of):
    path = written(tmp_path, text)
    form = find_form(path, {"delimiter": text[1], "quote": '"', "escape": None, "header": True})
    assert message in error_of(lambda: list(read_chunks(path, None, form)))


def test_workbook_is_read_as_its_text_would_be(tmp_path, error_of):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "patients"
    for row in [["Report of all patients"], [], list(TABLE), *TABLE.to_numpy().tolist()]:
        sheet.append(row)
    book.create_sheet("notes").append(["nothing"])
    path = tmp_path / "my.xlsx"
    book.save(path)
    form, table = read(path)
    assert (form.sheet, form.skip, list(table)) == ("patients", 2, list(TABLE))
    assert table["age"].tolist() == TABLE["age"].astype(str).tolist()
    assert "its sheet 'patients' is read: --sheet NAME" in assumptions(form, {}, path)
    assert error_of(find_form, path, {"sheet": "pateints"}).endswith("no sheet 'pateints'; did you mean 'patients'?")
    assert infer_table(path, Wishes("ill")).rows == ROWS


def test_typed_cells_of_a_workbook_stay_what_they_are(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["when", "size", "text", "more", "y"])
    times = pd.date_range("2024-01-01", periods=ROWS, freq="6h")
    for row, time in enumerate(times):
        book.active.append([time.to_pydatetime(), row / 1000 + 2, f"{row},5", f"{row},25", "ab"[row % 2]])
    path = tmp_path / "my.xlsx"
    book.save(path)
    found = infer_table(path, Wishes("y"))
    assert found.description["decimal"] == ","
    assert found.description["features"]["when"] == {"date": "%Y-%m-%d %H:%M:%S"}
    described = {"title": "t", "origin": "o", "licence": "l", "files": {path.name: ""}, **found.description}
    data = read_raw([path], validated(Dataset, described, "my.yaml"), "error")
    assert data.table["size"].tolist() == [row / 1000 + 2 for row in range(ROWS)]
    assert data.table["when"].tolist() == times.tolist()


@pytest.mark.parametrize(
    ("text", "known", "header"),
    [
        ("400,402,404,y\n" + "1,2,3,a\n3,2,1,b\n" * 9, ["y"], True),
        ("1,2,3,y\n" + "1,2,3,y\n3,2,1,b\n" * 9, ["y"], False),
        ("good,pos\n" + "good,neg\nbad,pos\n" * 9, [], False),
    ],
)
def test_a_name_that_is_known_makes_a_header_and_values_that_come_again_do_not(text, known, header, tmp_path):
    assert find_form(written(tmp_path, text), {}, known).header is header


def test_sep_line_above_two_columns_is_passed_over(tmp_path):
    assert find_form(written(tmp_path, "sep=;\nx;y\n" + "1;a\n2;b\n" * 9), {}).skip == 1


def test_row_of_fewer_cells_between_white_space_is_refused(tmp_path, error_of):
    path = written(tmp_path, "y a b\n" + "u  1  2\n" * 9 + "v     5\n")
    assert error_of(infer_table, path, Wishes("y")) == (
        f"{path}: row 10 has fewer cells than others, and white space alone does not say which one lacks; write NA in "
        "its place"
    )


@pytest.mark.parametrize("option", [["--delimiter", "§"], ["--delimiter", "\n"], ["--quote", "ab"], ["--skip", "x"]])
def test_option_that_is_no_sign_or_number_is_refused(option, error_of):
    parser = argparse.ArgumentParser()
    add_form_options(parser)
    assert error_of(form_options, parser.parse_args(option)).startswith(f"{option[0]}: expected")


def test_file_that_only_calls_itself_a_workbook_is_one_line(tmp_path, error_of):
    path = written(tmp_path, "hello", "my.xlsx")
    assert error_of(find_form, path, {}) == f"{path} is no readable workbook; save it anew as .xlsx, or as .csv"


@pytest.mark.parametrize(
    ("text", "kind"), [("<!DOCTYPE html>\n<p>a,b</p>\n", "a web page"), ('[{"a": 1}]\n', "JSON"), ("<?xml?>\n", "XML")]
)
def test_what_is_no_table_is_called_what_it_is(text, kind, tmp_path, error_of):
    path = written(tmp_path, text)
    assert error_of(find_form, path, {}) == f"{path} is {kind}; expected lines of separated text"
