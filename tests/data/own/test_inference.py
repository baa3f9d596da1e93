"""A table that nobody described, as it comes out of somebody's spreadsheet."""

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from twintrain.data.dataset import Dataset
from twintrain.data.own.first_settings import first_settings
from twintrain.data.own.inference import infer_table
from twintrain.data.own.wishes import Wishes
from twintrain.data.readers.reading import read_raw
from twintrain.settings.yaml_files import validated

ROWS = 400


@pytest.fixture(scope="module")
def messy():
    rng = np.random.default_rng(0)
    bought = rng.permutation(np.repeat(["ja", "nein"], [80, 320]))
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1000, ROWS), unit="D")
    table = pd.DataFrame(
        {
            "id": np.arange(1000, 1000 + ROWS),
            "alter": rng.integers(18, 80, ROWS).astype(str),
            "größe": [f"{size:.2f}".replace(".", ",") for size in rng.normal(0, 0.1, ROWS)],
            "stadt": [*["Köln", "München"] * 199, "Ulm", "Jena"],
            "plz": rng.choice(["01067", "04103"], ROWS),
            "seit": days.strftime("%d.%m.%Y"),
            "land": "DE",
            "name": [f"Person; {row}" for row in range(ROWS)],
            "bezahlt": np.where(bought == "ja", "x", "o"),
            "leer": "",
            "kauf": bought,
        }
    )
    table.loc[:27, "alter"] = ["", "NA"] * 14
    table.loc[[3, 9], "kauf"] = ["", "vielleicht"]
    return table


def written(table, path, **how):
    table.to_csv(path, index=False, **how)
    return path


@pytest.fixture
def found(messy, tmp_path):
    return infer_table(written(messy, tmp_path / "my.csv", sep=";", encoding="latin-1"), Wishes("kauf"))


def test_columns_of_a_messy_table_are_found(found):
    assert found.description == {
        "task": "binary",
        "format": "table",
        "delimiter": ";",
        "encoding": "cp1252",
        "decimal": ",",
        "target": "kauf",
        "labels": ["ja", "nein"],
        "features": {
            "alter": {"min": 0.0, "missing": True},
            "größe": "numeric",
            "stadt": {"categories": ["Köln", "München"], "other": True},
            "plz": {"categories": ["01067", "04103"], "other": True},
            "seit": {"date": "%d.%m.%Y"},
            "bezahlt": {"categories": ["o", "x"], "other": True},
        },
    }
    assert (found.rows, found.bad_rows, found.smallest_class) == (400, 2, 80)


def test_what_is_left_out_says_why(found):
    assert [(name, note) for name, taken_as, note in found.lines if taken_as == "left out"] == [
        ("id", "identifier-like: another whole number in every row"),
        ("land", "constant: always 'DE'"),
        ("name", "free text or identifier-like: 400 different values"),
        ("leer", "empty"),
    ]
    assert ("stadt", "2 categories", "2 rare values taken as other") in found.lines
    assert ("alter", "number", "28 missing") in found.lines


def test_user_is_told_what_to_look_at(found):
    assert found.warnings == [
        "1 class of fewer than 5 rows left out ('vielleicht'): 1 row set aside",
        "the classes are imbalanced: 'nein' has 318 rows, 'ja' 80; train.loss.class_weights: balanced weighs them",
        "1 row without 'kauf', set aside",
        "'bezahlt' alone predicts 'kauf' (balanced accuracy 1.000): is it known before 'kauf' is? If not, it leaks; "
        "take it out of the features",
    ]


def test_description_reads_the_very_table(found, tmp_path):
    described = {"title": "my", "origin": "test", "licence": "none", "files": {"my.csv": ""}, **found.description}
    data = read_raw([tmp_path / "my.csv"], validated(Dataset, described, "my.yaml"), "drop")
    assert len(data.labels) == 398
    assert data.rejected.to_dict() == {4: "unknown label '' in kauf", 10: "unknown label 'vielleicht' in kauf"}
    assert data.table["alter"].isna().sum() == 26  # the two rows set aside have no age either
    assert data.table["seit"].dt.year.between(2020, 2022).all()


