"""DVC as our commands call it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from twintrain.command_line import locks
from twintrain.command_line.commands import SECONDS_TO_END
from twintrain.command_line.heard import NO_CONNECTION, Heard, Status
from twintrain.data.dataset import Dataset, load_dataset, raw_files, raw_folder
from twintrain.data.fetch.fetching import MIRRORS, fetch_files, missing_files, parse_mirrors
from twintrain.errors import UserError
from twintrain.settings.params import Params, load_params
from twintrain.settings.yaml_files import read_yaml
from twintrain.system import project
from twintrain.system.failures import disk_line, is_disk_line
from twintrain.system.processes import end_group, watched_command
from twintrain.system.watched import this_as_owner

STAGE_SECONDS = SECONDS_TO_END - 10  # for DVC and its stage to end, so that the command itself ends in time
# One command at a time gets data; another one, which may be at another experiment in a copy, waits.
DATA_LOCK = "data"
PINNED = Path("data.dvc")
PULLING = locks.FOLDER / "pulling"  # from the beginning of a pull until data/ is whole
REMOTE_NEEDS = (
    "expected a remote that answers and keys that it takes: of S3 AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, "
    "AWS_SECRET_ACCESS_KEY"
)
PULL_NEEDS = (
    "expected the remote in .dvc/config to hold data.dvc's files; whoever committed data.dvc types: "
    "dvc push data.dvc, and you then: git checkout data.dvc && dvc pull data.dvc"
)


def run_dvc(*arguments: str, environment: dict[str, str] | None = None) -> Status:
    """Runs DVC in this very interpreter's environment, its stages too, and returns its exit status with the reason.

    DVC gets a process group of its own, so that an interrupted command ends the running stage with DVC, and waits
    until it has closed its MLflow run: an orphan would go on training, and the next command would train beside it.
    So it is where DVC itself was killed.

    Args:
        environment: variables for DVC and its stages, beside those of this process.
    """
    given = {**_environment(), **(environment or {})}
    command = watched_command("-m", "dvc", *arguments)
    process = subprocess.Popen(command, env=given, stderr=subprocess.PIPE, start_new_session=True)
    heard = Heard(process.stderr)
    try:
        process.wait()
    except KeyboardInterrupt:
        end_group(process, STAGE_SECONDS)
        raise
    if process.returncode < 0:
        end_group(process, STAGE_SECONDS)
    return heard.status(process)


def everything_is_up_to_date() -> bool:
    """Whether `dvc repro` would run nothing."""
    # Of the stages alone: data that ship are not there where nobody has needed them, as with own data.
    command = watched_command("-m", "dvc", "status", "--json", "dvc.yaml")
    status = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)
    return status.returncode == 0 and json.loads(status.stdout) == {}


def get_data(params: Params) -> None:
    """Gets the files of the data set that are missing, from DVC's remote or from upstream, and checks all of them."""
    dataset = load_dataset(params.dataset)
    with locks.hold(DATA_LOCK):
        _adapt_to_git()
        if dataset.sources is None and dataset.path is None and (PULLING.exists() or not project.DATA.is_dir()):
            _pull_data()
    if dataset.sources is not None and missing_files(params.dataset, dataset):
        fetch_data(params.dataset, dataset)
    raw_files(params.dataset, dataset)


def get_missing_data() -> None:
    """Gets the data set of params.yaml where a file of it is missing; whether all are the right ones, ingest checks."""
    params = load_params()
    dataset = load_dataset(params.dataset)
    folder = raw_folder(params.dataset, dataset)
    if dataset.path is None and not all((folder / name).exists() for name in dataset.files):
        get_data(params)


def fetch_data(name: str, dataset: Dataset, force: bool = False) -> list[str]:
    """Fetches the files of a data set that are not there, and returns their names.

    One command at a time: another one waits. Mirrors are read from the environment.

    Raises:
        UserError: see `fetching.fetch_files`.
    """
    mirrors = parse_mirrors(os.environ.get(MIRRORS, ""))
    with locks.hold(DATA_LOCK):
        return fetch_files(name, dataset, mirrors, force)


def _pull_data() -> None:
    print("Getting data/ from the DVC remote", flush=True)
    # What a pull that was killed has left is half a file, maybe.
    again = ["--force"] if PULLING.exists() else []
    PULLING.touch()
    if failed := run_dvc("pull", *again, str(PINNED)):
        if is_disk_line(failed.reason) or _lacks_room():
            raise UserError(f"the data could not be pulled: {disk_line(Path())}")
        if failed.reason.startswith(NO_CONNECTION):
            raise UserError(f"the data could not be pulled: {failed.reason}; {REMOTE_NEEDS}")
        raise UserError(f"the data could not be pulled, see above; {PULL_NEEDS}")
    PULLING.unlink()


def _lacks_room() -> bool:
    """Whether data/ has no room here, which DVC does not always say of the files that it cannot copy there."""
    needed = sum(out.get("size", 0) for out in read_yaml(PINNED)["outs"])
    return shutil.disk_usage(Path()).free < needed


def _environment() -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, **this_as_owner()}


def _adapt_to_git() -> None:
    """DVC refuses to work outside git unless told so; a copy of the project without .git tells it."""
    told = Path(".dvc/config.local")
    without_git = not Path(".git").exists()
    is_told = told.is_file() and "no_scm = true" in told.read_text(encoding="utf-8")
    if without_git and not is_told:
        run_dvc("config", "--local", "core.no_scm", "true")
    elif is_told and not without_git:
        run_dvc("config", "--local", "--unset", "core.no_scm")
