"""The one door to MLflow's runs.

Tracking never costs a result: the first call that fails is reported in one line, and the rest are skipped.

A stage's run is a child of the run that MLFLOW_RUN_ID names (set by `mlflow run` or `pipelines.run`), in that run's
experiment. MLflow would have every process resume that one run; here each stage opens its own under it.
"""

import contextlib
import functools
import hashlib
import http.client
import logging
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from filelock import FileLock

from twintrain.errors import first_line
from twintrain.store_address import check_address
from twintrain.yaml_files import read_yaml

CONNECT_SECONDS = 3
FLUSH_SECONDS = 2
BATCH_METRICS = 1000  # MLflow's limit for one call
LONGEST_NOTE = 8000  # characters; MLflow's limit for a tag
PARENT = "MLFLOW_RUN_ID"
OFF = "TWINTRAIN_TRACKING_OFF"  # set for the stages where the parent run could not be opened

# Read by MLflow when it is imported; what the user sets goes first.
_ENVIRONMENT = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # One try: with MLflow's seven a dead server holds each call up for minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    # The default of 10 s records nothing for a short training.
    "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL": "1",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}


class Run:
    """An open run. Every method does nothing once tracking has failed.

    Attributes:
        id: the run's id; None if tracking is off.
        experiment_id: the experiment that it is in; None if tracking is off.
        model_id: the id of the model that was logged; None before, or if tracking is off.
        status: what the run is to end with, where that is not how the process went on.
    """

    def __init__(self) -> None:
        self.id: str | None = None
        self.status: str | None = None
        self.experiment_id: str | None = None
        self.model_id: str | None = None
        self._on = OFF not in os.environ
        self._buffer: list[Any] = []
        self._flushed = time.monotonic()

    def attempt(self, action: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Calls MLflow unless it failed before; returns None if it fails now."""
        if not self._on:
            return None
        try:
            return action(*args, **kwargs)
        except Exception as error:  # whatever MLflow, its database or the network throws
            self._on = False
            print(f"warning: tracking is off from here on, outputs are kept: {first_line(error)}", file=sys.stderr)
            return None

    def close(self, end: Callable[[], Any]) -> None:
        """Ends the run, also one whose logging has failed: left open, it would look like one that still runs."""
        if self.id:
            with contextlib.suppress(Exception):
                end()

    def knows(self, run_ids: list[str]) -> bool:
        """Whether the store has these runs; DVC's cache may bring back results of runs made elsewhere."""
        client = self.attempt(lambda: _mlflow().MlflowClient())
        try:
            found = [client.get_run(run_id) for run_id in run_ids] if client else []
            return bool(found) and all(run.info.lifecycle_stage == "active" for run in found)
        except _mlflow().MlflowException:
            return False

    def tag_children(self, tags: dict[str, str]) -> None:
        """Sets tags on this run and on those below it."""
        self.attempt(_tag_children, self.id, tags)

    def log_params(self, params: dict[str, Any]) -> None:
        """Logs parameters."""
        self.attempt(_log_params, self.id, params)

    def set_tags(self, tags: dict[str, Any]) -> None:
        """Sets tags; unlike a parameter, a tag may be set again."""
        self.attempt(_set_tags, self.id, tags)

    def set_note(self, markdown: str) -> None:
        """Sets the text that the UI shows as the run's description."""
        self.set_tags({"mlflow.note.content": markdown[:LONGEST_NOTE]})

    def log_metrics(self, metrics: dict[str, float], step: int = 0) -> None:
        """Logs metrics at a step, in batches."""
        if not self._on:
            return  # MLflow's import may be what failed
        entities = _mlflow().entities
        now = int(time.time() * 1000)
        self._buffer += [entities.Metric(name, value, now, step) for name, value in metrics.items()]
        if time.monotonic() - self._flushed > FLUSH_SECONDS or len(self._buffer) > BATCH_METRICS - len(metrics):
            self.flush()

    def flush(self) -> None:
        """Sends the metrics that are still waiting."""
        waiting, self._buffer = self._buffer, []
        for start in range(0, len(waiting), BATCH_METRICS):
            batch = waiting[start : start + BATCH_METRICS]
            self.attempt(lambda metrics=batch: _mlflow().MlflowClient().log_batch(self.id, metrics=metrics))
        self._flushed = time.monotonic()

    def log_artifacts(self, *paths: Path) -> None:
        """Logs files."""
        for path in paths:
            self.attempt(lambda path=path: _mlflow().MlflowClient().log_artifact(self.id, str(path)))

    def log_dataset(self, features: np.ndarray, labels: np.ndarray, name: str, context: str) -> None:
        """Logs arrays as a dataset input with their digest; only the digest and the shapes are stored."""
        self.attempt(_log_dataset, features, labels, name, context)

    def log_model(self, log: Callable[..., Any], example: np.ndarray, outputs: int, requirements: list[str]) -> None:
        """Logs a model with signature, input example and pinned requirements.

        Args:
            log: logs the model, given an example and MLflow's arguments (a framework's `saving.log_model`).
            example: some rows of features.
            outputs: number of logits of a row.
        """
        info = self.attempt(_log_model, log, example, outputs, requirements)
        self.model_id = info and info.model_id


@contextlib.contextmanager
def _followed(run: Run) -> Iterator[None]:
    """Notes how what a run is of comes to its end, unless somebody has noted it."""
    status = "FAILED"
    try:
        yield
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        run.status = run.status or status
        run.flush()


@contextlib.contextmanager
def stage_run(name: str, tags: dict[str, str], experiment: str) -> Iterator[Run]:
    """Opens a run for a stage: FINISHED at the end, FAILED after an error, KILLED after an interrupt.

    Args:
        experiment: where the run goes when neither a parent run nor MLFLOW_EXPERIMENT_NAME says so.
    """
    run = Run()
    parent = os.environ.get(PARENT)
    run.attempt(_start_run, run, name, tags, experiment)
    try:
        with _followed(run):
            yield run
    finally:
        run.close(lambda: _mlflow().end_run(run.status))
        if parent:
            os.environ[PARENT] = parent  # for the next run of a stage that makes several


@contextlib.contextmanager
def parent_run(name: str, tags: dict[str, str], experiment: str, resumed: str | None = None) -> Iterator[Run]:
    """Opens the run above those of the stages, or takes the one that `mlflow run` has opened.

    Child processes find it in MLFLOW_RUN_ID. `mlflow run` ends its own run itself.

    Args:
        resumed: a run to go on with, if this store still has it. The one that `mlflow run` has opened is then given a
            tag that names it.
    """
    run = Run()
    given = os.environ.get(PARENT)
    run.attempt(_open_parent, run, name, tags, experiment, resumed)
    if run.id is None:
        os.environ[OFF] = "true"
    try:
        with _followed(run):
            yield run
    finally:
        if run.id != given:
            run.close(lambda: _mlflow().MlflowClient().set_terminated(run.id, run.status))
            os.environ.pop(PARENT, None)
        if given:
            os.environ[PARENT] = given
        os.environ.pop(OFF, None)


@contextlib.contextmanager
def child_run(parent: Run, name: str, tags: dict[str, str]) -> Iterator[Run]:
    """Opens a run below one that this process goes on with: FINISHED, FAILED or KILLED as for `stage_run`."""
    with _run_below(
        parent, _open_child, lambda run: _mlflow().MlflowClient().set_terminated(run.id, run.status), name, tags
    ) as run:
        yield run


@contextlib.contextmanager
def nested_run(parent: Run, name: str, tags: dict[str, str]) -> Iterator[Run]:
    """Opens a run below that of the stage which this process is in, for what is logged until it ends."""
    with _run_below(parent, _start_nested, lambda run: _mlflow().end_run(run.status), name, tags) as run:
        yield run


@contextlib.contextmanager
def _run_below(
    parent: Run, begin: Callable[..., None], end: Callable[[Run], Any], name: str, tags: dict[str, str]
) -> Iterator[Run]:
    """Opens a run that is tracked while its parent is; what fails below fails above too."""
    run = Run()
    run._on = parent._on
    run.attempt(begin, run, parent, name, tags)
    try:
        with _followed(run):
            yield run
    finally:
        run.close(lambda: end(run))
        parent._on = run._on


def end_runs(run: Run, run_ids: list[str]) -> None:
    """Ends runs that a killed process has left open."""
    for run_id in filter(lambda run_id: run.knows([run_id]), run_ids):
        run.attempt(lambda run_id=run_id: _mlflow().MlflowClient().set_terminated(run_id, "KILLED"))


def add_to_run(
    run: Run, run_id: str | None, metrics: dict[str, float], artifacts: list[Path], model_id: str | None
) -> None:
    """Adds metrics and files to a run that has ended, without opening it again.

    A run that this store does not know is passed over with a line: DVC's cache may bring back the outputs of a run
    that another copy of the project has made.
    """
    if run_id is None:
        return
    client = run.attempt(lambda: _mlflow().MlflowClient())
    if client is None:
        return
    try:
        client.get_run(run_id)
    except _mlflow().MlflowException:
        print(
            f"note: this store has no run {run_id}, made elsewhere; its scores are in this stage's run", file=sys.stderr
        )
        return
    for name, value in metrics.items():
        run.attempt(client.log_metric, run_id, name, value, model_id=model_id)
    for path in artifacts:
        run.attempt(client.log_artifact, run_id, str(path))


def name_runs(names: dict[str, str]) -> None:
    """Gives runs that have ended other names, by their ids, so that a comparison tells them apart."""
    run = Run()
    run.attempt(open_store, "Default")
    client = run.attempt(lambda: _mlflow().MlflowClient())
    for run_id, name in names.items():
        run.attempt(lambda run_id=run_id, name=name: client.update_run(run_id, name=name))


def store_uri(root: Path) -> str:
    """MLFLOW_TRACKING_URI, else mlflow.db at the root of the project.

    Absolute, and outside the temporary copies of the project that `dvc exp run --temp` works in.
    """
    parts = root.resolve().parts
    for index in range(len(parts) - 2):
        if parts[index : index + 3] == (".dvc", "tmp", "exps"):
            root = Path(*parts[:index])
    given = os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"
    path = given.removeprefix("sqlite:///")
    if path == given or path.startswith(("/", ":memory:")):
        return given
    return f"sqlite:///{root.resolve() / path}"


def check_connection(uri: str) -> None:
    """Fails within seconds where a tracking server does not answer.

    Raises:
        OSError: no connection.
    """
    if not uri.startswith(("http://", "https://")):
        return
    try:
        urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=CONNECT_SECONDS).close()
    except urllib.error.HTTPError:
        pass  # an answer, if not of MLflow's own server
    except (OSError, http.client.HTTPException) as error:
        raise OSError(f"MLFLOW_TRACKING_URI {uri} does not answer ({error})") from None


