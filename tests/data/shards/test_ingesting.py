"""Shards: whoever makes them, they are the same bytes, and together what one process reads."""

import importlib.util
import json
import multiprocessing
import zipfile
from concurrent.futures import ProcessPoolExecutor, wait
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from twintrain.data.dataset import Dataset, load_dataset
from twintrain.data.files import folder_digest
from twintrain.data.raw_rows import raw_rows, row_values
from twintrain.data.readers.reading import Reading, read_raw
from twintrain.data.shards import engines, ingesting, ray_program
from twintrain.data.shards.ingesting import ingest_shards
from twintrain.data.shards.making import Job, save_job
from twintrain.data.shards.manifest import read_manifest, shard_store
from twintrain.settings.sections.data import Ingest
from twintrain.system import project

ROOT = Path(__file__).resolve().parents[3]
AIRLINE = ROOT.parent / "shared/data/airline/airlines-customer-satisfaction.zip"
FOLDER = project.INGESTED
DATASET = Dataset(
    title="Demo",
    origin="tests",
    licence="none",
    task="multiclass",
    format="table",
    files={"my.csv": ""},
    target="y",
    labels=["no", "yes", "maybe"],
    features={
        "age": {"min": 0.0, "max": 120.0, "missing": True},
        "city": {"categories": ["Busan", "Seoul"], "other": True},
        "since": {"date": "%Y-%m-%d", "missing": True},
    },
)
CHUNK = "twintrain.data.readers.table.CHUNK_ROWS"
DOCTOR = "my.csv: column 'doctor' is missing; known: age, city, patient, since, y"
ROWS = 25
BAD = (3, 21)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A project with a table of seven pieces, two of its rows bad; the first classes come in the first pieces alone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(CHUNK, 4)
    table = pd.DataFrame(
        {
            "age": [f"{row}.1" if row % 5 else "" for row in range(ROWS)],
            "city": [["Busan", "seoul", "Jeju, the island\nof winds"][row % 3] for row in range(ROWS)],
            "since": "2024-02-29",
            "patient": [f"p{(row * 7) % 5}" for row in range(ROWS)],
            "y": ["no"] * 4 + [["yes", "maybe"][row % 2] for row in range(4, ROWS)],
        }
    )
    table.loc[BAD[0], "age"], table.loc[BAD[1], "y"] = "x", "perhaps"
    table.to_csv("my.csv", index=False)
    return tmp_path


def reading(**changes) -> Reading:
    return Reading(**{"paths": [Path("my.csv")], "dataset": DATASET, "bad_rows": "drop", "group": "patient", **changes})


def whole(monkeypatch, **changes):
    """What one reader makes of the whole table at once."""
    with monkeypatch.context() as patch:
        patch.setattr(CHUNK, 1000)
        given = {**dict(reading()), **changes}
        return read_raw(**given)


def ingested() -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    index = np.arange(read_manifest(FOLDER).rows)
    return raw_rows(FOLDER, index), row_values(FOLDER, "labels", index), row_values(FOLDER, "group", index)


@pytest.mark.parametrize("classes", [None, ["maybe", "yes"]])
@pytest.mark.parametrize("pin", ["bytes", "manifest"])
def test_shards_together_are_what_one_reader_makes_of_the_table(pin, classes, monkeypatch):
    found = ingest_shards(reading(classes=classes), Ingest(pin=pin), FOLDER)
    expected = whole(monkeypatch, classes=classes)
    table, labels, group = ingested()
    pd.testing.assert_frame_equal(table, expected.table, check_dtype=False)
    np.testing.assert_array_equal(labels, expected.labels, strict=True)
    np.testing.assert_array_equal(group, expected.group, strict=True)
    assert found.rejected.to_dict() == {
        4: "'x' in age is not a number from 0 to 120",
        22: "unknown label 'perhaps' in y",
    }
    # The first piece has none of the other two classes.
    assert [shard.name for shard in found.manifest.shards] == [f"{i:05d}" for i in range(classes is not None, 7)]
    assert found.manifest == read_manifest(FOLDER)
    assert not project.INGESTING.exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"bad_rows": "error"},
            "my.csv: 2 bad rows (row 4: 'x' in age is not a number from 0 to 120; row 22: unknown label 'perhaps' in y)"
            "; mend them, or set them aside: ingest.bad_rows: drop",
        ),
        ({"group": "doctor"}, DOCTOR),
        ({"time": "since"}, "split.time: expected numbers or dates without missing ones in 'since'"),
    ],
)
def test_what_is_refused_is_refused_before_anything_is_written(changes, said, error_of):
    ingest_shards(reading(), Ingest(), FOLDER)
    before = folder_digest(FOLDER)
    assert error_of(ingest_shards, reading(**changes), Ingest(), FOLDER) == said
    assert folder_digest(FOLDER) == before
    assert not project.INGESTING.exists()


