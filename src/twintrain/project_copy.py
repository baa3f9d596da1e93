"""A temporary copy of the project to run experiments in, so that params.yaml, results and the lock file stay."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from twintrain import tracking
from twintrain.data.dataset import RAW_FOLDERS
from twintrain.errors import UserError
from twintrain.watched import this_as_owner

# What a copy makes anew, or has from elsewhere; matters only where git cannot tell.
NOT_COPIED = ("/build", "/results", "/mlruns", "/mlflow.db*", "/.dvc/cache", "/.dvc/tmp", "/.venv", "__pycache__")


class ProjectCopy:
    """A copy that shares the data and MLflow's store with the project.

    Attributes:
        folder: the root of the copy.
    """

    def __init__(self, folder: Path, experiment: str) -> None:
        self.folder = folder
        self._environment = {
            **os.environ,
            "MLFLOW_TRACKING_URI": tracking.store_uri(Path.cwd()),
            "MLFLOW_EXPERIMENT_NAME": experiment,
            **this_as_owner(),
        }
        # Under `mlflow run` all would be children of its one run, and in that run's experiment.
        self._environment.pop(tracking.PARENT, None)

    def restore(self, name: str) -> None:
        """Makes a file of the copy what it is in the project."""
        shutil.copy2(name, self.folder / name)

    def run(self, *arguments: str) -> str:
        """Calls `python -m pipelines.run` with these arguments and returns what it printed.

        Raises:
            UserError: the run failed; what it said last goes along.
        """
        # Of many trainings some look good by luck: none of them is to become the champion of the shared store.
        command = [sys.executable, "-m", "pipelines.run", "--registry.enabled", "false", *arguments]
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            said, complaints = process.communicate()
        except KeyboardInterrupt:
            process.terminate()  # it ends its stage, as after an interrupt of its own
            process.communicate()
            raise
        if process.returncode:
            errors = [line for line in complaints.splitlines() if line.startswith("error: ")]
            reason = errors[0].removeprefix("error: ") if errors else complaints.strip() or said.strip()
            raise UserError(f"{' '.join(arguments)}: {reason}")
        return said


@contextlib.contextmanager
def project_copy(experiment: str) -> Iterator[ProjectCopy]:
    """Makes a copy of the project as it stands, uncommitted changes included, and removes it afterwards.

    It has a DVC cache of its own: what the project's cache has would come back without runs in this experiment.

    Args:
        experiment: where MLflow puts the runs of the copy.
    """
    with tempfile.TemporaryDirectory(prefix="twintrain-") as name:
        folder = Path(name) / "project"
        _copy_files(folder)
        for data in filter(os.path.isdir, RAW_FOLDERS):
            # Raw files are never edited, so that links do; on another disk they are copied.
            shutil.copytree(data, folder / data, copy_function=_link)
        yield ProjectCopy(folder, experiment)


def _copy_files(folder: Path) -> None:
    if not Path(".git").exists():
        shutil.copytree(".", folder, ignore=_not_copied)
        return
    subprocess.run(["git", "clone", "--quiet", "--shared", ".", str(folder)], check=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], capture_output=True, check=True
    )
    for name in filter(None, os.fsdecode(listed.stdout).split("\0")):
        if Path(name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(name, folder / name)


def _not_copied(folder: str, names: list[str]) -> list[str]:
    """Those of a folder of the project that a copy does not take."""
    patterns = (*NOT_COPIED, *(f"/{data}" for data in RAW_FOLDERS))
    paths = {name: f"/{(Path(folder) / name).as_posix()}" for name in names}
    return [name for name in names if any(fnmatch(paths[name], each) or name == each for each in patterns)]


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