def test_points_are_no_thousands_where_they_do_not_stand_between_them(tmp_path):
    """A column with points among columns with commas would be ten times as large, or a hundred."""
    rng = np.random.default_rng(0)
    table = small_table(a=[f"{v:.2f}".replace(".", ",") for v in rng.normal(size=60)], b=rng.normal(size=60).round(2))
    table["x"] = table["x"].astype(str).str.replace(".", ",")
    found = infer_table(written(table, tmp_path / "my.csv", sep=";"), Wishes("y"))
    assert (found.description["decimal"], list(found.description["features"])) == (",", ["x", "a"])
    assert ("b", "left out", "free text or identifier-like: 57 different values") in found.lines


def small_table(**columns):
    rng = np.random.default_rng(1)
    return pd.DataFrame({"x": rng.normal(size=60).round(3), "y": ["a", "b"] * 30, **columns})


REVIEWS = [f"It was {'not ' * (row % 2)}good, number {row}" for row in range(60)]


def test_text_is_what_is_left_to_predict_from(tmp_path):
    table = pd.DataFrame({"id": range(60), "review": REVIEWS, "y": ["a", "b"] * 30})
    table.loc[7, "review"] = "word " * 10_000
    found = infer_table(written(table, tmp_path / "my.csv"), Wishes("y"))
    assert found.description["features"] == {"review": {"text": {"length": 7}}}
    assert ("review", "text, 7 words of it", "up to 10,000 words") in found.lines
    settings = first_settings("my", found, Wishes("y"))
    assert (settings["model"], settings["split"]["scale"]) == ("text_lstm", "none")


@pytest.mark.parametrize(
    ("others", "kept", "beside"),
    [
        ({"notes": [f"{row} so it is, all in all" for row in range(60)]}, ["notes"], "another one"),
        ({"age": range(1, 121, 2)}, ["age"], "other columns"),
    ],
)
def test_text_beside_other_columns_is_left_out(others, kept, beside, tmp_path):
    table = pd.DataFrame({"review": REVIEWS, **others, "y": ["a", "b"] * 30})
    found = infer_table(written(table, tmp_path / "my.csv"), Wishes("y"))
    assert list(found.description["features"]) == kept
    left_out = f"text beside {beside}; a network reads one alone (docs/your-data.md#texts)"
    assert ("review", "left out", left_out) in found.lines


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".csv.gz", ".zip", ".parquet"])
def test_every_form_of_a_table_is_found_the_same(ending, tmp_path):
    table = small_table(kind=["red", "green", "blue"] * 20, when=pd.date_range("2024-01-01", periods=60))
    path = tmp_path / f"my{ending}"
    text = table.to_csv(index=False, sep="\t" if ending == ".tsv" else ",").encode()
    if ending == ".parquet":
        table.to_parquet(path)
    elif ending == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inner.csv", text)
    else:
        path.write_bytes(gzip.compress(text) if ending == ".csv.gz" else text)
    found = infer_table(path, Wishes("y"))
    assert found.description["features"] == {
        "x": "numeric",
        "kind": {"categories": ["blue", "green", "red"], "other": True},
        "when": {"date": "%Y-%m-%d"},
    }
    described = {"title": "my", "origin": "test", "licence": "none", "files": {path.name: ""}, **found.description}
    data = read_raw([path], validated(Dataset, described, "my.yaml"), "error")
    assert data.table["x"].tolist() == table["x"].tolist()
    assert data.table["when"].tolist() == table["when"].tolist()
    assert data.labels.tolist() == [0, 1] * 30


@pytest.mark.parametrize(
    ("target", "task", "expected"),
    [
        (["yes", "no"] * 30, None, "binary"),
        (["1", "2", "3"] * 20, None, "multiclass"),
        (["1", "2", "3"] * 20, "regression", "regression"),
        ([f"{value / 7:.3f}" for value in range(60)], None, "regression"),
        ([str(value * value) for value in range(60)], None, "regression"),
        (["0.0", "1.0"] * 30, None, "binary"),
        ([f"{value}.5" for value in range(3)] * 20, "classes", "multiclass"),
    ],
)
def test_task_follows_from_the_target_unless_the_user_says_so(target, task, expected, tmp_path):
    found = infer_table(written(small_table(y=target), tmp_path / "my.csv"), Wishes("y", task))
    assert found.description["task"] == expected
    assert found.description.get("labels", []) == (sorted(set(target)) if expected != "regression" else [])


