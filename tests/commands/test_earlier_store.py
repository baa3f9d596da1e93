"""A store that version 0.1.0 has left, with runs of three data sets and a champion, is gone on with."""

import tarfile
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import pytest
from project_clone import Clone

STORE = Path(__file__).parents[1] / "files" / "of_0.1.0" / "store.tar.xz"
WAS_AT = "/an/old/project"
CHAMPION = "models:/xor-logic_mlp@champion"
CONVERT = ("python", "-m", "pipelines.convert", CHAMPION)
PREDICT = ("python", "-m", "pipelines.predict", "--input", "new.csv", "--output", "answers.csv", "--model", CHAMPION)

pytestmark = pytest.mark.slow


@pytest.fixture
def upgraded(tmp_path):
    """A project of this version in the place of an old one, with its store."""
    clone = Clone(tmp_path / "clone")
    with tarfile.open(STORE) as kept:
        kept.extractall(clone.folder, filter="data")
    statements = clone.folder / "mlflow.sql"
    with closing(connect(clone.folder / "mlflow.db")) as database:
        database.executescript(statements.read_text("utf-8").replace(WAS_AT, str(clone.folder)))
    statements.unlink()
    return clone


def said(process):
    return process.returncode, process.stdout, process.stderr


def test_an_earlier_store_is_gone_on_with(upgraded):
    (upgraded.folder / "new.csv").write_text("x1,x2\n0,1\n1,1\n", "utf-8")
    before = {run.info.run_id: run.to_dictionary() for run in upgraded.runs()}
    status, _, error = said(upgraded.call(*PREDICT))
    assert (status, error.count("\n")) == (1, 1)
    assert error.startswith(f"error: {CHAMPION}: model.pt2 is not loaded, since it may run code")
    assert error.endswith(f"type: {' '.join(CONVERT)}\n")

    status, told, error = said(upgraded.call(*CONVERT))
    assert (status, told.splitlines()[-1], error) == (0, f"{CHAMPION}: converted, its pickle is left out", "")
    assert upgraded.call(*PREDICT).returncode == 0
    assert (upgraded.folder / "answers.csv").read_text("utf-8").count("\n") == 3

    assert said(upgraded.call("python", "-m", "pipelines.sync")) == (0, "sync: MLflow has all\n", "")
    ended = upgraded.run("--preset", "xor", "--train.epochs", "2", "--frameworks", "[torch]", "--baseline.others", "[]")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "version 3" in ended.stdout
    after = {run.info.run_id: run.to_dictionary() for run in upgraded.runs()}
    assert {name: after[name] for name in before} == before
    assert len(after) > len(before)
