import csv
import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twintrain.data.readers import pieces
from twintrain.data.readers.form import Form
from twintrain.data.readers.opening import WHOLE, Span
from twintrain.data.readers.parquet import parquet_chunks
from twintrain.data.readers.pieces import Piece, table_pieces
from twintrain.data.readers.text import read_chunks
from twintrain.errors import UserError

COLUMNS = ["a", "b"]
CELLS = st.text(st.sampled_from('x1 ,;"\r\né'), max_size=4)
FORMS = st.builds(
    Form, header=st.booleans(), delimiter=st.sampled_from(",;"), quote=st.sampled_from("\"'"), encoding=st.just("utf-8")
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("pieces") / "my.csv"


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """So that cells and ends of lines lie across blocks."""
    monkeypatch.setattr(pieces, "BLOCK_BYTES", 5)


def read(path: Path, form: Form, found: list[Piece]) -> list[list[str]]:
    """The rows of pieces, one piece after the other."""
    parts = [chunk for piece in found for chunk in read_chunks(path, COLUMNS, form, rows=2, span=piece.span)]
    return pd.concat(parts).to_numpy().tolist()


@settings(deadline=None, max_examples=30)
@given(
    rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=9),
    form=FORMS,
    ending=st.sampled_from(["\n", "\r\n"]),
    everything_quoted=st.booleans(),
    last_end=st.booleans(),
)
def test_the_pieces_of_a_file_hold_its_rows(place, rows, form, ending, everything_quoted, last_end):
    with place.open("w", newline="", encoding="utf-8") as file:
        needed = "\r" in "".join(map("".join, rows))  # what csv forgets
        quoting = csv.QUOTE_ALL if everything_quoted or needed else csv.QUOTE_MINIMAL
        writer = csv.writer(
            file, delimiter=form.delimiter, quotechar=form.quote, lineterminator=ending, quoting=quoting
        )
        writer.writerows([*([COLUMNS] if form.header else []), *rows])
    if not last_end:
        place.write_bytes(place.read_bytes().removesuffix(ending.encode()))
    found = table_pieces([place], form, 2)
    assert len(found) == -(-len(rows) // 2)
    assert read(place, form, found) == read(place, form, [Piece((place,))])


@given(text=st.text(st.sampled_from('x,"\r\n'), max_size=30))
def test_lines_end_where_they_do_cell_by_cell(text):
    ends = np.flatnonzero(np.frombuffer(text.encode(), np.uint8) == ord("\n"))
    within = pieces._within_cells(ends, text.encode(), b",", b'"')
    assert pieces.line_ends(text.encode(), b",", b'"').tolist() == (ends[~within] + 1).tolist()


@pytest.mark.parametrize(
    "text",
    {
        "quotes within cells": 'a,b\n5" pipe,x\n6" pipe,x\n"a ""b""\n""",x\n1,2\n3,"4"\n5,6\n',
        "blanks before quotes": 'a,b\n "x,y\n1,2\n3,4\n5,6\n7,8\n',
        "empty lines": "a,b\n\n1,2\n\n\n3,4\n5,6\n\n\n\n\n\n\n",
        "short rows": "a,b\n1,2\n3,4\n5\n6,7\n8\n9,10\n",
        "a mark of the encoding": "\ufeffa,b\n1,2\n3,4\n5,6\n",
    }.values(),
)
def test_odd_files_are_cut_where_pandas_ends_rows(place, text):
    place.write_text(text, "utf-8")
    found = table_pieces([place], Form(), 2)
    assert len(found) > 1
    assert read(place, Form(), found) == read(place, Form(), [Piece((place,))])


def test_without_header_the_columns_are_those_of_the_file_not_of_the_piece(place):
    place.write_text("1,2\n3,4\n5\n6,7\n", "utf-8")
    form = Form(header=False)
    assert read(place, form, table_pieces([place], form, 2)) == read(place, form, [Piece((place,))])


@pytest.mark.parametrize(
    "text",
    {
        "a longer row": "a,b\n1,2\n3,4\n5,6,7\n8,9\n",
        "a quote that is never closed": 'a,b\n1,2\n3,4\n5,6\n"7,8\n9,10\n',
    }.values(),
)
def test_what_is_refused_of_a_file_is_refused_of_its_pieces(place, text):
    place.write_text(text, "utf-8")
    said = []
    for found in ([Piece((place,))], table_pieces([place], Form(), 2)):
        with pytest.raises(UserError) as refused:
            read(place, Form(), found)
        said.append(str(refused.value))
    assert said[0] == said[1]


def test_a_row_without_end_is_not_looked_through(place, monkeypatch):
    monkeypatch.setattr(pieces, "LONGEST_ROW", 8)
    place.write_text('a,b\n1,2\n3,4\n"5,6\n7,8\n9,10\n11,12\n', "utf-8")
    assert [piece.span for piece in table_pieces([place], Form(), 1)] == [Span(0, 8), Span(8, 12), Span(12, None)]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("my.csv.gz", Form()),
        ("my.csv", Form(encoding="utf-16")),
        ("my.csv", Form(encoding="cp932")),
        ("my.csv", Form(skip=1)),
        ("my.csv", Form(escape="\\")),
        ("my.csv", Form(delimiter=" ")),
        ("my.xlsx", Form()),
    ],
)
def test_files_that_cannot_be_read_from_the_middle_stay_whole(name, form, tmp_path):
    path = tmp_path / name
    path.write_bytes(gzip.compress(b"a,b\n1,2\n3,4\n5,6\n") if name.endswith("gz") else b"a,b\n1,2\n3,4\n5,6\n")
    assert table_pieces([path], form, 1) == [Piece((path,), WHOLE)]


def test_each_file_of_many_begins_a_piece(tmp_path):
    paths = [tmp_path / f"{name}.csv" for name in "xy"]
    for path in paths:
        path.write_text("a,b\n1,2\n3,4\n5,6\n")
    found = table_pieces(paths, Form(), 2)
    assert [piece.paths for piece in found] == [(paths[0],), (paths[0],), (paths[1],), (paths[1],)]
    assert [piece.span for piece in found] == [Span(0, 12), Span(12, None)] * 2


def test_parquet_is_cut_between_row_groups(tmp_path):
    path = tmp_path / "my.parquet"
    table = pd.DataFrame({"a": np.arange(10), "b": list("abcdefghij")})
    table.to_parquet(path, row_group_size=3, index=False)
    found = table_pieces([path], Form(), 4)
    assert [piece.span for piece in found] == [Span(0, 2), Span(2, None)]
    chunks = [chunk for piece in found for chunk in parquet_chunks(path, None, piece.span)]
    assert [len(chunk) for chunk in chunks] == [3, 3, 3, 1]
    assert pd.concat(chunks)["a"].tolist() == list(range(10))
