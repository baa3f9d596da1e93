"""A process that goes on when the command that started it has ended, known by a file with its number."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from twintrain.errors import UserError
from twintrain.system.processes import end_group_of, group_runs, last_line
from twintrain.system.watched import listed, name_of, running

LOOK_SECONDS = 0.1
END_SECONDS = 20


class Daemon:
    """A server in the background, which leads a group of processes.

    Args:
        name: what it is, in messages.
        folder: where its log and the file with its number lie.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.log = folder / "log.txt"
        self._file = folder / "process.txt"

    @property
    def is_running(self) -> bool:
        """Whether the process that was started runs, and no other that has got its number meanwhile."""
        return running(self._noted()) is not None

    def _noted(self) -> str:
        try:
            return self._file.read_text("utf-8")
        except (OSError, ValueError):
            return ""

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Starts it, in a session of its own, so that Ctrl-C of a terminal does not reach it."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command,
                env=dict(environment),
                cwd=self.log.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._file.write_text(name_of(psutil.Process(process.pid)), "utf-8")

    def wait(self, is_up: Callable[[], bool], seconds: float) -> None:
        """Waits until it answers.

        Raises:
            UserError: it has ended, or does not answer within that time; then it is ended.
        """
        give_up = time.monotonic() + seconds
        while not is_up():
            if not self.is_running:
                raise UserError(f"{self.name} has ended: {last_line(self.log)}; all it said: {self.log}")
            if time.monotonic() > give_up:
                self.stop()
                raise UserError(f"{self.name} does not answer within {seconds:.0f} s; what it said: {self.log}")
            time.sleep(LOOK_SECONDS)

    def stop(self) -> None:
        """Ends it and what it has started: at first it is asked, and killed where it goes on."""
        group = self._group()
        if group is not None:
            end_group_of(group, END_SECONDS)
        self._file.unlink(missing_ok=True)

    def _group(self) -> int | None:
        """The number of its group, of which something still runs; None: nothing does.

        The system gives no process the number of a group that there is. So where the leader is dead, and no other
        process has its number, whoever is in that group was started by it.
        """
        noted = self._noted()
        with contextlib.suppress(ValueError):
            number = int(noted.partition(":")[0])
            is_anothers = psutil.pid_exists(number) and listed(noted) is None
            return number if not is_anothers and group_runs(number) else None
        return None
