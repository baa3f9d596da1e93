"""A clone of the repository to run commands in, as a user would."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import mlflow
from mlflow.entities import Run

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
INHERITED = (
    "TWINTRAIN_MIRROR",
    "MLFLOW_TRACKING_URI",
    "MLFLOW_RUN_ID",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_EXPERIMENT_ID",
    "PYTHONPATH",
    # Without it the dozen processes of a run compile the project once, and not each of them anew.
    "PYTHONDONTWRITEBYTECODE",
)

# What takes a run two processes more, as params.yaml has it.
VERIFIED, COSTED = "verify:\n  enabled: true", "  cost: true"
# Where nothing but what the stages leave is looked at: what MLflow records takes a third of a short stage.
UNTRACKED = ("--tracking.budget_seconds", "0")


@contextlib.contextmanager
def heard_signals() -> Iterator[None]:
    """What is started meanwhile can be interrupted, also where nohup or a script's `&` has us ignore that."""
    before = {sign: signal.signal(sign, signal.SIG_DFL) for sign in (signal.SIGINT, signal.SIGHUP)}
    try:
        yield
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)


class Clone:
    """A clone in a folder of its own, with its own data, store and outputs."""

    def __init__(self, folder: Path, origin: Path = ROOT, verified: bool = False, costed: bool = False) -> None:
        """Clones.

        Args:
            verified: whether runs verify the twins; else params.yaml leaves it out.
            costed: whether runs measure what predictions cost; else params.yaml leaves it out.
        """
        self.folder = folder
        subprocess.run(["git", "clone", "--quiet", str(origin), str(folder)], check=True)
        # DVC commits experiments.
        for name, value in (("user.name", "test"), ("user.email", "test@example.org")):
            subprocess.run(["git", "config", name, value], cwd=folder, check=True)
        if left_out := [line for line, is_wanted in ((VERIFIED, verified), (COSTED, costed)) if not is_wanted]:
            params = folder / "params.yaml"
            text = params.read_text("utf-8")
            for line in left_out:
                assert text.count(line) == 1
                text = text.replace(line, line.replace("true", "false"))
            params.write_text(text, "utf-8")
            subprocess.run(["git", "commit", "--quiet", "--all", "-m", "Leave it out"], cwd=folder, check=True)

    def call(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs a command in the clone with this interpreter first on PATH."""
        return subprocess.run(
            command, cwd=self.folder, env=self._environment(environment), capture_output=True, text=True, check=False
        )

    def start(self, *command: str, said: IO[str] | int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        """Starts a command in the clone; what it prints goes to `said`."""
        with heard_signals():
            return subprocess.Popen(command, cwd=self.folder, env=self._environment({}), stdout=said, stderr=said)

    def _environment(self, given: dict[str, str]) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in INHERITED}
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        return {**inherited, "PATH": path, "COLUMNS": "200", **given}

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Calls `python -m pipelines.run`."""
        return self.call("python", "-m", "pipelines.run", *arguments, **environment)

    def runs(self) -> list[Run]:
        """All runs in the clone's own store, the newest first."""
        client = mlflow.MlflowClient(f"sqlite:///{self.folder}/mlflow.db")
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        return client.search_runs(experiments)

    def stage_runs(self, stage: str) -> list[Run]:
        """The runs of one stage, the newest first."""
        return [run for run in self.runs() if run.data.tags.get("stage") == stage]