def test_manifest_is_the_same_whether_dvc_keeps_the_bytes_or_not(place):
    listed = [ingest_shards(reading(), Ingest(pin=pin), FOLDER).manifest.shards for pin in ("bytes", "manifest")]
    assert listed[0] == listed[1]
    assert sorted(path.name for path in FOLDER.iterdir()) == ["manifest.json"]
    assert {path.name for path in shard_store().iterdir()} == {shard.sha256 for shard in listed[0]}


def test_a_store_in_the_cache_that_dvc_shares(place):
    (place / ".dvc").mkdir()
    (place / ".dvc/config").write_text("[core]\n    remote = x\n['remote \"x\"']\n    url = 100%\n")
    assert shard_store() == Path(".dvc/cache/shards")
    (place / ".dvc/config").write_text("[cache]\n    dir = ../../shared\n")
    assert shard_store().resolve() == (place.parent / "shared/shards").resolve()
    (place / ".dvc/config.local").write_text("[cache]\n    dir = /mnt/cache\n")
    assert shard_store() == Path("/mnt/cache/shards")


def test_ingest_mends_a_shard_that_was_altered_or_lost(error_of):
    shards = ingest_shards(reading(), Ingest(pin="manifest"), FOLDER).manifest.shards
    first, last = (shard_store() / shards[number].sha256 for number in (0, -1))
    index = np.arange(ROWS - len(BAD))
    (first / "labels.npy").write_bytes((first / "labels.npy").read_bytes()[:-8] + b"changed.")
    assert error_of(raw_rows, FOLDER, index).startswith(
        f"{first} is damaged: expected sha256 {first.name[:12]}…, as build/ingested/manifest.json lists it, got "
    )
    raw_rows(FOLDER, index[3:])  # of other shards
    for file in last.iterdir():
        file.unlink()
    last.rmdir()
    assert error_of(row_values, FOLDER, "labels", index[-1:]) == (
        f"{last}, a shard that build/ingested/manifest.json lists, is missing; make it anew: dvc repro --force ingest"
    )
    assert ingest_shards(reading(), Ingest(pin="manifest"), FOLDER).manifest.shards == shards
    assert len(raw_rows(FOLDER, index)) == len(index)


@pytest.mark.parametrize("first", ["no", "maybe"])
def test_only_class_of_all_pieces_is_refused(first, error_of):
    Path("my.csv").write_text("age,city,since,patient,y\n" + f"1,Busan,,p,{first}\n" * 9)
    assert error_of(ingest_shards, reading(), Ingest(), FOLDER) == (
        f"my.csv: expected at least two classes, got only '{first}'; there is nothing to learn"
    )


def test_the_sample_is_even_and_small(monkeypatch):
    files = [Path(f"{name}.csv") for name in "xy"]
    for path, rows in zip(files, (4000, 400), strict=True):
        lines = [
            f"{row % 100},{['Busan', 'Seoul'][path.name == 'y.csv']},,p,{['no', 'yes'][row % 2]}" for row in range(rows)
        ]
        path.write_text("\n".join(["age,city,since,patient,y", *lines]))
    monkeypatch.setattr(CHUNK, 1000)
    monkeypatch.setattr(ingesting, "DRAWN_ROWS", 2200)
    counts = ingest_shards(reading(paths=files), Ingest(), FOLDER).sample["city"].value_counts()
    assert 800 < counts["Busan"] + counts["Seoul"] <= 2200
    assert 0.07 < counts["Seoul"] / counts["Busan"] < 0.13


