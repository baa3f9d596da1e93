"""Commands that must refuse what they are given: one line, a status, and nothing written."""

import gc
import importlib
import signal
import sys
from pathlib import Path

import pytest

from twintrain.command_line.commands import run_command, run_framework_stage, run_stage

LONGEST = 420  # characters, of a line that also says how to mend it
FRAMEWORK_STAGES = ("train", "evaluate")
STAGES = ("ingest", "preprocess", "split", "baseline", "cost", "compare")


def start(command: str) -> None:
    """Does what `python -m pipelines.COMMAND` does, in this process."""
    module = importlib.import_module(f"pipelines.{command}")
    main = getattr(module, "main" if command == "gallery" else command)
    (run_framework_stage if command in FRAMEWORK_STAGES else run_stage if command in STAGES else run_command)(main)


def files_in(folder: Path) -> dict[str, tuple[int, int, int]]:
    """What lies in a folder but for the locks of commands, and whether it is still the same file."""
    found = {
        path.relative_to(folder).as_posix(): path.lstat() for path in folder.rglob("*") if ".dvc" not in path.parts
    }
    return {name: (file.st_ino, file.st_size, file.st_mtime_ns) for name, file in found.items()}


class Refusals:
    """Calls commands in the current folder, and takes their one line apart."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def line(self, command: str, *arguments: str) -> str:
        """What a command says that refuses its arguments or what it reads, without `error: `."""
        self._monkeypatch.setattr(sys, "argv", [f"pipelines/{command}.py", *arguments])
        before = files_in(Path())
        signals = {sign: signal.getsignal(sign) for sign in (signal.SIGTERM, signal.SIGHUP)}
        try:
            with pytest.raises(SystemExit) as stopped:
                start(command)
        finally:
            gc.enable()
            for sign, handler in signals.items():
                signal.signal(sign, handler)
        said = self._capsys.readouterr().err
        assert stopped.value.code == 1, said
        assert "Traceback" not in said
        (line,) = [line for line in said.splitlines() if "error: " in line]
        assert line.startswith("error: ")
        assert said.splitlines()[-1] == line
        assert len(line) <= LONGEST, line
        assert files_in(Path()) == before
        return line.removeprefix("error: ")