@pytest.mark.parametrize(
    ("dates", "form", "note"),
    [
        (["2024-01-31", "2023-12-01"], "%Y-%m-%d", ""),
        (["31/01/2024", "01/02/2024"], "%d/%m/%Y", ""),
        (["01/31/2024", "02/01/2024"], "%m/%d/%Y", ""),
        (["01/03/2024", "02/01/2024"], "%d/%m/%Y", "read as %d/%m/%Y, and %m/%d/%Y would fit too"),
        (["2024-01-31T10:00:00", "2023-12-01T23:59:59"], "%Y-%m-%dT%H:%M:%S", ""),
        (["31 Jan 2024", ""], "%d %b %Y", "30 missing"),
    ],
)
def test_dates_are_found_as_they_are_written(dates, form, note, tmp_path):
    found = infer_table(written(small_table(when=dates * 30), tmp_path / "my.csv"), Wishes("y"))
    assert found.description["features"]["when"]["date"] == form
    assert ("when", f"date ({form})", note) in found.lines


@pytest.mark.parametrize(
    ("name", "values", "kept"),
    [
        ("row", range(60), False),
        ("user_id", range(0, 6000, 100), False),
        ("weight", range(0, 6000, 100), True),
        ("price", np.linspace(0, 1, 60), True),
        ("grade", [1, 2, 3] * 20, True),
    ],
)
def test_whole_numbers_are_identifiers_by_name_or_sequence(name, values, kept, tmp_path):
    found = infer_table(written(small_table(**{name: values}), tmp_path / "my.csv"), Wishes("y"))
    assert (name in found.description["features"]) == kept


def test_groups_and_times_are_kept_from_the_network(tmp_path):
    table = small_table(patient=np.repeat([f"p{number}" for number in range(12)], 5), day=range(60))
    found = infer_table(written(table, tmp_path / "my.csv"), Wishes("y", group="patient", time="day"))
    assert found.description["features"] == {"x": "numeric", "day": {"used": False}}
    assert found.lines[2:] == [
        ("patient", "left out", "tells groups of rows apart"),
        ("day", "number, not given to the network", "puts the rows in order"),
    ]


@pytest.mark.parametrize(
    ("text", "target", "message"),
    [
        ("a,b\n1,x\n", None, "which column of my.csv is to be predicted? expected --target NAME; known: a, b"),
        ("age,y\n1,x\n", "agee", "my.csv has no column 'agee'; did you mean 'age'?"),
        ("a,y\n", "y", "my.csv has no rows"),
        (
            "PK\3\4\0\0",
            "y",
            "my.csv is no table of text: it holds zero bytes; expected lines of separated text",
        ),
        ("", "y", "my.csv has no rows"),
        ("a,a,y\n1,2,x\n", "y", "my.csv: column 'a' is there twice; expected each name once"),
        (
            "1,2\n3,4\n",
            "y",
            "my.csv: its first line holds data, so its columns are called 0 to 1; expected --target 1, or last, got y; "
            "--header first takes that line for names",
        ),
        ("a,y\n" + "1,\n" * 9, "y", "my.csv: 'y' has no values, so nothing can be learned"),
        (
            "a,y\n" + "1,x\n" * 9 + "2,z\n",
            "y",
            "my.csv: expected at least two classes of 5 rows in 'y', got 1 among 2 different values",
        ),
        (
            "a,y\n" + "1,x\n2,None\n" * 9,
            "y",
            "my.csv: expected at least two classes of 5 rows in 'y', got 1 among 1 different values, and 9 rows of no "
            "value: NA, N/A, n/a, #N/A, NaN, nan, NULL, null, None, ?, -",
        ),
        (
            "a,y\n" + "1,x\n1,z\n" * 9,
            "y",
            "my.csv: no column is left to predict 'y' from (a: constant: always '1')",
        ),
    ],
)
def test_unusable_table_is_one_line(text, target, message, tmp_path, monkeypatch, error_of):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.csv").write_text(text, encoding="utf-8")
    assert error_of(infer_table, Path("my.csv"), Wishes(target)) == message


def test_text_cannot_be_a_regression(tmp_path, monkeypatch, error_of):
    path = written(small_table(), tmp_path / "my.csv")
    assert error_of(infer_table, path, Wishes("y", "regression")) == (
        f"{path}: --task regression needs numbers, and 'y' has text"
    )


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("utf-8", "Zürich"), ("utf-8-sig", "Zürich"), ("utf-16", "Zürich"), ("cp949", "서울특별시")],
)
def test_encoding_is_found(encoding, text, tmp_path):
    table = small_table(place=[text, "Bern"] * 30)
    path = tmp_path / "my.csv"
    path.write_bytes(table.to_csv(index=False).encode(encoding))
    found = infer_table(path, Wishes("y"))
    assert found.description["features"]["place"]["categories"] == sorted([text, "Bern"])


