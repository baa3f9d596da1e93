"""Damaged files behind every stage and command: each is one line that names the file and what makes it anew."""

import contextlib
import io
import os
import re
from pathlib import Path

import numpy as np
import pytest
from made_project import make_project
from project_clone import ROOT
from refusals import Refusals


def npy(array):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


NOT_FILES = {"a folder": Path.mkdir, "a FIFO": os.mkfifo}
HUGE = npy(np.zeros(3)).replace(b"(3,), }          ", b"(30000000000,), }")
JSON = {
    "empty": b"",
    "cut off": lambda whole: whole[: len(whole) // 2],
    "no JSON": b"run_id: 3",
    "bytes": b"\xff\xfe\x00{",
    "a list": b"[1, 2]",
    "a number": b"3",
    "nothing in it": b"{}",
    "not a number": b'{"a": NaN}',
    "infinite": b'{"a": -Infinity}',
    "deep": b"[" * 100_000,
    "thousands of digits": b'{"a": ' + b"1" * 5000 + b"}",
    **NOT_FILES,
}
NPY = {
    "empty": b"",
    "cut off": lambda whole: whole[:-4],
    "cut off in its header": lambda whole: whole[:20],
    "text": b"1 2 3",
    "objects": npy(np.array([{}, None], dtype=object)),
    "a pickle": b"\x80\x04K\x01.",
    "a single number": npy(np.array(3)),
    "words": npy(np.array(["a", "b"])),
    "larger than said": HUGE,
    "an archive": npz(a=np.zeros(3)),
    **NOT_FILES,
}
NPZ = {
    "empty": b"",
    "cut off": lambda whole: whole[: len(whole) // 2],
    "text": b"1 2 3",
    "an array": npy(np.zeros(3)),
    "nothing in it": npz(),
    "other arrays": npz(a=np.zeros(3)),
    "single numbers": npz(index=np.array(1), label=np.array(1), probability=np.array(0.5)),
    "objects": npz(index=np.array([{}], dtype=object), label=np.zeros(1), probability=np.zeros((1, 2))),
    "other rows": npz(index=np.arange(3), label=np.zeros(2, int), probability=np.zeros((3, 2))),
    "fractions of rows": npz(index=np.zeros(3), label=np.zeros(3, int), probability=np.zeros((3, 2))),
    "words": npz(index=np.array(["a"]), label=np.array(["b"]), probability=np.array(["c"])),
    **NOT_FILES,
}
PARQUET = {
    "empty": b"",
    "cut off": lambda whole: whole[: len(whole) // 2],
    "text": b"x1,x2,y\n0,0,0\n",
    **NOT_FILES,
}
CSV = {
    "empty": b"",
    "other columns": b"a,b\n1,2\n",
    "words": b"epoch,train_loss,val_loss\n1,x,y\n",
    "no rows": b"epoch,train_loss,val_loss\n",
    "bytes": b"\xff\xfe\x00",
    **NOT_FILES,
}

# What is damaged, the command that reads it, how, and what makes it anew.
FILES = [
    ("build/ingested/manifest.json", "preprocess", JSON, "dvc repro --force ingest"),
    ("build/ingested/dataset.json", "preprocess", JSON, "dvc repro --force ingest"),
    ("build/ingested/00000/table.parquet", "preprocess", PARQUET, "dvc repro --force ingest"),
    ("build/preprocessed/schema.json", "split", JSON, "dvc repro --force preprocess"),
    ("build/preprocessed/features.npy", "split", NPY, "dvc repro --force preprocess"),
    ("build/split/scaler.json", "baseline", JSON, "dvc repro --force split"),
    ("build/split/train/features.npy", "baseline", NPY, "dvc repro --force split"),
    ("build/split/schema.json", "train torch", JSON, "dvc repro --force split"),
    ("build/split/val/labels.npy", "train keras", NPY, "dvc repro --force split"),
    ("build/split/train/index.npy", "drift --input new.csv", NPY, "dvc repro --force split"),
    ("build/train/keras/run.json", "compare", JSON, "dvc repro --force train@keras"),
    ("build/train/torch/training.json", "compare", JSON, "dvc repro --force train@torch"),
    ("build/train/torch/history.csv", "compare", CSV, "dvc repro --force train@torch"),
    ("build/evaluate/torch/metrics.json", "compare", JSON, "dvc repro --force evaluate@torch"),
    ("build/evaluate/keras/predictions.npz", "compare", NPZ, "dvc repro --force evaluate@keras"),
    ("build/cost.json", "compare", JSON, "dvc repro --force cost"),
    ("build/baseline/metrics.json", "compare", JSON, "dvc repro --force baseline"),
    ("build/ingested/00000/labels.npy", "compare", NPY, "dvc repro --force ingest"),
    ("results/parity.json", "compare", JSON, "dvc repro --force verify"),
    ("results/metrics.json", "demo", JSON, "dvc repro --force compare"),
]
# What does not need to hold anything.
HARMLESS = {("build/evaluate/torch/metrics.json", "nothing in it")}
# Every third row is a fast test: each file and each damage is among them.
ROWS = [
    pytest.param(
        path,
        command,
        damage,
        way_back,
        id=f"{path} {name}, {command}",
        marks=[pytest.mark.slow] if (file + number) % 3 else [],
    )
    for file, (path, command, damages, way_back) in enumerate(FILES)
    for number, (name, damage) in enumerate(damages.items())
    if (path, name) not in HARMLESS
]


@pytest.fixture(scope="module")
def made(tmp_path_factory, shipped_data):
    folder = tmp_path_factory.mktemp("made") / "project"
    folder.mkdir()
    make_project(ROOT, shipped_data, folder)
    (folder / "new.csv").write_text("x1,x2\n0,1\n")
    return folder


@pytest.fixture
def refusals(made, monkeypatch, capsys):
    monkeypatch.chdir(made)
    return Refusals(monkeypatch, capsys)


@contextlib.contextmanager
def damaged(path, damage):
    """Damages a file for a while."""
    kept = path.with_name("kept")
    whole = path.read_bytes() if path.exists() else b""
    if path.exists():
        path.rename(kept)
    if damage in NOT_FILES.values():
        damage(path)
    else:
        path.write_bytes(damage(whole) if callable(damage) else damage)
    yield
    path.rmdir() if path.is_dir() else path.unlink()
    if kept.exists():
        kept.rename(path)


@pytest.mark.parametrize(("path", "command", "damage", "way_back"), ROWS)
def test_a_damaged_file_is_one_line_that_says_what_makes_it_anew(refusals, path, command, damage, way_back):
    with damaged(Path(path), damage):
        line = refusals.line(*command.split())
    shard = re.match(r"build/ingested/\d+", path)  # is checked as a whole
    assert line.startswith(f"{shard[0] if shard else path} is damaged: expected ")
    assert line.endswith(way_back)
