"""All that MLflow's client says of a store, with its ids and times: what a copy of it must say too.

Numbers of experiments and the places of artifacts are left out: they are those of one store.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import ViewType


def fields(client: MlflowClient) -> dict[str, Any]:
    """By kind and id, everything but what belongs to one store alone."""
    experiments = {found.experiment_id: found for found in client.search_experiments(ViewType.ALL)}
    names = {number: found.name for number, found in experiments.items()}
    return {
        "experiments": {
            found.name: [found.lifecycle_stage, found.creation_time, found.last_update_time, found.tags]
            for found in experiments.values()
            if found.experiment_id != "0"  # which every store makes for itself
        },
        "runs": {run.info.run_id: _run(client, run, names) for run in _pages(client.search_runs, list(names))},
        "models": {
            model.model_id: {**_without(dict(model)), "experiment": names[model.experiment_id]}
            for model in _pages(client.search_logged_models, list(names))
        },
        "registered": {model.name: _registered(client, model) for model in client.search_registered_models()},
    }


def places(client: MlflowClient) -> list[str]:
    """Where artifacts of runs, models and versions are."""
    numbers = [found.experiment_id for found in client.search_experiments(ViewType.ALL)]
    runs = [run.info.artifact_uri for run in _pages(client.search_runs, numbers)]
    models = [model.artifact_location for model in _pages(client.search_logged_models, numbers)]
    versions = client.search_model_versions()
    return runs + models + [client.get_model_version_download_uri(each.name, each.version) for each in versions]


def files(folder: Path) -> dict[str, bytes]:
    """What lies below a folder, whatever the number of the experiment."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(folder).relative_to(path.relative_to(folder).parts[0])): path.read_bytes()
        for path in found
    }


def _pages(search: Any, experiments: list[str]) -> Iterator[Any]:
    token, view = None, {"run_view_type": ViewType.ALL} if search.__name__ == "search_runs" else {}
    while True:
        page = search(experiments, page_token=token, **view)
        yield from page
        token = page.token
        if not token:
            return


def _run(client: MlflowClient, run: Any, names: dict[str, str]) -> dict[str, Any]:
    histories = {key: client.get_metric_history(run.info.run_id, key) for key in run.data.metrics}
    inputs = run.inputs.dataset_inputs if run.inputs else []
    outputs = run.outputs.model_outputs if run.outputs else []
    return {
        **_without(dict(run.info)),
        "experiment": names[run.info.experiment_id],
        "params": run.data.params,
        "tags": run.data.tags,
        "latest": repr(sorted(run.data.metrics.items())),
        # In words: NaN is not equal to itself.
        "history": {key: sorted(repr(dict(each)) for each in history) for key, history in histories.items()},
        "inputs": sorted(repr([dict(each.dataset), [dict(tag) for tag in each.tags]]) for each in inputs),
        "outputs": sorted((each.model_id, each.step) for each in outputs),
    }


def _registered(client: MlflowClient, model: Any) -> dict[str, Any]:
    versions = client.search_model_versions(f"name = '{model.name}'")
    return {
        **{name: value for name, value in _without(dict(model)).items() if name not in ("latest_versions", "aliases")},
        "aliases": {alias: int(version) for alias, version in model.aliases.items()},
        "versions": {int(each.version): {**_without(dict(each)), "version": int(each.version)} for each in versions},
    }


def _without(entity: dict[str, Any]) -> dict[str, Any]:
    own = ("experiment_id", "artifact_uri", "artifact_location", "run_link")
    # Of deployments nothing is kept; a server says so in other words than a database.
    return {name: _plain(value) for name, value in entity.items() if name not in own and "deployment" not in name}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return sorted(repr(dict(each)) for each in value)
    return value or None  # of a text that there is not, a server says that it is empty
