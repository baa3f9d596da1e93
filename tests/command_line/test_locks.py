"""One command at a time in a folder: who is refused hears by whom, and who was killed holds nobody up."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

from pipelines import promote, sync
from twintrain.command_line import locks
from twintrain.errors import UserError
from twintrain.system.processes import worker_environment
from twintrain.tracking.recovery import Synced

WAY_OUT = "wait for its end, or run beside it in a copy: make run ARGS=--isolated"
# Holds the lock, and has started a process that takes its time to end.
OWNER = """
import subprocess, sys, time
from twintrain.command_line import locks
from twintrain.system.processes import worker_environment
SLOW = '''
import signal, sys, time
from twintrain.system.watched import watch_owners
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1), sys.exit()))
watch_owners()
print("ready", flush=True)
time.sleep(600)
'''
with locks.experiment():
    child = subprocess.Popen([sys.executable, "-c", SLOW], env=worker_environment(), stdout=subprocess.PIPE)
    child.stdout.readline()
    print(child.pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("conf").mkdir()


@pytest.fixture
def owner():
    """A command that holds the lock, and the number of the process that it has started."""
    command = [sys.executable, "-c", OWNER]
    with subprocess.Popen(command, env=worker_environment(), stdout=subprocess.PIPE, text=True) as process:
        child = int(process.stdout.readline())
        yield process, child
        process.kill()


def hold() -> None:
    with locks.experiment():
        pass


def test_second_command_is_refused_at_once_by_the_name_of_the_first(owner, error_of):
    began = time.monotonic()
    said = error_of(hold)
    assert time.monotonic() - began < 1
    process = rf"process {owner[0].pid} on {re.escape(socket.gethostname())}, since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d\S*"
    assert re.fullmatch(
        rf"another command is at work in this folder: python -c .{{,100}} \({process}\); {WAY_OUT}", said, re.DOTALL
    )


def test_lock_of_a_killed_command_is_taken_when_what_it_had_started_has_ended(owner, capsys):
    process, child = owner
    process.kill()
    process.wait()
    assert Path(f"/proc/{child}").exists() or not Path("/proc").exists()
    hold()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert capsys.readouterr().out == "The command before was killed; waiting for what it had started to end\n"
    hold()
    assert capsys.readouterr().out == ""


def test_what_does_not_end_with_a_killed_command_is_killed(owner, monkeypatch):
    process, child = owner
    os.kill(child, signal.SIGSTOP)
    process.kill()
    process.wait()
    monkeypatch.setattr(locks, "SECONDS_TO_END", 0.5)
    hold()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_lock_is_free_again_after_an_error():
    with pytest.raises(ZeroDivisionError), locks.experiment():
        1 / 0  # noqa: B018
    hold()


def test_one_who_may_wait_waits_for_the_owner(capsys):
    holds = "with locks.hold('data'):\n    print(1, flush=True); time.sleep(1)"
    script = f"import time\nfrom twintrain.command_line import locks\n{holds}"
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, env=worker_environment(), stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        with locks.hold("data"):
            assert process.wait(5) == 0
    said = capsys.readouterr().out
    assert said.startswith("Waiting for another command to end: python -c ")


def test_locks_of_two_names_do_not_meet(owner):
    with locks.hold("data"), locks.hold("family overfit", WAY_OUT):
        pass


def test_note_of_nobody_or_cut_short_holds_nobody_up(capsys):
    locks.FOLDER.mkdir(parents=True)
    note = locks.FOLDER / "experiment.json"
    for text in ('{"process": "1', json.dumps({"process": "999999999:1.0", "host": "elsewhere", "command": "x"})):
        note.write_text(text)
        hold()
        assert not note.exists()
    assert capsys.readouterr().out == ""


@pytest.fixture
def dvc():
    """A process that looks like DVC started by hand."""
    Path("dvc").write_text("print(1, flush=True)\nimport time; time.sleep(600)")
    process = subprocess.Popen([sys.executable, "dvc", "repro"], stdout=subprocess.PIPE)
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


def note_of_dvc(pid: int) -> None:
    locks.DVC_BUSY.parent.mkdir(parents=True)
    entry = {"pid": pid, "cmd": "/usr/bin/dvc repro"}
    locks.DVC_BUSY.write_text(json.dumps({"write": {"build/train/torch": entry}, "read": {"data": [entry]}}))


def test_dvc_that_was_started_by_hand_is_not_disturbed(dvc, error_of):
    note_of_dvc(dvc.pid)
    assert error_of(hold) == (f"DVC is at work in this folder: dvc repro (process {dvc.pid}); wait for its end")
    assert locks.DVC_BUSY.exists()


def test_dvc_between_its_stages_is_not_disturbed_either(error_of):
    locks.DVC_LOCK.parent.mkdir(parents=True)
    with FileLock(locks.DVC_LOCK):
        locks.DVC_LOCK.write_text(" 4711\n")
        assert error_of(hold) == "DVC is at work in this folder: process 4711; wait for its end"
    hold()


@pytest.mark.parametrize("text", [None, "", '{"write": {"buil'], ids=["other process", "empty", "cut short"])
def test_note_that_a_killed_dvc_has_left_is_removed(text):
    note_of_dvc(os.getpid())  # a number that another process has now
    if text is not None:
        locks.DVC_BUSY.write_text(text)
    hold()
    assert not locks.DVC_BUSY.exists()


def test_a_stage_by_hand_is_refused_too(owner):
    script = "from twintrain.command_line.commands import run_stage\nrun_stage(lambda: print('ran'))"
    environment = {name: value for name, value in worker_environment().items() if name != "DVC_STAGE"}
    result = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("error: another command is at work in this folder: ")


def test_the_error_is_the_users():
    with locks.experiment(), pytest.raises(UserError), locks.experiment():
        pass


@pytest.fixture
def synchronized(monkeypatch):
    """Runs sync with a store that has all, and returns how often it has led the results to the gate."""
    led = []
    monkeypatch.setattr(sync, "load_params", lambda: None)
    monkeypatch.setattr(sync.tracking, "synchronize", lambda: Synced(0, 0, []))
    monkeypatch.setattr(sync, "_promote", led.append)
    monkeypatch.setattr(sys, "argv", ["sync"])

    def run() -> int:
        sync.sync()
        return len(led)

    return run


def test_sync_leaves_the_gate_to_the_command_that_is_at_work(owner, synchronized):
    assert synchronized() == 0


def test_sync_leads_the_results_to_the_gate_where_nobody_is_at_work(synchronized):
    assert synchronized() == 1


@pytest.mark.parametrize(
    ("reasons", "mend"),
    [
        ([], "another command brings them just now; wait for it, and try again"),
        (["full"], "see above; mend it, and try"),
    ],
)
def test_sync_says_why_runs_are_not_whole(synchronized, monkeypatch, error_of, reasons, mend):
    monkeypatch.setattr(sync.tracking, "synchronize", lambda: Synced(6, 1, reasons))
    assert error_of(synchronized).startswith(f"1 of 6 runs are not whole in MLflow yet, {mend}")


def test_sync_says_no_password(synchronized, monkeypatch, error_of, capsys):
    reasons = ["API request to https://bob:s3cret@example.org/ml failed with exception Exceeded 30 redirects."]
    monkeypatch.setattr(sync.tracking, "synchronize", lambda: Synced(6, 1, reasons))
    error_of(synchronized)
    assert capsys.readouterr().err == (
        "  API request to https://…@example.org/ml failed with exception Exceeded 30 redirects.\n"
    )


def test_promote_waits_its_turn(owner, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["promote"])
    with pytest.raises(locks.AtWorkError, match="another command is at work in this folder"):
        promote.promote()
