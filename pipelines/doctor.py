"""Says what this machine has, what is wrong, and what to type.

python -m pipelines.doctor    exit status 1 if something must be mended
"""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from twintrain import tracking
from twintrain.command_line.commands import command_parser, run_command
from twintrain.data.dataset import load_dataset, raw_files
from twintrain.errors import UserError, first_line
from twintrain.frameworks import check_installed
from twintrain.settings.frameworks import TITLES
from twintrain.settings.params import load_params
from twintrain.system.passwords import without_password, without_passwords
from twintrain.system.ports import HOST
from twintrain.tracking.services.servers import servers
from twintrain.tracking.services.site import AGAIN, FOLDER, Site

INSTALL = "python -m pip install -r requirements.txt"
FREE_GB = 10
NOT_TRIED_ON_GPU = "nothing here has run on a GPU yet; on one type: make test-gpu (docs/gpu.md)"

# One framework a process, so each is asked in its own.
PROBES = {
    "torch": "import json, torch, torchvision; print(json.dumps([torch.__version__, torch.cuda.is_available()]))",
    "keras": (
        "import os; os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'; import json, keras, tensorflow as tf; "
        "print(json.dumps([keras.__version__, bool(tf.config.list_physical_devices('GPU'))]))"
    ),
}


def doctor() -> int:
    """Runs every check, prints a line each and returns the exit status."""
    command_parser("doctor", __doc__).parse_args()
    found = [
        _line(check)
        for check in (
            _python,
            _packages,
            _torch,
            _keras,
            _devices,
            _git,
            _params,
            _data,
            _services,
            _store,
            _journal,
            _disk,
        )
    ]
    return 0 if all(found) else 1


def _line(check: Callable[[], str]) -> bool:
    name = check.__name__.removeprefix("_")
    try:
        print(f"ok    {name}: {check()}")
    except UserError as error:
        print(f"MEND  {name}: {error}")
        return False
    return True


def _python() -> str:
    if sys.version_info[:2] != (3, 11):
        raise UserError(f"expected Python 3.11, got {sys.version.split()[0]}; type: make PYTHON=/path/to/python3.11")
    return f"{sys.version.split()[0]}, {sys.executable}"


def _packages() -> str:
    pins = re.findall(r"^([\w.-]+)==([^\s;]+)\s*(?:#|$)", Path("requirements.txt").read_text("utf-8"), re.MULTILINE)
    wrong = [f"{name} {pin} (here: {_version(name)})" for name, pin in pins if _version(name).split("+")[0] != pin]
    if wrong:
        raise UserError(f"expected {', '.join(wrong[:5])}{' …' if len(wrong) > 5 else ''}; type: {INSTALL}")
    return f"{len(pins)} as in requirements.txt"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def _torch() -> str:
    return f"{TITLES['torch']} {_probe('torch')[0]} and torchvision {_version('torchvision')} match"


def _keras() -> str:
    return f"{TITLES['keras']} {_probe('keras')[0]} on TensorFlow {_version('tensorflow')}"


@functools.cache
def _probe(framework: str) -> tuple[str, bool]:
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    result = subprocess.run(
        [sys.executable, "-c", PROBES[framework]], capture_output=True, text=True, check=False, env=environment
    )
    if "torchvision::nms does not exist" in result.stderr:
        raise UserError(
            f"torch {_version('torch')} and torchvision {_version('torchvision')} are of different builds "
            f"(torchvision::nms does not exist); type: python -m pip uninstall -y torch torchvision && {INSTALL}"
        )
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["it ended without a message"])[-1]
        raise UserError(f"{TITLES[framework]} does not start: {reason}; type: {INSTALL}")
    name, has_gpu = json.loads(result.stdout.splitlines()[-1])
    return name, has_gpu


def _devices() -> str:
    seen = {TITLES[name]: _probe(name)[1] for name in PROBES}
    if len(set(seen.values())) > 1:
        on = next(title for title, has_gpu in seen.items() if has_gpu)
        raise UserError(
            f"only {on} sees a GPU, so the two would not be alike; set train.device: cpu, or mend the other"
        )
    seen_by = "both see a GPU" if all(seen.values()) else f"both on the CPU, {os.cpu_count()} cores"
    return f"{seen_by}; {NOT_TRIED_ON_GPU}"


def _git() -> str:
    if not Path(".git").exists():
        return "no repository; runs carry no commit, and pipelines.run tells DVC to do without"
    return subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()


def _params() -> str:
    params = load_params()
    for framework in params.frameworks:
        check_installed(framework)
    return f"{params.model_name} on {params.dataset}, {params.mode}, {' and '.join(params.frameworks)}"


def _data() -> str:
    dataset = load_params().dataset
    paths = raw_files(dataset, load_dataset(dataset))
    return f"{len(paths)} file{'s' if len(paths) > 1 else ''} of {dataset}, as described"


def _services() -> str:
    if not Site.is_in(FOLDER):
        return "none on this machine; a team's store starts with: make services"
    site = Site.of(FOLDER)
    silent = [server.title for server in servers(site) if not server.is_up()]
    if not silent:
        return f"PostgreSQL, S3 and MLflow answer, on {HOST}"
    if tracking.store_uri(Path.cwd()) == site.client_variables()["MLFLOW_TRACKING_URI"]:
        raise UserError(f"{' and '.join(silent)} do not answer, and runs go there; type: {AGAIN}")
    return f"{' and '.join(silent)} do not run, and nothing needs them; {AGAIN} starts them"


def _store() -> str:
    try:
        tracking.open_store(load_params().tracking.experiment)
    except Exception as error:  # whatever MLflow, its database or the network throws
        raise UserError(
            f"{without_passwords(first_line(error))}; mend the store, or unset MLFLOW_TRACKING_URI"
        ) from None
    return without_password(tracking.store_uri(Path.cwd()))


def _journal() -> str:
    waiting = tracking.abandoned_journals()
    if waiting:
        raise UserError(f"MLflow does not have {len(waiting)} runs, or not whole, which are kept; type: make sync")
    return "MLflow has all that was logged"


def _disk() -> str:
    free = shutil.disk_usage(".").free / 1e9
    if free < FREE_GB:
        raise UserError(
            f"expected {FREE_GB} GB free, got {free:.1f} GB; make room, for instance with: python -m dvc gc -w"
        )
    return f"{free:.0f} GB free"


if __name__ == "__main__":
    run_command(doctor)
