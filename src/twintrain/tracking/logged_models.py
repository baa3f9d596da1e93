"""What makes a model in the store that of a run: tied to the run and to the metrics of its step, and filled."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

BATCH_METRICS = 1000  # MLflow's limit for one call


def tie(client: Any, model: Any, run: Any) -> None:
    """Makes a model an output of its run; doing so twice changes nothing."""
    from mlflow.entities import LoggedModelOutput, Metric

    run_id = run.info.run_id
    outputs = run.outputs.model_outputs if run.outputs else []
    if model.model_id not in [output.model_id for output in outputs]:
        client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    # As MLflow's own `log_model` does: what was measured at this step was measured of this model.
    metrics = [
        Metric(one.key, one.value, one.timestamp, one.step, model_id=model.model_id, run_id=run_id)
        for name in run.data.metrics
        for one in client.get_metric_history(run_id, name)
        if one.step == 0 and one.model_id is None
    ]
    log_metrics(client, run_id, metrics)


def fill(client: Any, model: Any, run_id: str, source: Path) -> None:
    """Uploads the folder of a model that was saved without knowing its ids."""
    from mlflow.models import Model

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "model"
        shutil.copytree(source, folder)
        described = Model.load(str(folder))
        described.artifact_path = model.artifact_location
        described.model_uuid = described.model_id = model.model_id
        described.run_id = run_id
        described.save(str(folder / "MLmodel"))
        client.log_model_artifacts(model.model_id, str(folder))


def log_metrics(client: Any, run_id: str, metrics: list[Any]) -> None:
    """Logs MLflow's metrics of a run, whatever their number."""
    for start in range(0, len(metrics), BATCH_METRICS):
        client.log_batch(run_id, metrics=metrics[start : start + BATCH_METRICS])
