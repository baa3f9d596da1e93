"""A store of MLflow's for tests alone."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


def use_store(patch: pytest.MonkeyPatch, address: object) -> None:
    """Has MLflow keep runs at an address, whatever the environment that the tests run in says."""
    patch.setenv("MLFLOW_TRACKING_URI", str(address))
    patch.delenv("MLFLOW_RUN_ID", raising=False)
    patch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)


@contextmanager
def mlflow_as_found() -> Iterator[None]:
    """Ends what is set of MLflow for the whole process meanwhile: its store, experiment, runs and variables.

    All tests of a worker share that process: an experiment that one file sets is not in the store of the next.
    """
    before = _variables()
    yield
    if "mlflow" in sys.modules:
        import mlflow
        from mlflow.tracking import fluent

        while mlflow.active_run():
            mlflow.end_run()
        mlflow.set_tracking_uri(None)
        mlflow.set_registry_uri(None)
        fluent._active_experiment_id = None  # nothing public takes `set_experiment` back
    for name in _variables():
        del os.environ[name]
    os.environ.update(before)


def _variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("MLFLOW_")}
