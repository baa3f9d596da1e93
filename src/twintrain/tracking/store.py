"""MLflow's store: where it is, and a client of it."""

import base64
import http.client
import logging
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

from filelock import FileLock

from twintrain.errors import first_line
from twintrain.system.passwords import VARIABLE, driverless, split_login, without_password
from twintrain.tracking.reasons import reason_of
from twintrain.tracking.store_address import SERVERS, check_address, check_there

CONNECT_SECONDS = 10
SQLITE = "sqlite:///"
PARENT = "MLFLOW_RUN_ID"

# Read by MLflow when it is imported; what the user sets goes first.
ENVIRONMENT = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # One try: trying again is up to `courier`, which knows how long it may take.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    # The default of 10 s records nothing for a short training.
    "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL": "1",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # A server that is started would start seven more processes, for what we do not use.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}


class UnreachableError(OSError):
    """A database that takes no connections."""


class DeletedExperimentError(OSError):
    """An experiment that is in the trash takes no runs."""


def environment() -> dict[str, str]:
    """The environment of a process that imports MLflow."""
    return {**ENVIRONMENT, **os.environ}


def mlflow_module() -> ModuleType:
    """Imports MLflow with the project's settings; loading it at the top would read the environment too early."""
    os.environ.update(environment())
    import mlflow
    from mlflow.utils import requirements_utils

    # Else MLflow looks through all installed packages for a warning that the level of its log, below, never shows.
    requirements_utils._check_requirement_satisfied = lambda _: None
    for noisy in ("alembic", "mlflow"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    # What a database says is told of in one line by whoever asked it; MLflow adds a traceback.
    logging.getLogger("mlflow.store").setLevel(logging.CRITICAL)
    return mlflow


def project_root(folder: Path) -> Path:
    """The root of the project, also from the temporary copies that `dvc exp run --temp` works in."""
    parts = folder.resolve().parts
    for index in range(len(parts) - 2):
        if parts[index : index + 3] == (".dvc", "tmp", "exps"):
            return Path(*parts[:index])
    return folder.resolve()


def store_uri(root: Path) -> str:
    """MLFLOW_TRACKING_URI, else mlflow.db at the root of the project; a path in it is absolute."""
    given = os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}mlflow.db"
    path = given.removeprefix(SQLITE)
    if path == given or path.startswith(("/", ":memory:")):
        return given
    return f"{SQLITE}{project_root(root) / path}"


def is_local(uri: str) -> bool:
    """Whether the store is a file, which answers at once or not at all."""
    return uri.startswith(SQLITE)


def check_connection(uri: str) -> None:
    """Fails within seconds where a tracking server does not answer.

    As MLflow's client does, it takes the user and the password from the address.

    Raises:
        OSError: no connection.
    """
    if driverless(uri) not in SERVERS:
        return
    address, login = split_login(uri)
    request = urllib.request.Request(f"{address.rstrip('/')}/health")
    if login:  # for this server alone, and no other that it leads to
        request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(login.encode()).decode()}")
    try:
        urllib.request.urlopen(request, timeout=CONNECT_SECONDS).close()
    except urllib.error.HTTPError:
        pass  # an answer, if not of MLflow's own server
    except (OSError, http.client.HTTPException) as error:
        raise OSError(f"MLFLOW_TRACKING_URI {without_password(uri)} does not answer ({error})") from None


def _check_database(uri: str) -> None:
    """Connects once: MLflow would try again for two minutes, whatever the database says.

    Raises:
        UnreachableError: no connection, or no driver.
    """
    import sqlalchemy

    options = {} if driverless(uri) == "mssql" else {"connect_timeout": CONNECT_SECONDS}
    try:
        sqlalchemy.create_engine(uri, connect_args=options, poolclass=sqlalchemy.pool.NullPool).connect().close()
    except (sqlalchemy.exc.SQLAlchemyError, ModuleNotFoundError) as error:
        said = first_line(getattr(error, "orig", None) or error)
        raise UnreachableError(f"no connection ({said})") from None


