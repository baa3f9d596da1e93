"""What a store of MLflow's holds, as plain dictionaries, so that two stores can be compared field by field.

Ids and times are those of one store alone: ids are replaced by the names of what they mean, times are left out
(`later_than` looks at them), and of what was measured (seconds, memory) the names count, not the numbers. Texts that a
command has written while the store was away have no links to its runs. Whatever else differs is a difference.
"""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import LoggedModel, Run

SYSTEM = "system/"
# Metrics, and fields of JSON files, whose numbers are those of a machine at a moment.
MEASURED = re.compile(r"seconds|second$|memory|latency|_load(ed)?$|_ms$|_bytes$|utc_time|_time$|^dvc_lock$")
# What a text cannot say while the store is away: the ids of runs and links to them, and the digest of such a text.
PLACES = re.compile(r"^(run_id|model_id|experiment_id|results)$")
LINKS = re.compile(r"\n*(Runs: \[|<p>Runs in the MLflow UI).*")
# Tags that differ from command to command: of them the names count. dvc.lock has the ids of runs in it.
OWN_TAGS = re.compile(r"^(dvc_lock|journal|process|owner.*|latency.*|.*_ms)$")
OBJECT = re.compile(r"\b\d{12,16}\b")  # where skops has met an object in memory
NUMBER = re.compile(r"\d+(\.\d+)?([eE][-+]?\d+)?")
OWN_NAMES = (
    (re.compile(r"mlflow-artifacts:/\d+"), "mlflow-artifacts:/EXPERIMENT"),
    (re.compile(r"/tmp[a-z0-9_]{8}\b"), "/TEMPORARY"),  # as Python's tempfile names folders
    (re.compile(r"\b\d{20}-[0-9a-f]{8}\b"), "JOURNAL"),
)
COUNTED = re.compile(r" #(\d+)")  # of several runs, or models, of one name, as `_named` writes it
WATCHED = 5000  # milliseconds; a shorter run may or may not have system metrics
WHATEVER = "whatever"  # is equal to all
TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?")
PAGES = (".html", ".md")  # they show figures that are measured, between others
LONGEST = 90  # characters of a value in a difference


def snapshot(database: str, artifacts: Path | None = None, experiment: str | None = None) -> dict[str, Any]:
    """Reads a whole store, straight from its files: no server has a say in it.

    Args:
        database: sqlite:///…
        artifacts: where a server keeps what its clients call mlflow-artifacts:/
        experiment: the one whose runs and models are read; None: all.
    """
    return _Reader(MlflowClient(database), artifacts).read(experiment)


def difference(expected: Any, found: Any, path: str = "") -> list[str]:
    """Names every field in which two snapshots differ; what is missing as a whole is one line."""
    if isinstance(expected, dict) and isinstance(found, dict):
        lines = []
        for key in sorted({*expected, *found}, key=str):
            place = f"{path}/{key}" if path else str(key)
            if key not in found:
                lines.append(f"missing: {place}")
            elif key not in expected:
                lines.append(f"too much: {place}{_told(found[key])}")
            else:
                lines += difference(expected[key], found[key], place)
        return lines
    if expected == found or WHATEVER in (expected, found):
        return []
    return [f"{path}: expected {_short(expected)}, got {_short(found)}"]


def unfinished(store: dict[str, Any]) -> list[str]:
    """Runs that are open, and models that are not ready."""
    runs = [f"{name} is {run['status']}" for name, run in store["runs"].items() if run["status"] == "RUNNING"]
    models = [f"{name} is {model['status']}" for name, model in store["models"].items() if model["status"] != "READY"]
    return runs + models


def later_than(database: str, moment: float, experiment: str | None = None) -> list[str]:
    """Starts and ends of runs, and metrics, that lie after a moment (in seconds): a replay must keep the true times."""
    client, lines = MlflowClient(database), []
    for run in _runs(client, _ids(_experiments(client, experiment))):
        times = {"start": run.info.start_time, "end": run.info.end_time or 0}
        for key in run.data.metrics:
            times[f"metric {key}"] = max(metric.timestamp for metric in client.get_metric_history(run.info.run_id, key))
        late = [f"{what} {time / 1000 - moment:.1f} s" for what, time in times.items() if time > 1000 * moment]
        if late:
            lines.append(f"{run.info.run_name}: later by {', '.join(late[:4])}{' …' if late[4:] else ''}")
    return lines


