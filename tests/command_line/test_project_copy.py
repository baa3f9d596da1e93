import os
import subprocess
import sys
from pathlib import Path

import pytest

from twintrain.command_line import project_copy as project_copy_module
from twintrain.command_line.project_copy import project_copy
from twintrain.system.processes import worker_environment


def commit(root):
    for command in (["add", "."], ["commit", "-qm", "x"]):
        author = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *author, *command], cwd=root, check=True)


@pytest.fixture
def committed(tmp_path, monkeypatch):
    """A small project under git with one file changed, one new and one ignored."""
    root = tmp_path / "root"
    for name, text in {".dvc/config": "[core]\n", "params.yaml": "old", ".gitignore": "data/\nbuild/\n"}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    commit(root)
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


def test_copy_has_the_lock_file_of_git(committed):
    (committed / "dvc.lock").write_text("whole")
    commit(committed)
    (committed / "dvc.lock").write_text("ha")
    with project_copy() as copy:
        assert (copy.folder / "dvc.lock").read_text() == "whole"
    (committed / "dvc.lock").unlink()
    with project_copy() as copy:
        assert not (copy.folder / "dvc.lock").exists()


@pytest.mark.parametrize("link", ["relative", "absolute"])
@pytest.mark.parametrize("edited", [False, True])
def test_copying_does_not_write_through_links(committed, link, edited):
    outside = committed.parent / "mine.yaml"
    outside.write_text("outside")
    model = committed / "conf/model.yaml"
    model.symlink_to(outside if link == "absolute" else "../../mine.yaml")
    commit(committed)
    if edited:
        model.unlink()
        model.write_text("edited")
    with project_copy() as copy:
        copied = copy.folder / "conf/model.yaml"
        assert (copied.read_text(), copied.is_symlink()) == ("edited" if edited else "outside", False)
        copy.restore("conf/model.yaml")
        copied.write_text("changed in the copy")
    assert outside.read_text() == "outside"


@pytest.mark.parametrize("link", ["relative", "absolute"])
def test_link_to_a_folder_leads_to_the_same_files_and_is_not_written_through(committed, link):
    outside, before = committed.parent / "shared", committed / "conf/own.yaml"
    commit(committed)
    before.parent.rename(outside)  # git knows conf/own.yaml from before
    (committed / "conf").symlink_to(outside if link == "absolute" else "../shared")
    (outside / "own.yaml").write_text("outside")
    (committed / "again").symlink_to("src")
    (committed / "src").mkdir()
    (committed / "src/code.py").touch()
    (committed / "data").rename(committed.parent / "data")
    (committed / "data").symlink_to("../data")  # which the line data/ of a .gitignore is not for
    with project_copy() as copy:
        assert (copy.folder / "data/a/a.csv").samefile("data/a/a.csv")
        assert (copy.folder / "conf/own.yaml").samefile(outside / "own.yaml")
        assert (copy.folder / "again/code.py").samefile(copy.folder / "src/code.py")
    assert (outside / "own.yaml").read_text() == "outside"


def test_copy_lacks_what_was_removed(committed):
    commit(committed)
    (committed / "conf/own.yaml").unlink()
    with project_copy() as copy:
        assert not (copy.folder / "conf/own.yaml").exists()
        status = subprocess.run(["git", "status", "--short"], cwd=copy.folder, capture_output=True, check=True)
        assert status.stdout == b" D conf/own.yaml\n"


@pytest.mark.parametrize("has_git", [True, False])
def test_link_to_nothing_is_not_copied(committed, has_git):
    if not has_git:
        (committed / ".git").rename(committed.parent / "git")
    (committed / "lost.yaml").symlink_to("nowhere")
    with project_copy() as copy:
        assert not (copy.folder / "lost.yaml").is_symlink()


def test_repository_that_git_refuses_is_one_line(committed, monkeypatch, error_of):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert error_of(project_copy().__enter__) == (
        "a copy of the project is made by git, which says: fatal: detected dubious ownership in repository at "
        f"'{committed}'; type git status, which says how to mend it"
    )
    assert list(project_copy_module.COPIES.iterdir()) == []
    monkeypatch.setenv("PATH", "")
    assert "No such file or directory: 'git'" in error_of(project_copy().__enter__)


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
    module = project_copy_module.__name__
    script = f"import os\nfrom {module} import project_copy\nwith project_copy(): os.kill(os.getpid(), 9)"
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
