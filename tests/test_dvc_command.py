from pathlib import Path

import pytest

from twintrain import dvc_command
from twintrain.config import load_params


@pytest.fixture
def called(project, monkeypatch):
    """Arguments of every call of DVC, which does nothing and succeeds."""
    calls = []
    monkeypatch.setattr(dvc_command, "run_dvc", lambda *arguments: calls.append(arguments) or 0)
    monkeypatch.setattr(dvc_command, "raw_files", lambda name, dataset: [])
    return calls


def test_data_is_pulled_where_it_is_absent(called):
    Path(".git").mkdir()
    dvc_command.get_data(load_params())
    assert called == [("pull", "--quiet", "data.dvc")]


def test_data_that_is_there_is_not_pulled(called):
    Path(".git").mkdir()
    Path("data").mkdir()
    dvc_command.get_data(load_params())
    assert called == []


def test_a_failed_pull_says_what_was_expected(called, monkeypatch, error_of):
    Path(".git").mkdir()
    monkeypatch.setattr(dvc_command, "run_dvc", lambda *arguments: 1)
    assert error_of(dvc_command.get_data, load_params()) == (
        "the data could not be pulled, see above; expected the remote in .dvc/config to hold data.dvc's files"
    )


def test_dvc_is_told_once_to_do_without_git(called):
    Path("data").mkdir()
    dvc_command.get_data(load_params())
    assert called == [("config", "--local", "core.no_scm", "true")]
    Path(".dvc").mkdir()
    Path(".dvc/config.local").write_text("[core]\n    no_scm = true\n")
    dvc_command.get_data(load_params())
    assert len(called) == 1
    Path(".git").mkdir()
    dvc_command.get_data(load_params())
    assert called[1:] == [("config", "--local", "--unset", "core.no_scm")]
