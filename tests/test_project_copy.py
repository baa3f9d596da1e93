import subprocess
from pathlib import Path

import pytest

from twintrain.project_copy import project_copy


@pytest.fixture
def committed(tmp_path, monkeypatch):
    """A small project under git with one file changed, one new and one ignored."""
    root = tmp_path / "root"
    for name, text in {".dvc/config": "[core]\n", "params.yaml": "old", ".gitignore": "data/\nbuild/\n"}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        author = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *author, *command], cwd=root, check=True)
    for name, text in {"params.yaml": "new", "conf/own.yaml": "own", "data/a/a.csv": "1", "build/x": "made"}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize("has_git", [True, False])
def test_copy_has_what_is_there_now_and_shares_the_data(committed, has_git):
    if not has_git:
        (committed / ".git").rename(committed.parent / "git")
    with project_copy("trials") as copy:
        assert (copy.folder / "params.yaml").read_text() == "new"
        assert (copy.folder / "conf/own.yaml").read_text() == "own"
        assert (copy.folder / "data/a/a.csv").samefile("data/a/a.csv")
        assert not (copy.folder / "build").exists()
        assert (copy.folder / ".git").exists() == has_git
        assert not (copy.folder / ".dvc/config.local").exists()
    assert not copy.folder.exists()


def test_what_a_copy_changes_does_not_change_the_project(committed):
    with project_copy("trials") as copy:
        (copy.folder / "params.yaml").write_text("changed")
        assert Path("params.yaml").read_text() == "new"
        copy.restore("params.yaml")
        assert (copy.folder / "params.yaml").read_text() == "new"


@pytest.mark.usefixtures("committed")
def test_a_failed_run_is_one_line(error_of):
    with project_copy("trials") as copy:
        (copy.folder / "pipelines").mkdir()
        (copy.folder / "pipelines/run.py").write_text("import sys; sys.exit('error: no such preset')")
        assert error_of(copy.run, "--preset", "carr") == "--preset carr: no such preset"
        (copy.folder / "pipelines/run.py").write_text("import os; print(os.environ['MLFLOW_EXPERIMENT_NAME'])")
        assert copy.run() == "trials\n"


@pytest.mark.usefixtures("committed")
def test_runs_of_a_copy_are_no_children_of_the_run_around_it(monkeypatch):
    monkeypatch.setenv("MLFLOW_RUN_ID", "around")
    with project_copy("trials") as copy:
        (copy.folder / "pipelines").mkdir()
        (copy.folder / "pipelines/run.py").write_text("import os; print(os.environ.get('MLFLOW_RUN_ID'))")
        assert copy.run() == "None\n"