@pytest.mark.slow
def test_two_processes_make_what_one_makes(error_of):
    alone = ingest_shards(reading(), Ingest(), FOLDER)
    made = folder_digest(FOLDER)
    together = ingest_shards(reading(), Ingest(workers=2), FOLDER)
    assert folder_digest(FOLDER) == made
    pd.testing.assert_series_equal(together.rejected, alone.rejected)
    pd.testing.assert_frame_equal(together.sample, alone.sample)
    said = [error_of(ingest_shards, reading(group="doctor"), Ingest(workers=workers), FOLDER) for workers in (1, 2)]
    assert said == [DOCTOR, DOCTOR]


@pytest.mark.parametrize("submitted", [1, 7], ids=["while pieces are handed out", "while they are made"])
def test_a_worker_that_is_killed_is_one_line(error_of, monkeypatch, submitted):
    hand_out, handed_out = ProcessPoolExecutor.submit, []

    def submit(pool, *work):
        handed_out.append(hand_out(pool, *work))
        if len(handed_out) == submitted:
            multiprocessing.active_children()[0].kill()
            wait(handed_out)
        return handed_out[-1]

    monkeypatch.setattr(ProcessPoolExecutor, "submit", submit)
    assert error_of(ingest_shards, reading(), Ingest(workers=2), FOLDER) == (
        "a worker of the ingest was killed; expected memory for all: fewer take less, ingest.workers"
    )
    assert not project.INGESTING.exists()
    assert multiprocessing.active_children() == []


def test_ray_asks_for_ray(monkeypatch, error_of):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert error_of(ingest_shards, reading(), Ingest(engine="ray"), FOLDER) == (
        "ingest.engine: ray needs Ray, which is not installed; type: python -m pip install -r requirements-ray.txt"
    )


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: requirements-ray.txt")
def test_ray_data_makes_of_the_airline_table_what_one_process_makes(place, monkeypatch, error_of):
    if not AIRLINE.is_file():
        pytest.skip(f"{AIRLINE} is not there")
    zipfile.ZipFile(AIRLINE).extractall(place)
    monkeypatch.setattr(CHUNK, 100_000)
    with monkeypatch.context() as patch:
        patch.chdir(ROOT)
        dataset = load_dataset("airline")
    table = Reading(paths=[place / name for name in dataset.files], dataset=dataset, bad_rows="error")
    alone = ingest_shards(table, Ingest(), FOLDER)
    made = folder_digest(FOLDER)
    together = ingest_shards(table, Ingest(engine="ray", workers=2), FOLDER)
    assert [shard.rows for shard in together.manifest.shards] == [100_000, 29_880]
    assert folder_digest(FOLDER) == made
    pd.testing.assert_frame_equal(together.sample, alone.sample)


def test_what_a_task_of_ray_refuses_is_a_row_of_its_own(place):
    save_job(Job(reading=reading(group="doctor"), pieces=reading().pieces(), drawn=9), place)
    row = {"number": 0}
    assert ray_program._make(row, str(place), str(place)) == {"number": 0, "refusal": DOCTOR}


@pytest.mark.parametrize(
    ("program", "line"),
    [
        ("print('error: my.csv is bad\\nbye', file=sys.stderr)", "my.csv is bad"),
        ("print('node1 is gone')", "the ingest on Ray has failed: node1 is gone"),
        ("pass", "the ingest on Ray has failed: it said nothing"),
    ],
)
def test_what_ray_says_last_is_one_line(program, line, monkeypatch, error_of):
    monkeypatch.setattr(engines, "check_ray", lambda setting: None)
    monkeypatch.setattr(engines, "RAY_PROGRAM", ("-c", f"import sys; {program}; sys.exit(1)"))
    assert error_of(ingest_shards, reading(), Ingest(engine="ray"), FOLDER) == line
    assert not project.INGESTING.exists()


def test_manifest_says_of_each_shard_what_it_is():
    ingest_shards(reading(), Ingest(), FOLDER)
    listed = json.loads((FOLDER / "manifest.json").read_text())["shards"][1]
    place = FOLDER / "00001"
    size = sum(file.stat().st_size for file in place.iterdir())
    assert listed == {"name": "00001", "rows": 4, "bytes": size, "sha256": folder_digest(place)}