class _Reader:
    """Reads one store."""

    def __init__(self, client: MlflowClient, artifacts: Path | None) -> None:
        self.client = client
        self.artifacts = artifacts
        self.ids: dict[str, str] = {}  # what each id is called

    def read(self, experiment: str | None) -> dict[str, Any]:
        experiments = _experiments(self.client, experiment)
        runs, models = _runs(self.client, _ids(experiments)), _models(self.client, _ids(experiments))
        by_id = {run.info.run_id: run for run in runs}
        self.ids |= _named(sorted(by_id, key=lambda id_: by_id[id_].info.start_time), lambda id_: _path(by_id, id_))
        owners = {model.model_id: f"{self.ids.get(model.source_run_id, '–')}/{model.name}" for model in models}
        self.ids |= _named(owners, owners.__getitem__)
        return {
            "experiments": {each.name: each.lifecycle_stage for each in experiments},
            "runs": {self.ids[id_]: self._run(run) for id_, run in by_id.items()},
            "models": {self.ids[model.model_id]: self._model(model) for model in models},
            "registered": {each.name: self._registered(each) for each in self.client.search_registered_models()},
        }

    def _run(self, run: Run) -> dict[str, Any]:
        histories = {key: self.client.get_metric_history(run.info.run_id, key) for key in run.data.metrics}
        system = {key for key in histories if key.startswith(SYSTEM)}
        lasted = (run.info.end_time or 0) - run.info.start_time
        inputs = run.inputs.dataset_inputs if run.inputs else []
        outputs = run.outputs.model_outputs if run.outputs else []
        return {
            "experiment": self.client.get_experiment(run.info.experiment_id).name,
            "name": run.info.run_name,
            "status": run.info.status,
            "ended": run.info.end_time is not None,
            "params": run.data.params,
            "metrics": {key: self._history(key, history) for key, history in histories.items() if key not in system},
            "system": sorted(system) if lasted > WATCHED else WHATEVER,
            "tags": self._tags(run.data.tags),
            "inputs": {f"{each.dataset.name} {each.tags[0].value}": self._dataset(each.dataset) for each in inputs},
            "outputs": sorted((self._stable(each.model_id), each.step) for each in outputs),
            "artifacts": self._files(run.info.artifact_uri),
        }

    def _model(self, model: LoggedModel) -> dict[str, Any]:
        return {
            "status": str(model.status),
            "params": model.params,
            "tags": self._tags(model.tags),
            "type": model.model_type,
            "metrics": sorted(
                (each.key, "measured" if MEASURED.search(each.key) else each.value, each.step)
                for each in model.metrics or []
                if not each.key.startswith(SYSTEM)
            ),
            "artifacts": self._files(model.artifact_location),
        }

    def _registered(self, model: Any) -> dict[str, Any]:
        versions = self.client.search_model_versions(f"name = '{model.name}'")
        return {
            "tags": self._tags(model.tags),
            "aliases": {alias: str(version) for alias, version in model.aliases.items()},
            "description": model.description or "",
            "versions": {str(each.version): self._version(each) for each in versions},
        }

    def _version(self, version: Any) -> dict[str, Any]:
        return {
            "run": self._stable(version.run_id),
            "source": self._stable(version.source),
            "status": version.status,
            "tags": self._tags(version.tags),
            "description": version.description or "",
        }

    def _history(self, key: str, history: list[Any]) -> Any:
        return sorted(
            (each.step, "measured" if MEASURED.search(key) else each.value, self._stable(each.model_id))
            for each in history
        )

    def _dataset(self, dataset: Any) -> dict[str, Any]:
        fields = ("digest", "source_type", "source", "schema", "profile")
        return {name: self._text(name, getattr(dataset, name) or "") for name in fields}

    def _tags(self, tags: dict[str, str]) -> dict[str, Any]:
        return {name: "its own" if OWN_TAGS.match(name) else self._text(name, value) for name, value in tags.items()}

    def _stable(self, text: str | None) -> str:
        """A text with the names of things instead of their ids."""
        for pattern, name in OWN_NAMES:
            text = pattern.sub(name, text or "")
        return re.sub(r"\b(m-)?[0-9a-f]{32}\b", lambda found: self.ids.get(found[0], found[0]), text)

    def _text(self, name: str, text: str) -> Any:
        """What is to be compared of a text: JSON without measured figures, pages without any."""
        text = LINKS.sub("", TIME.sub("TIME", self._stable(text)))
        try:
            content = json.loads(text)
        except ValueError:
            return NUMBER.sub("N", text) if name.endswith((*PAGES, "note.content", "gate_reason")) else text
        return _without_measured(content) if isinstance(content, dict | list) else text

    def _files(self, uri: str) -> dict[str, str]:
        """The digest of each file."""
        folder = self._folder(uri)
        return {
            str(path.relative_to(folder)): self._digest(path) for path in sorted(folder.rglob("*")) if path.is_file()
        }

    def _folder(self, uri: str) -> Path:
        if self.artifacts and uri.startswith("mlflow-artifacts:/"):
            return self.artifacts / uri.removeprefix("mlflow-artifacts:").lstrip("/")
        return Path(uri.removeprefix("file://"))

    def _digest(self, path: Path) -> str:
        content = path.read_bytes()
        if path.name in ("MLmodel", "registered_model_meta"):
            return _sha256(self._without_own_lines(content.decode()))
        if content.startswith(b"PK"):
            return _sha256(json.dumps(_members(content)))
        try:
            text = content.decode()
        except UnicodeDecodeError:
            return _sha256(content)
        return _sha256(json.dumps(self._text(path.name, text), sort_keys=True))

    def _without_own_lines(self, text: str) -> str:
        own = ("utc_time_created:", "model_uuid:", "model_size_bytes:", "model_version:", "model_code_path:")
        # Of runs of one name a file tells the name: which of them it lies in, the store tells.
        text = COUNTED.sub("", self._stable(text))
        return "\n".join(line for line in text.splitlines() if not line.strip().startswith(own))


