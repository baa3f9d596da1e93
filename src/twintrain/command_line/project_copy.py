"""A temporary copy of the project to run experiments in, so that params.yaml, results and the lock file stay.

Any number of commands run side by side in copies, also while another one is at work in the project itself.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import psutil

from twintrain import tracking
from twintrain.data.dataset import RAW_FOLDERS
from twintrain.errors import UserError
from twintrain.system import project
from twintrain.system.processes import changed_environment
from twintrain.system.watched import name_of, running, this_as_owner

# What a copy makes anew, or has from elsewhere; matters only where git cannot tell.
NOT_COPIED = ("/build", "/results", "/mlruns", "/mlflow.db*", "/.dvc/cache", "/.dvc/tmp", "/.venv", "__pycache__")
# Written by DVC while it runs, so that it may be read half; without git's version a copy makes a new one.
LOCK_FILE = "dvc.lock"
# What a copy has found, when it is gone.
ISOLATED = project.RESULTS / "isolated"
# On the disk of the project, where raw files can be links.
COPIES = Path(".dvc/tmp/twintrain/copies")


class ProjectCopy:
    """A copy that shares the data and MLflow's store with the project.

    Attributes:
        folder: the root of the copy.
    """

    def __init__(self, folder: Path, experiment: str | None) -> None:
        self.folder = folder
        self.experiment = experiment
        # What MLflow has not confirmed outlives the copy.
        self._shared = {
            "MLFLOW_TRACKING_URI": tracking.store_uri(Path.cwd()),
            tracking.FOLDER: str(tracking.journals_folder().absolute()),
        }

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Has this process work in the copy."""
        with changed_environment(self._shared), contextlib.chdir(self.folder):
            yield

    def restore(self, name: str) -> None:
        """Makes a file of the copy what it is in the project."""
        shutil.copy2(name, self.folder / name)

    def run(self, *arguments: str) -> str:
        """Calls `python -m pipelines.run` with these arguments and returns what it printed.

        Raises:
            UserError: the run failed; what it said last goes along.
        """
        # Of many trainings some look good by luck: none is to become the champion of the shared store, so none needs
        # to be verified.
        left_out = ("--registry.enabled", "false", "--verify.enabled", "false")
        command = [sys.executable, "-m", "pipelines.run", *left_out, *arguments]
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=self._environment(),
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

    def keep_results(self, name: str) -> Path:
        """Leaves results/ and params.yaml of the copy in a folder of the project, and returns it."""
        folder = ISOLATED / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
        partial = folder.with_name(f"{folder.name}.partial")
        shutil.copytree(self.folder / project.RESULTS, partial)
        shutil.copy2(self.folder / project.PARAMS, partial)
        return partial.rename(folder)

    def _environment(self) -> dict[str, str]:
        given = {**os.environ, **self._shared, **this_as_owner()}
        if self.experiment is not None:
            given["MLFLOW_EXPERIMENT_NAME"] = self.experiment
            # Under `mlflow run` all would be children of its one run, and in that run's experiment.
            given.pop(tracking.PARENT, None)
        return given


@contextlib.contextmanager
def project_copy(experiment: str | None = None) -> Iterator[ProjectCopy]:
    """Makes a copy of the project as it stands, uncommitted changes included, and removes it afterwards.

    It has a DVC cache of its own: what the project's cache has would come back without runs in this experiment.

    Args:
        experiment: where MLflow puts the runs of the copy; None: where it puts those of the project.
    """
    COPIES.mkdir(parents=True, exist_ok=True)
    _remove_abandoned()
    owner = name_of(psutil.Process()).replace(":", "-")  # which would end an entry of PYTHONPATH
    with tempfile.TemporaryDirectory(prefix=f"{owner}_{socket.gethostname()}_", dir=COPIES.absolute()) as name:
        folder = Path(name) / "project"
        _copy_files(folder)
        for data in filter(os.path.isdir, RAW_FOLDERS):
            # Raw files are never edited, so that links do; on another disk they are copied.
            shutil.copytree(data, folder / data, copy_function=project.link_or_copy)
        yield ProjectCopy(folder, experiment)


def _remove_abandoned() -> None:
    """Removes copies of commands of this machine that were killed."""
    for folder in COPIES.iterdir():
        process, _, place = folder.name.partition("_")
        if place.startswith(f"{socket.gethostname()}_") and not running(process.replace("-", ":")):
            shutil.rmtree(folder, ignore_errors=True)


def _copy_files(folder: Path) -> None:
    if not Path(".git").exists():
        shutil.copytree(".", folder, ignore=_not_copied, ignore_dangling_symlinks=True)
        return
    listed = _git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    # No files of git's: the copy would have those that were removed here, and links that are files by now.
    _git("clone", "--quiet", "--shared", "--no-checkout", ".", str(folder))
    for name in filter(None, listed.split("\0")):
        if name not in (LOCK_FILE, *RAW_FOLDERS):
            with contextlib.suppress(FileNotFoundError):  # it may be gone by now
                _copy_file(Path(name), folder / name)
    _git("-C", str(folder), "reset", "--quiet")
    if Path(LOCK_FILE).exists() and _git("-C", str(folder), "ls-files", LOCK_FILE):
        _git("-C", str(folder), "checkout-index", LOCK_FILE)


def _git(*arguments: str) -> str:
    """What git says.

    Raises:
        UserError: it refuses, as it does a folder of somebody else, or is not there.
    """
    try:
        called = subprocess.run(["git", *arguments], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        said = os.fsdecode(getattr(error, "stderr", None) or b"") or str(error)
        raise UserError(
            f"a copy of the project is made by git, which says: {said.strip().splitlines()[0]}; "
            "type git status, which says how to mend it"
        ) from None
    return os.fsdecode(called.stdout)


def _copy_file(source: Path, target: Path) -> None:
    """Copies a file, also where it is a link, which would lead what is written there out of the copy.

    A link to a folder stays one, and what git knows below it from before is not copied: it would go through the link.
    """
    if any(parent.is_symlink() for parent in source.parents):
        return
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    elif source.is_symlink() and source.is_dir():
        target.parent.mkdir(parents=True, exist_ok=True)
        inner = source.resolve().is_relative_to(Path.cwd()) and not source.readlink().is_absolute()
        target.symlink_to(source.readlink() if inner else source.resolve())


def _not_copied(folder: str, names: list[str]) -> list[str]:
    """Those of a folder of the project that a copy does not take."""
    patterns = (*NOT_COPIED, f"/{LOCK_FILE}", *(f"/{data}" for data in RAW_FOLDERS))
    paths = {name: f"/{(Path(folder) / name).as_posix()}" for name in names}
    return [name for name in names if any(fnmatch(paths[name], each) or name == each for each in patterns)]
