"""What one file of tests sets of MLflow is not found by the next."""

import os

import mlflow
from own_store import mlflow_as_found


def test_nothing_stays_of_a_store_an_experiment_and_a_run(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/before.db")
    variables = dict(os.environ)
    with mlflow_as_found():
        mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
        mlflow.set_experiment("another")
        own = mlflow.start_run().info.experiment_id
        assert mlflow.active_run().info.experiment_id == own != "0"
    assert mlflow.active_run() is None
    assert mlflow.get_tracking_uri() == variables["MLFLOW_TRACKING_URI"]
    assert dict(os.environ) == variables
    with mlflow.start_run() as run:
        assert run.info.experiment_id == "0"