def _experiments(client: MlflowClient, name: str | None) -> list[Any]:
    return [experiment for experiment in client.search_experiments() if name in (None, experiment.name)]


def _ids(experiments: list[Any]) -> list[str]:
    return [experiment.experiment_id for experiment in experiments]


def _runs(client: MlflowClient, experiments: list[str]) -> list[Run]:
    return [run for page in _pages(client.search_runs, experiments) for run in page]


def _models(client: MlflowClient, experiments: list[str]) -> list[LoggedModel]:
    found = [model for page in _pages(client.search_logged_models, experiments) for model in page]
    return sorted(found, key=lambda model: model.creation_timestamp)


def _pages(search: Any, experiments: list[str]) -> Iterator[Any]:
    token = None
    while True:
        page = search(experiments, page_token=token)
        yield page
        token = page.token
        if not token:
            return


def _path(runs: dict[str, Run], run_id: str) -> str:
    """The names of a run and of those above it."""
    run = runs[run_id]
    parent = run.data.tags.get("mlflow.parentRunId")
    above = f"{_path(runs, parent)} > " if parent in runs else f"{parent} (absent) > " if parent else ""
    return f"{above}{run.info.run_name}"


def _named(ids: Iterable[str], name_of: Any) -> dict[str, str]:
    """A name for each id; those of one name are numbered in their order."""
    names: dict[str, str] = {}
    seen: dict[str, int] = {}
    for id_ in ids:
        name = name_of(id_)
        seen[name] = seen.get(name, 0) + 1
        names[id_] = name if seen[name] == 1 else f"{name} #{seen[name]}"
    return names


def _without_measured(content: Any) -> Any:
    if isinstance(content, dict):
        return {
            key: "its own" if MEASURED.search(str(key)) or PLACES.match(str(key)) else _without_measured(value)
            for key, value in content.items()
        }
    return [_without_measured(value) for value in content] if isinstance(content, list) else content


def _members(content: bytes) -> list[tuple[str, str]]:
    """Names and digests of what an archive holds, whenever it was packed."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return [
        (OBJECT.sub("", name), _sha256(OBJECT.sub("", content.decode()) if name.endswith(".json") else content))
        for name, content in members.items()
    ]


def _sha256(content: str | bytes) -> str:
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()[:16]


def _told(value: Any) -> str:
    return "" if isinstance(value, dict) else f" ({_short(value)})"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
