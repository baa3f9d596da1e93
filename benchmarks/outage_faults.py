"""The faults that `outages.py` plants: a copy of the project and a store for each, and what goes wrong with them."""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import store_faults as faults
from faulty_store import FaultyStore, TrackingServer
from killed_process import kill_tree
from store_snapshot import snapshot

from twintrain.system.ports import HOST, free_port

PATIENCE = 900  # seconds that a command may take before it counts as hanging
COMES_BACK = 15  # seconds after its end that a server starts again


class Ended(NamedTuple):
    """A command that has ended."""

    status: int | None  # None: it hung, and was killed
    seconds: float
    said: str


class Place:
    """A copy of the project and a store for one fault.

    Attributes:
        uri: what the command is told of the store.
        mends: what ends the fault, besides the store's own.
        undo: what is to be undone when all has been looked at.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.kept = folder / "results" / name
        self.project = folder / "project"  # the same path each time: tags name it
        shutil.rmtree(self.project, ignore_errors=True)
        shutil.copytree(folder / "template", self.project, symlinks=True)
        # MLflow keeps a database open that it has read: no other one may come to the same place.
        store = Path(tempfile.mkdtemp(prefix="store-", dir=folder))
        self.undo = contextlib.ExitStack()
        self.mends: list[Callable[[], object]] = []
        self.store = FaultyStore(TrackingServer(store))
        self.uri = self.store.uri
        self.process: subprocess.Popen[bytes] | None = None

    def call(self, command: list[str], uri: str) -> Ended:
        """Runs a command in the project, as a user would."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "TWIN"))}
        environment |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        environment |= {"MLFLOW_TRACKING_URI": uri, "DO_NOT_TRACK": "true", "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
        started = time.monotonic()
        with (self.project.parent / "said.txt").open("w+b") as said:
            self.process = subprocess.Popen(command, cwd=self.project, env=environment, stdout=said, stderr=said)
            try:
                status = self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                status = None
                kill_tree(self.process.pid)
                self.process.wait()
            said.seek(0)
            return Ended(status, time.monotonic() - started, said.read().decode(errors="replace"))

    def kill_command(self) -> None:
        """Kills the command that runs now, and all that it has started."""
        if self.process:
            kill_tree(self.process.pid)

    def mend(self) -> None:
        for mend in self.mends:
            mend()
        self.store.mend()

    def snapshot(self) -> dict[str, Any]:
        return snapshot(self.store.server.database, self.store.server.artifacts)

    def outputs(self) -> dict[str, str]:
        """The digests of what a user wants of a command."""
        found = (path for name in ("weights.npz", "predictions.npz") for path in self.project.glob(f"build/*/*/{name}"))
        return {str(path.relative_to(self.project)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}

    def journals(self) -> list[str]:
        """What is still in the journal."""
        folder = self.project / "build" / "journal"
        return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []

    def _keep_results(self) -> None:
        """Keeps what the command has written for its user, to be looked at where it differs."""
        shutil.rmtree(self.kept, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            shutil.copytree(self.project / "results", self.kept)

    def close(self) -> None:
        self.store.mended.set()
        self.store.kill()
        self._keep_results()
        self.undo.close()
        shutil.rmtree(self.store.server.folder, ignore_errors=True)


Plan = Callable[[Place], None]


def fault(fault: faults.Fault) -> Plan:
    return lambda place: setattr(place.store, "fault", fault)


def dies(number: int, done: bool = False, comes_back: bool = False) -> Plan:
    """The server is killed at a request, before or after it has done what was asked for."""

    def plan(place: Place) -> None:
        def kill() -> None:
            place.store.kill()
            if comes_back:
                threading.Timer(COMES_BACK, place.store.start).start()

        place.store.at(number, kill, done)

    return plan


def wrong_port(place: Place) -> None:
    place.uri = f"http://{HOST}:{free_port()}"


def small_disk(find: Callable[[Place], Path], mebibytes: float) -> Plan:
    """A real file system that is full soon; mended, it is larger."""

    def plan(place: Place) -> None:
        folder = find(place)
        folder.mkdir(parents=True, exist_ok=True)
        kept = folder.with_name(f"{folder.name}.kept")
        shutil.copytree(folder, kept)
        _mount("-t", "tmpfs", "-o", f"size={int(mebibytes * 1024)}k", "tmpfs", str(folder))
        place.undo.callback(subprocess.run, ["umount", "--lazy", str(folder)], check=True)
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        shutil.rmtree(kept)
        place.mends.append(lambda: _mount("-o", "remount,size=1g", str(folder)))

    return plan


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


FAULTS: dict[str, Plan] = {
    "healthy": lambda place: None,
    "dead from the start": lambda place: place.store.kill(),
    "dies": dies(20),
    "dies and comes back": dies(20, comes_back=True),
    "dies early and comes back": dies(3, done=True, comes_back=True),
    "HTTP 500": fault(faults.fails(500)),
    "HTTP 503 for a third": fault(faults.fails(503, faults.share(1 / 3))),
    "HTTP 500, each fourth done": fault(faults.loses_answer(500, faults.every(4))),
    "answers lost, each fourth": fault(faults.loses_answer(None, faults.every(4))),
    "answers cut, a third": fault(faults.cuts_answer(faults.share(1 / 3))),
    "hangs from the start": fault(faults.hangs),
    "hangs": fault(faults.after(20, faults.hangs)),
    "drips": fault(faults.after(20, faults.drips)),
    "slow, 1 s a request": fault(faults.slow(1)),
    "slow, 9 s a request": fault(faults.slow(9)),
    "read-only": fault(faults.read_only),
    "read-only later": fault(faults.after(40, faults.read_only)),
    "wrong port": wrong_port,
    "another server, 200": fault(faults.another_server(200)),
    "another server, 404": fault(faults.another_server(404)),
    "uploads refused": fault(faults.disk_full),
    "disk of the server full": small_disk(lambda place: place.store.server.folder, 2.5),
    "disk of the journal full": small_disk(lambda place: place.project / "build" / "journal", 0.05),
}