def test_lines_within_quotes_and_windows_line_ends_do_not_matter(tmp_path):
    table = small_table(note=['two\nlines, "quoted"', "plain"] * 30)
    buffer = io.StringIO()
    table.to_csv(buffer, index=False, lineterminator="\r\n")
    path = tmp_path / "my.csv"
    path.write_bytes(buffer.getvalue().encode())
    assert infer_table(path, Wishes("y")).description["features"]["note"]["categories"] == [
        "plain",
        'two\nlines, "quoted"',
    ]


def test_columns_without_a_name_are_left_out_as_the_numbers_of_the_rows(tmp_path):
    """As pandas writes a table that it read with the numbers of its rows."""
    path = tmp_path / "my.csv"
    small_table(**{"Unnamed: 0": range(60)})[["Unnamed: 0", "x", "y"]].to_csv(path)
    found = infer_table(path, Wishes("y"))
    assert list(found.description["features"]) == ["x"]
    assert [name for name, taken_as, _ in found.lines if taken_as == "left out"] == ["Unnamed: 0.1", "Unnamed: 0"]


def test_table_of_several_chunks_is_found_as_a_whole(tmp_path, monkeypatch):
    table = small_table(kind=["red"] * 50 + ["blue"] * 10, size=["1"] * 59 + [""])
    whole = infer_table(written(table, tmp_path / "my.csv"), Wishes("y"))
    monkeypatch.setattr("twintrain.data.own.inference.CHUNK_ROWS", 7)
    assert infer_table(tmp_path / "my.csv", Wishes("y")) == whole
    assert whole.description["features"]["kind"]["categories"] == ["blue", "red"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"hello", "is not a readable Parquet file: "),
        (b"PAR1" + b"\0" * 20 + b"PAR1", "is not a readable Parquet file"),
    ],
)
def test_damaged_parquet_is_one_line(content, message, tmp_path, error_of):
    path = tmp_path / "my.parquet"
    path.write_bytes(content)
    found = error_of(infer_table, path, Wishes("y"))
    assert found.startswith(f"{path} {message}")
    assert len(found.splitlines()) == 1


def test_whole_numbers_of_parquet_may_be_classes_and_may_be_missing(tmp_path):
    table = small_table(y=pd.array([0, 1, 2] * 20, "Int64"), grade=pd.array([1, 2, None] * 20, "Int64"))
    path = tmp_path / "my.parquet"
    table.to_parquet(path)
    found = infer_table(path, Wishes("y"))
    assert found.description["labels"] == ["0", "1", "2"]
    assert found.description["features"]["grade"] == {"min": 0.0, "missing": True}
    described = {"title": "my", "origin": "test", "licence": "none", "files": {path.name: ""}, **found.description}
    data = read_raw([path], validated(Dataset, described, "my.yaml"), "error")
    assert data.labels.tolist() == [0, 1, 2] * 20
    assert data.table["grade"].isna().sum() == 20


def test_dates_of_parquet_with_a_time_zone_are_as_the_clock_showed(tmp_path):
    when = pd.date_range("2024-01-01 23:30", periods=60, tz="Europe/Berlin")
    path = tmp_path / "my.parquet"
    small_table(when=when).to_parquet(path)
    found = infer_table(path, Wishes("y"))
    described = {"title": "my", "origin": "test", "licence": "none", "files": {path.name: ""}, **found.description}
    data = read_raw([path], validated(Dataset, described, "my.yaml"), "error")
    assert data.table["when"].tolist() == when.tz_localize(None).tolist()


def test_numbers_above_dates_are_neither(tmp_path, monkeypatch):
    table = small_table(when=["7"] * 30 + ["2024-01-01"] * 30)
    monkeypatch.setattr("twintrain.data.own.inference.CHUNK_ROWS", 30)
    found = infer_table(written(table, tmp_path / "my.csv"), Wishes("y"))
    assert found.description["features"]["when"] == {"categories": ["7", "2024-01-01"], "other": True}
