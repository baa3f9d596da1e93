"""What a command has started ends with it, also where it is killed by -9: one test a way of starting."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from twintrain.system.watched import OWNER, name_of, running

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SECONDS = 30  # that a busy machine may take

# Tells of itself in a file and then hangs, as a stage or a worker that is in the middle of something.
HANGS = """
import os, pathlib, time
from twintrain.command_line.commands import run_command

def main():
    path = pathlib.Path(f"hangs-{os.getpid()}")
    path.touch()
    try:
        time.sleep(600)
    except KeyboardInterrupt:
        path.rename(f"closed-{os.getpid()}")
        raise

if __name__ == "__main__":
    run_command(main)
"""
# One that is no command of ours, as MLflow's server, with a process of its own.
FOREIGN = """
import os, pathlib, subprocess, sys, time
if sys.argv[1:] == ["child"]:
    pathlib.Path(f"hangs-{os.getpid()}").touch()
    time.sleep(600)
subprocess.run([sys.executable, __file__, "child"])
"""
COMMAND = """
import subprocess, sys
from pathlib import Path
from twintrain.command_line.commands import run_command
from twintrain.command_line.dvc_command import run_dvc
from twintrain.system.processes import watched_command, worker_environment
from twintrain.command_line.project_copy import ProjectCopy

def start(command, **options):
    subprocess.run(command, env=worker_environment(), check=True, **options)

WAYS = {
    "stage": lambda: run_dvc("repro"),
    "worker": lambda: start([sys.executable, "-m", "pipelines.run"]),
    "worker of its own session": lambda: start([sys.executable, "-m", "pipelines.run"], start_new_session=True),
    "file": lambda: start(watched_command("pipelines/run.py"), start_new_session=True),
    "server": lambda: start(watched_command("foreign.py"), start_new_session=True),
    "copy": lambda: ProjectCopy(Path.cwd(), "Default").run(),
}
run_command(WAYS[sys.argv[1]])
"""


@pytest.fixture
def folder(tmp_path):
    """A project of DVC's with one stage, which hangs."""
    files = {
        ".dvc/config": "[core]\n    no_scm = true\n    analytics = false\n",
        "dvc.yaml": "stages:\n  hangs:\n    cmd: python -m pipelines.run\n",
        "pipelines/run.py": HANGS,
        "foreign.py": FOREIGN,
        "command.py": COMMAND,
        "mlflow.db": "",
        "conf/datasets": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    yield tmp_path
    for process in working_in(tmp_path):
        process.kill()


def start(folder: Path, *command: str) -> subprocess.Popen[bytes]:
    inherited = {name: value for name, value in os.environ.items() if name != OWNER}
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    environment = {**inherited, "PATH": path, "PYTHONPATH": str(ROOT / "src"), "DO_NOT_TRACK": "true"}
    with (folder / "said").open("w") as said:
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=said)


def working_in(folder: Path) -> list[psutil.Process]:
    """The processes of a test that still run."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()) == folder:
                found.append(process)
    return found


def wait_for(condition) -> None:
    give_up = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < give_up, "what was waited for did not come"
        time.sleep(0.05)


def wait_until_it_hangs(folder: Path) -> None:
    wait_for(lambda: list(folder.glob("hangs-*")))


@pytest.mark.parametrize("way", ["stage", "worker", "worker of its own session", "file", "server", "copy"])
def test_what_a_command_has_started_ends_with_it(way, folder):
    command = start(folder, sys.executable, "command.py", way)
    wait_until_it_hangs(folder)
    assert len(working_in(folder)) > 1
    command.kill()
    command.wait()
    wait_for(lambda: not working_in(folder))
    if way != "server":  # it has closed what it had open
        assert list(folder.glob("closed-*"))


def test_a_stage_ends_with_a_dvc_that_was_started_by_hand(folder):
    dvc = start(folder, str(BIN / "dvc"), "repro")
    wait_until_it_hangs(folder)
    dvc.kill()
    dvc.wait()
    wait_for(lambda: not working_in(folder))
    assert list(folder.glob("closed-*"))


def test_stage_and_command_end_where_dvc_alone_is_killed(folder):
    command = start(folder, sys.executable, "command.py", "stage")
    wait_until_it_hangs(folder)
    (dvc,) = (process for process in working_in(folder) if process.ppid() == command.pid)
    dvc.kill()
    assert command.wait(SECONDS) != 0
    assert not working_in(folder)


def test_an_ended_command_ends_what_it_has_started_once(folder):
    command = start(folder, sys.executable, "command.py", "stage")
    wait_until_it_hangs(folder)
    command.send_signal(signal.SIGTERM)
    assert command.wait(SECONDS) == 130
    assert not working_in(folder)
    assert list(folder.glob("closed-*"))


def test_a_process_is_known_by_more_than_its_number():
    this = psutil.Process()
    assert running(name_of(this)) == this
    assert running(f"{this.pid}:{this.create_time() - 3600}") is None
    assert running("no name") is None
    ended = subprocess.Popen([sys.executable, "-c", ""])
    name = name_of(psutil.Process(ended.pid))
    wait_for(lambda: running(name) is None)  # though nobody has waited for it
    ended.wait()
