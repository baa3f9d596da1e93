"""The pandera schema of a description, and tables that are read in several chunks."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from twintrain.data.dataset import Dataset
from twintrain.data.feature import Feature
from twintrain.data.prepare.encoding import as_numbers
from twintrain.data.readers.reading import Reading, read_raw
from twintrain.data.readers.tally import Tally
from twintrain.data.readers.validation import bad_rows, differences, table_schema
from twintrain.settings.yaml_files import validated

DESCRIBED = {
    "title": "Demo",
    "origin": "tests",
    "licence": "none",
    "task": "binary",
    "format": "table",
    "files": {"my.csv": ""},
    "target": "y",
    "labels": ["no", "yes"],
    "features": {
        "age": {"min": 0, "max": 120, "missing": True},
        "city": {"categories": ["Busan", "Seoul"], "other": True},
        "colour": ["red", "blue"],
        "since": {"date": "%Y-%m-%d", "missing": True},
    },
}
GOOD = ("7", "Busan", "red", "2024-02-29", "no")


def dataset_of(**changes):
    return validated(Dataset, {**DESCRIBED, **changes}, "demo.yaml")


def table_of(*rows):
    return pd.DataFrame(rows, columns=["age", "city", "colour", "since", "y"])


def reasons_of(*rows, **changes):
    table, dataset = table_of(*rows), dataset_of(**changes)
    return bad_rows(table, as_numbers(table, dataset.columns), dataset).tolist()


def test_schema_has_type_bounds_categories_and_missing_values():
    columns = table_schema(dataset_of().columns).columns
    assert {name: column.nullable for name, column in columns.items()} == {
        "age": True,
        "city": False,
        "colour": False,
        "since": True,
        "y": False,
    }
    bounds = {name: column.checks[0].statistics for name, column in columns.items()}
    assert bounds["age"] == {"min_value": 0, "max_value": 120, "include_min": True, "include_max": True}
    assert [bounds[name]["max_value"] for name in ("city", "colour", "y")] == [2, 1, 1]


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (0, "", ""),
        (0, "NA", ""),
        (0, "121", "'121' in age is not a number from 0 to 120"),
        (0, "many", "'many' in age is not a number from 0 to 120"),
        (1, "Jeju", ""),
        (1, "", "unseen category '' in city"),
        (2, "green", "unseen category 'green' in colour"),
        (3, "", ""),
        (3, "2023-02-29", "'2023-02-29' in since is not a date like %Y-%m-%d"),
        (3, "29.02.2024", "'29.02.2024' in since is not a date like %Y-%m-%d"),
        (4, "", "unknown label '' in y"),
    ],
)
def test_row_is_bad_for_a_value_that_its_column_does_not_take(place, value, reason):
    row = [*GOOD[:place], value, *GOOD[place + 1 :]]
    assert reasons_of(GOOD, row) == ["", reason]


def test_first_reason_of_a_row_is_given():
    assert reasons_of(("x", "Jeju", "green", "x", "maybe"), GOOD) == ["'x' in age is not a number from 0 to 120", ""]


def test_regression_needs_a_number(tmp_path):
    changes = {"task": "regression", "labels": []}
    assert reasons_of((*GOOD[:4], "1.5"), (*GOOD[:4], "no"), (*GOOD[:4], ""), **changes) == [
        "",
        "'no' in y is not a number",
        "'' in y is not a number",
    ]


def test_differences_are_a_phrase_a_column():
    chunks = [
        table_of(GOOD, ("x", "Jeju", "green", "", "no")),
        table_of(("130", "", "black", "soon", "maybe"), ("7", "", "green", "soon", "yes")),
    ]
    assert differences(chunks, dataset_of()) == [
        "2 rows with no number within the bounds in 'age' ('x', '130')",
        "2 rows with no value of 'city' ('')",
        "3 rows with a new category of 'colour' ('green', 'black')",
        "2 rows with no date like %Y-%m-%d in 'since' ('soon')",
        "1 row with a new category of 'y' ('maybe')",
    ]
    assert differences([table_of(GOOD)], dataset_of()) == []


@pytest.fixture
def large(tmp_path, monkeypatch):
    """A table of several chunks, two of its 25 rows bad."""
    rows = [(str(row), "Busan", "red", "", "no" if row % 2 else "yes") for row in range(25)]
    rows[3], rows[21] = ("x", *rows[3][1:]), (*rows[21][:4], "maybe")
    monkeypatch.chdir(tmp_path)
    table_of(*rows).assign(patient=[f"p{row // 4}" for row in range(25)]).to_csv("my.csv", index=False)
    monkeypatch.setattr("twintrain.data.readers.table.CHUNK_ROWS", 4)
    return [Path("my.csv")]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_group_is_the_same_one_in_every_chunk(ending, tmp_path):
    """Parquet gives whole numbers as text in a chunk where some are missing."""
    table = table_of(*[GOOD] * 5, (*GOOD[:4], "yes")).assign(patient=pd.array([1, 2, 1, None, None, 2], "Int64"))
    path = tmp_path / f"my.{ending}"
    table.to_csv(path, index=False) if ending == "csv" else table.to_parquet(path, row_group_size=2)
    assert read_raw([path], dataset_of(), "error", group="patient").group.tolist() == [0, 1, 0, 2, 2, 1]


def test_chunks_are_together_what_the_whole_table_is(large, monkeypatch):
    reading = Reading(paths=large, dataset=dataset_of(), bad_rows="drop", group="patient")
    chunks = [chunk for piece in reading.pieces() for chunk in reading.chunks(piece, Tally())]
    chunked = read_raw(large, dataset_of(), "drop", group="patient")
    monkeypatch.setattr("twintrain.data.readers.table.CHUNK_ROWS", 1000)
    whole = read_raw(large, dataset_of(), "drop", group="patient")
    assert [len(chunk.labels) for chunk in chunks] == [3, 4, 4, 4, 4, 3, 1]
    pd.testing.assert_frame_equal(chunked.table, whole.table)
    np.testing.assert_array_equal(chunked.labels, whole.labels, strict=True)
    np.testing.assert_array_equal(chunked.group, whole.group, strict=True)
    assert (
        chunked.rejected.to_dict()
        == whole.rejected.to_dict()
        == {
            4: "'x' in age is not a number from 0 to 120",
            22: "unknown label 'maybe' in y",
        }
    )
    assert whole.group.tolist() == [row // 4 for row in range(25) if row not in (3, 21)]


def test_bad_rows_of_all_chunks_are_counted(large, error_of):
    assert error_of(read_raw, large, dataset_of(), "error") == (
        "my.csv: 2 bad rows (row 4: 'x' in age is not a number from 0 to 120; row 22: unknown label 'maybe' in y); "
        "mend them, or set them aside: ingest.bad_rows: drop"
    )


def test_only_class_of_all_chunks_is_refused(large, error_of):
    text = Path("my.csv").read_text("utf-8").replace(",yes,", ",no,")
    Path("my.csv").write_text(text, "utf-8")
    assert error_of(read_raw, large, dataset_of(), "drop") == (
        "my.csv: expected at least two classes, got only 'no'; there is nothing to learn"
    )


@pytest.mark.parametrize(
    ("time", "message"),
    [
        (
            "sinc",
            "split.time: 'sinc' is no feature of Demo; did you mean 'since'? (with used: false, the network does ",
        ),
        ("since", "split.time: expected numbers or dates without missing ones in 'since'"),
        ("colour", "split.time: expected numbers or dates without missing ones in 'colour'"),
    ],
)
def test_rows_are_put_in_order_by_numbers_or_dates(time, message, large, error_of):
    assert error_of(read_raw, large, dataset_of(), "drop", time=time).startswith(message)


def test_unused_column_is_read_and_not_encoded():
    dataset = dataset_of(features={"x": "numeric", "day": {"used": False}})
    assert list(dataset.columns) == ["x", "day", "y"]
    assert dataset.inputs == {"x": Feature()}
