"""DVC as our commands call it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from twintrain import project
from twintrain.config import Params
from twintrain.data.dataset import load_dataset, raw_files
from twintrain.errors import UserError

DVC = (sys.executable, "-m", "dvc")


def run_dvc(*arguments: str) -> int:
    """Runs DVC in this very interpreter's environment, its stages too, and returns its exit status.

    DVC gets a process group of its own, so that an interrupted command ends the running stage with DVC: an orphan
    would go on training, and the next command would train beside it.
    """
    process = subprocess.Popen([*DVC, *arguments], env=_environment(), start_new_session=True)
    try:
        return process.wait()
    except KeyboardInterrupt:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        raise


def everything_is_up_to_date() -> bool:
    """Whether `dvc repro` would run nothing."""
    status = subprocess.run([*DVC, "status", "--json"], env=_environment(), capture_output=True, text=True, check=False)
    return status.returncode == 0 and json.loads(status.stdout) == {}


def get_data(params: Params) -> None:
    """Pulls data/ if it is absent, and checks the files of the data set."""
    _adapt_to_git()
    if not project.DATA.is_dir():
        print("Getting data/ from the DVC remote", flush=True)
        if run_dvc("pull", "--quiet", "data.dvc"):
            raise UserError(
                "the data could not be pulled, see above; expected the remote in .dvc/config to hold data.dvc's files"
            )
    raw_files(params.dataset, load_dataset(params.dataset))


def _environment() -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path}


def _adapt_to_git() -> None:
    """DVC refuses to work outside git unless told so; a copy of the project without .git tells it."""
    told = Path(".dvc/config.local")
    without_git = not Path(".git").exists()
    is_told = told.is_file() and "no_scm = true" in told.read_text(encoding="utf-8")
    if without_git and not is_told:
        run_dvc("config", "--local", "core.no_scm", "true")
    elif is_told and not without_git:
        run_dvc("config", "--local", "--unset", "core.no_scm")
