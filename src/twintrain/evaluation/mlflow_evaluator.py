"""An evaluator of MLflow: the paired statistics of a model and a baseline on the same rows.

mlflow.models.evaluate(
    candidate, data, targets="label", model_type="classifier",
    evaluator_config={"twintrain": {"baseline": "models:/net@champion"}},
)
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from twintrain.errors import UserError, shown
from twintrain.evaluation.prediction_comparison import MARGIN, PredictionComparison, compare_predictions

NAME = "twintrain"
TYPES = ("classifier", "regressor")
SETTINGS = ("baseline", "margin", "groups")
PREFIX = "paired_"


class PairedEvaluator:
    """Compares a candidate's predictions with a baseline's, where `evaluator_config` names one.

    Settings:
        baseline: the address of a model of MLflow, a function of the rows, or its predictions (rows, …).
        margin: as of `compare_predictions`.
        groups: a column of the data, or an array (rows,), of which rows were drawn together.
    """

    @classmethod
    def can_evaluate(cls, *, model_type: str, evaluator_config: Mapping[str, Any] | None, **_: Any) -> bool:
        """Whether there is a baseline, and predictions of a kind that can be compared."""
        return model_type in TYPES and "baseline" in (evaluator_config or {})

    def evaluate(
        self,
        *,
        model_type: str,
        dataset: Any,
        run_id: str,
        evaluator_config: Mapping[str, Any],
        model: Any = None,
        **_: Any,
    ) -> Any:
        """Logs figures, verdict and JSON into the run, and returns them as MLflow's result.

        Raises:
            UserError: a setting is not known, or predictions do not fit each other.
        """
        from mlflow.models.evaluation import EvaluationResult

        if unknown := [name for name in evaluator_config if name not in SETTINGS]:
            raise UserError(f"evaluator_config of {NAME} has {shown(unknown[0])}; known: {', '.join(SETTINGS)}")
        features = dataset.features_data
        candidate = dataset.predictions_data if model is None else model.predict(features)
        found = compare_predictions(
            _labels(dataset.labels_data, model_type),
            _numbers(candidate),
            _numbers(_baseline(evaluator_config["baseline"], features)),
            groups=_groups(evaluator_config.get("groups"), features),
            margin=evaluator_config.get("margin", MARGIN),
            names=("candidate", "baseline"),
        )
        metrics = figures(found)
        _log(run_id, found, metrics)
        return EvaluationResult(metrics=metrics, artifacts={}, run_id=run_id)


def figures(found: PredictionComparison) -> dict[str, float]:
    """Numbers of a comparison by names that MLflow takes; intervals as `_low` and `_high`."""
    metrics: dict[str, float] = {}
    for name, value in found.figures.items():
        if isinstance(value, list):
            metrics |= {f"{PREFIX}{name}_low": value[0], f"{PREFIX}{name}_high": value[1]}
        elif isinstance(value, int | float):  # whether they are equivalent is 0 or 1
            metrics[PREFIX + name] = float(value)
    return metrics


def _log(run_id: str, found: PredictionComparison, metrics: Mapping[str, float]) -> None:
    from mlflow import MlflowClient

    client = MlflowClient()
    for name, value in metrics.items():
        client.log_metric(run_id, name, value)
    client.set_tag(run_id, f"{NAME}.verdict", found.verdict)
    client.log_dict(run_id, found.to_dict(), f"{NAME}/comparison.json")


def _baseline(given: Any, features: Any) -> Any:
    if isinstance(given, str):
        from mlflow import pyfunc

        return pyfunc.load_model(given).predict(features)
    return given(features) if callable(given) else given


def _groups(given: Any, features: Any) -> Any:
    if isinstance(given, str):
        if given not in getattr(features, "columns", ()):
            raise UserError(f"evaluator_config of {NAME}: groups: the data has no column {shown(given)}")
        return _numbers(features[given])
    return given


def _labels(given: Any, model_type: str) -> np.ndarray:
    """Classes as integers or words, numbers as floats, whatever a table keeps them in."""
    labels = _numbers(given)
    if model_type == "regressor":
        return labels.astype(np.float64)
    is_whole = labels.dtype.kind == "f" and np.isfinite(labels).all() and (labels == labels.round()).all()
    return labels.astype(np.int64) if is_whole else labels


def _numbers(given: Any) -> np.ndarray:
    return given.to_numpy() if hasattr(given, "to_numpy") else np.asarray(given)