def open_store(experiment: str) -> str:
    """Connects to the store and returns the id of the experiment that new runs go to.

    A fresh SQLite store that several processes open at once is broken for good, so one at a time makes it.
    """
    uri = store_uri(Path.cwd())
    check_address(uri)
    check_connection(uri)
    mlflow = _mlflow()
    mlflow.set_tracking_uri(uri)
    if not uri.startswith("sqlite:///"):
        return _experiment_id(mlflow.MlflowClient(), experiment)
    database = Path(uri.removeprefix("sqlite:///"))
    database.parent.mkdir(parents=True, exist_ok=True)
    # MLflow puts the artifacts of a local store into ./mlruns of the process that first opens it.
    with FileLock(f"{database}.lock"), contextlib.chdir(database.parent):
        return _experiment_id(mlflow.MlflowClient(), experiment)


def pinned_requirements(packages: list[str]) -> list[str]:
    """What a logged model needs; left out, MLflow would find it out in another process, at several seconds."""
    return [f"{package}=={version(package)}" for package in packages]


def connect(experiment: str) -> Any:
    """A client of the store, to look things up.

    Raises:
        OSError: no connection.
    """
    open_store(experiment)
    return _mlflow().MlflowClient()


@functools.cache
def project_tags() -> dict[str, str]:
    """Tags that say which code and data a run is of."""
    tags = {"git_commit": _git_commit(), "dvc_exp": os.environ.get("DVC_EXP_NAME", ""), **lock_tags()}
    if (data := Path("data.dvc")).is_file():
        tags["data"] = str(read_yaml(data)["outs"][0]["md5"])
    return {name: value for name, value in tags.items() if value}


