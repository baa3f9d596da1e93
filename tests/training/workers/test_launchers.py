"""Programs that start workers: what they are given, what becomes of what they say, and which there are."""

import importlib.util
import sys

import psutil
import pytest

from twintrain.errors import UserError, shown
from twintrain.settings.sections.training import Train
from twintrain.training.workers.launch import LOST, RESTARTS
from twintrain.training.workers.launchers import check_launcher, is_here, launcher

# A program that counts its starts, then does what the test says.
BEGINNING = """#!{python}
import os, sys
from pathlib import Path
folder = Path(sys.argv[1])
with (folder / "starts").open("a") as log:
    log.write("x")
starts = (folder / "starts").stat().st_size
"""


@pytest.fixture
def run(tmp_path):
    """Runs a program as a launcher of three workers."""

    def run(does):
        program = tmp_path / "program"
        program.write_text(BEGINNING.format(python=sys.executable) + does)
        program.chmod(0o755)
        launcher(str(program))([str(tmp_path), "--option"], 3, tmp_path)

    return run


def test_a_program_is_given_the_command_and_the_number_of_workers(run, tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_STAGE", "train@torch")
    run("(folder / 'given').write_text(repr((sys.argv[1:], os.environ['WORLD_SIZE'], 'TWINTRAIN_OWNER' in os.environ, "
        "'DVC_STAGE' in os.environ)))")  # fmt: skip
    # Workers on other machines would look for the owner there, and end.
    assert (tmp_path / "given").read_text() == repr(([str(tmp_path), "--option"], "3", False, False))


def test_a_program_that_fails_is_started_again(run, tmp_path, capsys):
    run("if starts < 3:\n    print('node1 is gone', file=sys.stderr)\n    sys.exit(137)")
    assert (tmp_path / "starts").read_text() == "xxx"
    note = "note: one of 3 workers was lost: node1 is gone; all go on from the last checkpoint\n"
    assert capsys.readouterr().err == note * 2


def test_a_program_that_always_fails_is_given_up(run, tmp_path):
    with pytest.raises(UserError, match=rf"^one of 3 workers was lost: it said nothing, 4 times; .* {tmp_path}$"):
        run(f"sys.exit({LOST})")
    assert (tmp_path / "starts").stat().st_size == RESTARTS + 1


def test_an_error_of_the_users_is_told_and_nothing_starts_again(run, tmp_path):
    with pytest.raises(UserError, match=r"^val_loss is nan$"):
        run(f"print('error: val_loss is nan\\nsrun: error: task 0: Exited', file=sys.stderr)\nsys.exit({LOST})")
    assert (tmp_path / "starts").read_text() == "x"


def test_what_a_program_has_started_does_not_outlive_it(run, tmp_path):
    run("import subprocess\nchild = subprocess.Popen(['sleep', '600'])\n(folder / 'child').write_text(str(child.pid))")
    child = int((tmp_path / "child").read_text())
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_ray_asks_for_ray(monkeypatch, error_of):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert error_of(check_launcher, "ray") == (
        "train.launcher: ray needs Ray, which is not installed; type: python -m pip install -r requirements-ray.txt"
    )


def test_a_program_is_looked_for_before_it_is_needed(tmp_path, error_of):
    (tmp_path / "text").write_text("not to be run")
    for path in (tmp_path / "missing", tmp_path / "text", tmp_path):
        assert error_of(check_launcher, str(path)) == (
            f"train.launcher: {shown(str(path))} is no program; expected the path of a file that can be run"
        )
    check_launcher("local")


def test_a_word_that_is_no_launcher_is_refused():
    with pytest.raises(ValueError, match="expected local, ray, or the path of a program with a / in it, got 'slurm'"):
        Train(launcher="slurm")
    assert Train(launcher="./slurm").launcher == "./slurm"


def test_workers_of_ray_are_here_where_no_cluster_is_named(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert (is_here("local"), is_here("ray"), is_here("deploy/slurm/launch.sh")) == (True, True, False)
    monkeypatch.setenv("RAY_ADDRESS", "head:6379")
    assert not is_here("ray")


def test_a_cluster_of_ray_that_does_not_answer_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(UserError, match=r"^RAY_ADDRESS=127.0.0.1:1: no cluster of Ray answers there: .*refused$"):
        launcher("ray")(["true"], 2, tmp_path)
