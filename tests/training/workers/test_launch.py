"""Workers are started together, end together, and start again where one is lost."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from twintrain.errors import UserError
from twintrain.training.workers import launch
from twintrain.training.workers.launch import LOST, RESTARTS, log_of, run_workers

# What each worker does, as lines of Python.
BEGINNING = """
import os, signal, sys, time
from pathlib import Path
rank, size, folder = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]), Path(sys.argv[1])
with (folder / f"starts-{rank}").open("a") as log:
    log.write("x")
"""
# The second is lost twice; the others wait for it, as they do in a training.
LOST_TWICE = """
if rank == 1 and (folder / "starts-1").stat().st_size < 3:
    {}
(folder / f"well-{{rank}}").touch()
while not (folder / "well-1").exists():
    time.sleep(0.01)
print("done")
"""


def run(folder: Path, does: str, count: int = 3) -> list[str]:
    """Runs workers that do this, and returns what the first says."""
    run_workers([sys.executable, "-c", BEGINNING + does, str(folder)], count, folder)
    return log_of(folder, 0).read_text("utf-8").splitlines()


def starts(folder: Path) -> list[int]:
    return [path.stat().st_size for path in sorted(folder.glob("starts-*"))]


def test_each_is_told_which_it_is(tmp_path):
    said = "print(rank, size, os.environ['MASTER_ADDR'], int(os.environ['MASTER_PORT']) > 0)"
    assert run(tmp_path, said) == ["0 3 127.0.0.1 True"]
    assert starts(tmp_path) == [1, 1, 1]


@pytest.mark.parametrize(
    ("visible", "seen"), [("3,5,7", "5"), ("3,5", ""), ("3", ""), ("", ""), (None, "1"), ("no driver", None)]
)
def test_each_sees_a_gpu_of_its_own_or_none(tmp_path, monkeypatch, visible, seen):
    driver = tmp_path / "gpus"
    driver.mkdir()
    for number in range(3 if visible != "no driver" else 0):
        (driver / str(number)).mkdir()
    monkeypatch.setattr(launch, "GPUS", driver)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible not in (None, "no driver"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    run(tmp_path, "print(os.environ.get('CUDA_VISIBLE_DEVICES'))")
    assert log_of(tmp_path, 1).read_text("utf-8") == f"{seen}\n"


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "worker 1 of 3 was killed (signal 9)"),
        (f"print('no answer', file=sys.stderr); sys.exit({LOST})", "worker 1 of 3 was lost: no answer"),
    ],
)
def test_all_start_again_where_one_is_lost(tmp_path, capsys, monkeypatch, end, said):
    monkeypatch.setattr(launch, "SECONDS_TO_FOLLOW", 0.2)
    assert run(tmp_path, LOST_TWICE.format(end)) == ["done"]
    assert starts(tmp_path)[1] == 3
    assert capsys.readouterr().err == f"note: {said}; all go on from the last checkpoint\n" * 2


def test_who_is_lost_again_and_again_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "SECONDS_TO_FOLLOW", 0.2)
    with pytest.raises(UserError) as raised:
        run(tmp_path, "if rank == 2: os.kill(os.getpid(), signal.SIGSEGV)\ntime.sleep(60)")
    assert str(raised.value) == f"worker 2 of 3 was killed (signal 11), 4 times; the logs of all are in {tmp_path}"
    assert starts(tmp_path)[2] == RESTARTS + 1


def test_an_error_of_the_users_is_told_and_nothing_starts_again(tmp_path):
    with pytest.raises(UserError, match=r"^val_loss is nan$"):
        run(tmp_path, f"print('error: val_loss is nan', file=sys.stderr)\nsys.exit({LOST} if rank == 0 else 1)")
    assert starts(tmp_path) == [1, 1, 1]


def test_more_than_a_machine_can_take_are_refused_before_one_starts(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "usable_cpus", lambda: {0, 1})
    with pytest.raises(UserError, match=r"^train.workers: 17: expected at most 16 on this machine, of 2 CPUs$"):
        run(tmp_path, "", count=17)
    assert starts(tmp_path) == []


def test_nothing_runs_on_after_an_interrupt(tmp_path):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where nohup or a script's `&` has us ignore it
    timer = threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, "time.sleep(60)")
    time.sleep(0.1)
    here = [" ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)]
    assert not [command for command in here if str(tmp_path) in command]
