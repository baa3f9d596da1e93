import os
import subprocess
import sys
from pathlib import Path

import pytest

from twintrain import project_copy as project_copy_module
from twintrain.processes import worker_environment
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


@pytest.mark.parametrize("has_git", [True, False])
def test_copy_has_no_lock_file_that_dvc_may_be_writing(committed, has_git):
    (committed / "dvc.lock").write_text("schema: '2.")
    (committed / "src/data").mkdir(parents=True)
    (committed / "src/data/code.py").touch()
    if not has_git:
        (committed / ".git").rename(committed.parent / "git")
    with project_copy() as copy:
        assert not (copy.folder / "dvc.lock").exists()
        assert has_git or (copy.folder / "src/data/code.py").exists()


def test_command_works_in_a_copy_with_the_store_and_the_journal_of_the_project(committed, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("TWINTRAIN_JOURNAL", "")
    with project_copy() as copy:
        with copy.entered():
            assert Path.cwd() == copy.folder
            assert os.environ["MLFLOW_TRACKING_URI"] == f"sqlite:///{committed}/mlflow.db"
            assert os.environ["TWINTRAIN_JOURNAL"] == f"{committed}/build/journal"
        assert (Path.cwd(), os.environ.get("MLFLOW_TRACKING_URI")) == (committed, None)


@pytest.mark.usefixtures("committed")
def test_results_of_a_copy_stay_when_it_is_gone():
    with project_copy() as copy:
        (copy.folder / "results").mkdir()
        (copy.folder / "results/metrics.json").write_text("{}")
        folder = copy.keep_results("mlp-car")
    assert folder.parent == Path("results/isolated")
    assert sorted(path.name for path in folder.iterdir()) == ["metrics.json", "params.yaml"]


@pytest.mark.usefixtures("committed")
def test_copies_of_killed_commands_are_removed_and_no_others():
    script = "import os\nfrom twintrain.project_copy import project_copy\nwith project_copy(): os.kill(os.getpid(), 9)"
    with project_copy() as copy:
        subprocess.run([sys.executable, "-c", script], env=worker_environment(), check=False)
        of_others = project_copy_module.COPIES / "1-1.0_another-machine_x"
        of_others.mkdir()
        assert len(list(project_copy_module.COPIES.iterdir())) == 3
        with project_copy():
            assert len(list(project_copy_module.COPIES.iterdir())) == 3
        assert copy.folder.exists()
        assert of_others.exists()


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