def lock_tags() -> dict[str, str]:
    """The hash of dvc.lock as it is now; DVC rewrites it after every stage."""
    lock = Path("dvc.lock")
    return {"dvc_lock": hashlib.md5(lock.read_bytes(), usedforsecurity=False).hexdigest()} if lock.is_file() else {}


def _git_commit() -> str:
    if not Path(".git").exists():
        return ""
    try:
        found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    except OSError:  # no git here
        return ""
    return found.stdout.strip()


def environment() -> dict[str, str]:
    """The environment of a process that imports MLflow."""
    return {**_ENVIRONMENT, **os.environ}


def _mlflow() -> ModuleType:
    """Imports MLflow with the project's settings; loading it at the top would read the environment too early."""
    os.environ.update(environment())
    import mlflow

    for noisy in ("alembic", "mlflow"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    return mlflow


def _experiment_id(client: Any, name: str) -> str:
    parent = os.environ.get(PARENT)
    if parent:
        return client.get_run(parent).info.experiment_id
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or name
    found = client.get_experiment_by_name(name)
    if found and found.lifecycle_stage == "deleted":
        restore = f"mlflow experiments restore --experiment-id {found.experiment_id}"
        raise OSError(f"experiment '{name}' is deleted; restore it with: {restore}, or set MLFLOW_EXPERIMENT_NAME")
    return found.experiment_id if found else client.create_experiment(name)


def _start_run(run: Run, name: str, tags: dict[str, str], experiment: str) -> None:
    experiment_id = open_store(experiment)
    # Left in place, MLflow would resume the parent's run instead of opening one under it.
    parent = os.environ.pop(PARENT, None)
    opened = _mlflow().start_run(
        run_name=name,
        experiment_id=experiment_id,
        parent_run_id=parent,
        tags={**project_tags(), **tags},
        log_system_metrics=True,
    )
    run.id, run.experiment_id = opened.info.run_id, experiment_id


def _open_parent(run: Run, name: str, tags: dict[str, str], experiment: str, resumed: str | None) -> None:
    experiment_id = open_store(experiment)
    client = _mlflow().MlflowClient()
    given = os.environ.get(PARENT)
    if resumed and resumed != given and run.knows([resumed]):
        run.id, experiment_id = resumed, client.get_run(resumed).info.experiment_id
        if given:
            client.set_tag(given, "goes_on_with", resumed)
    else:
        run.id = given
    if run.id is None:
        from mlflow.tracking.context.registry import resolve_tags

        run.id = client.create_run(experiment_id, tags=resolve_tags()).info.run_id
    os.environ[PARENT] = run.id
    run.experiment_id = experiment_id
    client.update_run(run.id, status="RUNNING", name=name)
    _set_tags(run.id, {**project_tags(), **tags})


def _open_child(run: Run, parent: Run, name: str, tags: dict[str, str]) -> None:
    parentage = {"mlflow.parentRunId": parent.id}
    created = (
        _mlflow()
        .MlflowClient()
        .create_run(parent.experiment_id, run_name=name, tags={**parentage, **project_tags(), **tags})
    )
    run.id, run.experiment_id = created.info.run_id, parent.experiment_id


def _start_nested(run: Run, parent: Run, name: str, tags: dict[str, str]) -> None:
    opened = _mlflow().start_run(
        run_name=name, experiment_id=parent.experiment_id, nested=True, tags={**project_tags(), **tags}
    )
    run.id, run.experiment_id = opened.info.run_id, parent.experiment_id


def _log_params(run_id: str, params: dict[str, Any]) -> None:
    mlflow = _mlflow()
    entities = [mlflow.entities.Param(name, str(value)) for name, value in params.items()]
    mlflow.MlflowClient().log_batch(run_id, params=entities)


def _set_tags(run_id: str, tags: dict[str, Any]) -> None:
    client = _mlflow().MlflowClient()
    for key, value in tags.items():
        client.set_tag(run_id, key, value)


def _tag_children(parent: str, tags: dict[str, str]) -> None:
    client = _mlflow().MlflowClient()
    experiment_id = client.get_run(parent).info.experiment_id
    waiting = [parent]
    while waiting:
        run_id = waiting.pop()
        _set_tags(run_id, tags)
        children = client.search_runs([experiment_id], f"tags.`mlflow.parentRunId` = '{run_id}'")
        waiting += [child.info.run_id for child in children]


def _log_dataset(features: np.ndarray, labels: np.ndarray, name: str, context: str) -> None:
    from mlflow.data.code_dataset_source import CodeDatasetSource

    # The source is this project at a commit: git, data.dvc and the stages rebuild the very arrays of the digest.
    source = CodeDatasetSource(tags=project_tags())
    mlflow = _mlflow()
    # MLflow's own digest looks at the first 10,000 numbers alone: a dozen images.
    digest = hashlib.sha256(np.ascontiguousarray(features))
    digest.update(np.ascontiguousarray(labels))
    dataset = mlflow.data.from_numpy(features, targets=labels, source=source, name=name, digest=digest.hexdigest()[:32])
    mlflow.log_input(dataset, context=context)


def _log_model(log: Callable[..., Any], example: np.ndarray, outputs: int, requirements: list[str]) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    inputs = Schema([TensorSpec(example.dtype, (-1, *example.shape[1:]))])
    logits_dtype = example.dtype if example.dtype.kind == "f" else np.dtype("float32")
    signature = ModelSignature(inputs, Schema([TensorSpec(logits_dtype, (-1, outputs))]))
    pinned = pinned_requirements(["mlflow", "numpy", *requirements])
    return log(example=example, name="model", signature=signature, pip_requirements=pinned)