def open_client() -> Any:
    """A client of the store; a store that is a file is made where there is none.

    A fresh SQLite store that several processes open at once is broken for good, so one at a time makes it. So is one
    whose making was cut short: it gets its name when it is whole.
    """
    uri = store_uri(Path.cwd())
    check_address(uri)
    mlflow = mlflow_module()
    mlflow.set_tracking_uri(uri)
    if not is_local(uri):
        if driverless(uri) not in SERVERS:
            _check_database(uri)
        return mlflow.MlflowClient()
    database = Path(uri.removeprefix(SQLITE))
    database.parent.mkdir(parents=True, exist_ok=True)
    _keep_artifacts_beside_stores()
    with FileLock(f"{database}.lock"):
        if not database.exists():
            _make_store(database)
        client = mlflow.MlflowClient()
        client.get_experiment("0")
    return client


def _make_store(database: Path) -> None:
    partial = database.with_name(f"{database.name}-partial")
    for left in database.parent.glob(f"{partial.name}*"):  # SQLite's journal, too
        left.unlink()
    mlflow_module().MlflowClient(f"{SQLITE}{partial}").get_experiment("0")
    partial.replace(database)


def _keep_artifacts_beside_stores() -> None:
    """Has MLflow put the artifacts of a store that is a file into mlruns/ beside it.

    Of itself it takes the current folder, which may be a copy of the project that will be removed. To go to another
    folder for the moment would be to go there with all threads, and with what they start meanwhile.
    """
    from mlflow.tracking._tracking_service import utils

    def opened(store_uri: str, artifact_uri: str | None = None) -> Any:
        beside = Path(store_uri.removeprefix(SQLITE)).parent / "mlruns"
        return utils._get_sqlalchemy_store(store_uri, artifact_uri or str(beside))

    utils._tracking_store_registry.register("sqlite", opened)


def connect(experiment: str) -> Any:
    """A client of the store, to look things up.

    Raises:
        OSError: no connection, or the experiment is deleted.
        UserError: there is no store yet.
    """
    check_there(store_uri(Path.cwd()))
    open_store(experiment)
    return mlflow_module().MlflowClient()


def open_store(experiment: str) -> str:
    """Connects to the store and returns the id of the experiment that new models go to; it is made if there is none.

    Raises:
        OSError: as `connect`.
    """
    uri = store_uri(Path.cwd())
    check_address(uri)
    check_connection(uri)
    mlflow_module()
    from mlflow.exceptions import MlflowException

    try:
        client = open_client()
        _check_version(uri)
        if parent := os.environ.get(PARENT):
            return client.get_run(parent).info.experiment_id
        return experiment_id(client, experiment_name(experiment))
    except (MlflowException, UnreachableError) as error:
        raise OSError(f"{VARIABLE} {without_password(uri)}: {reason_of(error)}") from None


def _check_version(uri: str) -> None:
    """Raises an OSError where a server is of another MLflow than this one; between minor versions nothing is lost."""
    if driverless(uri) not in SERVERS:
        return
    from mlflow.tracking._tracking_service.utils import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    answer = http_request(get_default_host_creds(uri), "/version", "GET")
    theirs, ours = answer.text.strip(), version("mlflow")
    is_version = answer.status_code == 200 and re.fullmatch(r"\d+\.\d+[\w.]*", theirs)
    if is_version and theirs.partition(".")[0] != ours.partition(".")[0]:
        raise OSError(
            f"{VARIABLE} {without_password(uri)} is MLflow {theirs[:20]}, which does not know all that {ours} asks "
            f"for; expected MLflow {ours.partition('.')[0]}"
        )


def experiment_name(name: str) -> str:
    """MLFLOW_EXPERIMENT_NAME goes before what params.yaml says."""
    return os.environ.get("MLFLOW_EXPERIMENT_NAME") or name


def experiment_id(client: Any, name: str) -> str:
    """The id of an experiment, which is made where there is none.

    Raises:
        DeletedExperimentError: it is deleted.
    """
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return client.create_experiment(name)
        except MlflowException as error:  # another process was first
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            found = client.get_experiment_by_name(name)
    if found.lifecycle_stage == "deleted":
        restore = f"mlflow experiments restore --experiment-id {found.experiment_id}"
        raise DeletedExperimentError(
            f"experiment '{name}' is deleted; restore it with: {restore}, or set MLFLOW_EXPERIMENT_NAME"
        )
    return found.experiment_id


def pinned_requirements(packages: list[str]) -> list[str]:
    """What a logged model needs; left out, MLflow would find it out in another process, at several seconds."""
    return [f"{package}=={version(package)}" for package in packages]
