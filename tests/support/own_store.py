"""A store of MLflow's for tests alone."""

import pytest


def use_store(patch: pytest.MonkeyPatch, address: object) -> None:
    """Has MLflow keep runs at an address, whatever the environment that the tests run in says."""
    patch.setenv("MLFLOW_TRACKING_URI", str(address))
    patch.delenv("MLFLOW_RUN_ID", raising=False)
    patch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
