"""Finds runs in the store."""

from collections.abc import Callable
from typing import Any

from twintrain.tracking.journal import Ref

PARENT_TAG = "mlflow.parentRunId"
JOURNAL = "journal"  # a run's tag: the key of its journal, by which it is known before the store has given an id


def run_of_journal(client: Any, key: str) -> Any | None:
    """The run that a journal is of, by the tag that it carries."""
    experiments = [found.experiment_id for found in client.search_experiments()]
    found = client.search_runs(experiments, f"tags.{JOURNAL} = '{key}'", max_results=1)
    return found[0] if found else None


def find_run(client: Any, ref: Ref) -> Any | None:
    """A run that is not deleted; None where the store does not have it: DVC restores trainings of other stores too."""
    if ref.run_id:
        run = unless_missing(lambda: client.get_run(ref.run_id))
        return run if run and run.info.lifecycle_stage == "active" else None
    return run_of_journal(client, ref.journal) if ref.journal else None


def model_of(client: Any, run: Any, name: str) -> Any | None:
    """The whole model of a name that a run has; None where it has none."""
    found = client.search_logged_models([run.info.experiment_id], f"source_run_id = '{run.info.run_id}'")
    # MLflow 3.17 finds none by this status.
    return next((model for model in found if model.name == name and model.status == "READY"), None)


def unless_missing(ask: Callable[[], Any]) -> Any | None:
    """What the store answers; None where it does not have what is asked for."""
    from mlflow.exceptions import MlflowException

    try:
        return ask()
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None
