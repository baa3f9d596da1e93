import re
import shutil
from pathlib import Path

import pytest

from twintrain.command_line import dvc_command
from twintrain.command_line.heard import Status
from twintrain.settings.params import load_params


@pytest.fixture
def called(project, monkeypatch):
    """Arguments of every call of DVC, which does nothing and succeeds."""
    calls = []
    monkeypatch.setattr(dvc_command, "run_dvc", lambda *arguments: calls.append(arguments) or 0)
    monkeypatch.setattr(dvc_command, "raw_files", lambda name, dataset: [])

    def fetch_files(name, dataset, mirrors, force):
        calls.append(("fetch", name, mirrors, force))
        return list(dataset.files)

    monkeypatch.setattr(dvc_command, "fetch_files", fetch_files)
    monkeypatch.setenv("TWINTRAIN_MIRROR", "/mirror")
    return calls


@pytest.fixture
def fetched():
    """Parameters of a data set that is fetched."""
    return load_params().model_copy(update={"dataset": "diabetes_scaled"})


def test_data_is_pulled_where_it_is_absent(called):
    Path(".git").mkdir()
    dvc_command.get_data(load_params())
    assert called == [("pull", "data.dvc")]


def test_data_that_is_there_is_not_pulled(called):
    Path(".git").mkdir()
    Path("data").mkdir()
    dvc_command.get_data(load_params())
    assert called == []


def test_a_pull_that_was_killed_is_begun_again(called, monkeypatch):
    Path(".git").mkdir()

    def is_killed(*_: str) -> None:
        Path("data").mkdir()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(dvc_command, "run_dvc", is_killed)
        with pytest.raises(KeyboardInterrupt):
            dvc_command.get_data(load_params())
    for _ in range(2):
        dvc_command.get_data(load_params())
    assert called == [("pull", "--force", "data.dvc")]


@pytest.fixture
def pinned(project):
    """What git has of the data."""
    Path("data.dvc").write_text("outs:\n- md5: 1.dir\n  size: 1000\n  path: data\n", encoding="utf-8")


def test_a_pull_without_room_names_the_disk_though_dvc_does_not(called, pinned, monkeypatch, error_of):
    Path(".git").mkdir()
    monkeypatch.setattr(dvc_command, "run_dvc", lambda *arguments: Status(1))
    monkeypatch.setattr(dvc_command.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(2000, 1001, 999))
    said = error_of(dvc_command.get_data, load_params())
    assert re.match(r"the data could not be pulled: the disk at \S+ is full \(0 of 0 MiB are free\): make room", said)


def test_a_failed_pull_says_what_was_expected(called, pinned, monkeypatch, error_of):
    Path(".git").mkdir()
    monkeypatch.setattr(dvc_command, "run_dvc", lambda *arguments: Status(1))
    assert error_of(dvc_command.get_data, load_params()) == (
        "the data could not be pulled, see above; expected the remote in .dvc/config to hold data.dvc's files; whoever "
        "committed data.dvc types: dvc push data.dvc, and you then: git checkout data.dvc && dvc pull data.dvc"
    )


def test_data_that_is_missing_is_fetched_without_dvc(called, fetched):
    Path(".git").mkdir()
    dvc_command.get_data(fetched)
    assert called == [("fetch", "diabetes_scaled", ["/mirror"], False)]


@pytest.mark.parametrize("folder", ["fetched", "data"], ids=["", "by an earlier version"])
def test_data_that_was_fetched_is_not_fetched_again(folder, called, fetched):
    Path(".git").mkdir()
    Path(folder, "diabetes_scaled").mkdir(parents=True)
    Path(folder, "diabetes_scaled/diabetes.csv.gz").touch()
    dvc_command.get_data(fetched)
    assert called == []


def test_data_of_the_users_own_needs_nothing_of_dvc(called):
    Path(".git").mkdir()
    described = Path("conf/datasets/car.yaml").read_text("utf-8")
    Path("conf/datasets/my.yaml").write_text(described + "path: own/my\n", "utf-8")
    dvc_command.get_data(load_params().model_copy(update={"dataset": "my"}))
    assert called == []


def test_dvc_is_told_once_to_do_without_git(called):
    Path("data").mkdir()
    dvc_command.get_data(load_params())
    assert called == [("config", "--local", "core.no_scm", "true")]
    Path(".dvc").mkdir(exist_ok=True)
    Path(".dvc/config.local").write_text("[core]\n    no_scm = true\n")
    dvc_command.get_data(load_params())
    assert len(called) == 1
    Path(".git").mkdir()
    dvc_command.get_data(load_params())
    assert called[1:] == [("config", "--local", "--unset", "core.no_scm")]
