"""MLflow's evaluate with a candidate and a baseline: the paired statistics are figures of the run."""

import numpy as np
import pytest

from twintrain import UserError, compare_predictions
from twintrain.evaluation.mlflow_evaluator import PairedEvaluator, figures

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 2, 300)
GOOD = np.where(RNG.random(300) < 0.05, 1 - LABELS, LABELS)
BAD = np.where(RNG.random(300) < 0.3, 1 - LABELS, LABELS)


@pytest.mark.parametrize(
    ("model_type", "config", "expected"),
    [
        ("classifier", {"baseline": BAD}, True),
        ("regressor", {"baseline": None}, True),
        ("classifier", {}, False),
        ("classifier", None, False),
        ("text", {"baseline": BAD}, False),
    ],
)
def test_it_evaluates_where_a_baseline_is_named(model_type, config, expected):
    assert PairedEvaluator.can_evaluate(model_type=model_type, evaluator_config=config, more=1) is expected


def test_figures_are_numbers():
    found = compare_predictions(LABELS, GOOD, BAD)
    numbers = figures(found)
    assert all(isinstance(value, float) for value in numbers.values())
    low, high = found.figures["accuracy_ci95"]
    assert (numbers["paired_accuracy_ci95_low"], numbers["paired_accuracy_ci95_high"]) == (low, high)
    assert numbers["paired_equivalent"] == 0.0


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory):
    import mlflow
    from mlflow.models.evaluation.evaluator_registry import _model_evaluation_registry

    # What the entry point does where the package is installed.
    _model_evaluation_registry.register("twintrain", PairedEvaluator)
    folder = tmp_path_factory.mktemp("store")
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.create_experiment("paired", artifact_location=str(folder / "files"))
    mlflow.set_experiment("paired")
    return mlflow


def evaluated(mlflow, model_type, candidate, labels, **config):
    import pandas as pd

    data = pd.DataFrame({"x": np.arange(len(labels)), "label": labels, "candidate": candidate})
    given = {"targets": "label", "predictions": "candidate", "model_type": model_type, "evaluators": ["twintrain"]}
    with mlflow.start_run() as run:
        found = mlflow.models.evaluate(data=data, evaluator_config={"twintrain": config}, **given)
    return found, mlflow.get_run(run.info.run_id)


@pytest.mark.slow
def test_run_gets_the_paired_statistics(mlflow):
    expected = compare_predictions(LABELS, GOOD, BAD)
    found, run = evaluated(mlflow, "classifier", GOOD, LABELS, baseline=BAD)
    assert found.metrics == figures(expected)
    assert run.data.metrics == figures(expected)
    assert run.data.tags["twintrain.verdict"].startswith("candidate is ")


@pytest.mark.slow
def test_baseline_may_be_a_function_and_numbers_may_be_in_groups(mlflow):
    truth, groups = RNG.normal(size=300), np.arange(300) // 10
    near, far = truth + RNG.normal(0, 0.1, 300), truth + RNG.normal(0, 0.5, 300)
    found, _ = evaluated(
        mlflow, "regressor", near, truth, baseline=lambda rows: far[rows["x"]], groups=groups, margin=0.05
    )
    assert found.metrics == figures(compare_predictions(truth, near, far, groups=groups, margin=0.05))


@pytest.mark.slow
def test_setting_that_is_not_known_is_one_line(mlflow):
    with pytest.raises(UserError, match="evaluator_config of twintrain has 'margn'; known: baseline, margin, groups"):
        evaluated(mlflow, "classifier", GOOD, LABELS, baseline=BAD, margn=0.1)
