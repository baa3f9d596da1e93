"""Our scores, losses and calibration errors are those of torchmetrics."""

import json

import numpy as np
import pytest
from worker_process import run_worker

from twintrain.evaluation import metrics
from twintrain.evaluation.calibration import expected_calibration_error, reliability
from twintrain.evaluation.scores import score
from twintrain.settings.sections.losses import Loss

# Counts and areas are float32 in torchmetrics.
TOLERANCE = 1e-6
DRAWN = (2, 3, 10)


def cases() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Logits and labels."""
    rng = np.random.default_rng(0)
    found = {}
    for classes in (2, 3, 10):
        outputs = 1 if classes == 2 else classes
        labels = np.concatenate([np.arange(classes), rng.integers(0, classes, 200 - classes)])
        logits = rng.normal(scale=2, size=(200, outputs))
        found[f"{classes} classes"] = (logits, labels)
        found[f"{classes} classes, many ties"] = (logits.round(), labels)
        found[f"{classes} classes, all the same"] = (np.zeros((200, outputs)), labels)
        # The second class is never predicted.
        found[f"{classes} classes, one never predicted"] = (logits - 99 * (np.arange(outputs) == outputs // 2), labels)
        rare = np.where(np.arange(200) < classes, labels, 0)
        found[f"{classes} classes, one row each but for the first"] = (logits, rare)
        found[f"{classes} classes, the last one absent"] = (logits, np.minimum(labels, classes - 2))
        sure = labels[:, None] * 60.0 - 30 if classes == 2 else 30.0 * np.eye(classes)[labels]
        found[f"{classes} classes, sure and right"] = (sure, labels)
        found[f"{classes} classes, sure and wrong"] = (-sure, labels)
    return found


def drawn(classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and labels, without logits."""
    rng = np.random.default_rng(classes)
    return rng.dirichlet(np.full(classes, 0.5), 800), rng.integers(classes, size=800)


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, dict[str, float]]]:
    """What torchmetrics makes of all cases."""
    folder = tmp_path_factory.mktemp("oracle")
    stored = {}
    for name, (logits, labels) in cases().items():
        stored |= {f"{name}|probability": metrics.probabilities(logits), f"{name}|labels": labels}
    for classes in DRAWN:
        probability, labels = drawn(classes)
        stored |= {f"{classes} classes, drawn|probability": probability, f"{classes} classes, drawn|labels": labels}
    np.savez(folder / "in.npz", **stored)
    run_worker("torchmetrics_worker.py", folder / "in.npz", folder / "out.json")
    return json.loads((folder / "out.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", cases())
def test_scores_are_those_of_torchmetrics(oracle, case):
    logits, labels = cases()[case]
    probability = metrics.probabilities(logits)
    found = score(probability, labels, test_loss=0.0)
    del found["test_loss"]
    expected = oracle[case]["scores"]
    if len(np.unique(labels)) < probability.shape[1]:
        # There is no curve of an absent class: we give no area, torchmetrics a 0 in its place.
        del expected["auc_score"]
    assert found == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize("case", cases())
@pytest.mark.parametrize("name", ["cross_entropy", "mse", "mae"])
def test_losses_are_those_of_torchmetrics(oracle, case, name):
    logits, labels = cases()[case]
    loss = Loss() if name == "cross_entropy" else Loss(name=name)
    assert metrics.loss(logits, labels, loss) == pytest.approx(
        oracle[case]["losses"][name], rel=TOLERANCE, abs=TOLERANCE
    )


@pytest.mark.parametrize("classes", DRAWN)
def test_calibration_error_is_that_of_torchmetrics(oracle, classes):
    expected = oracle[f"{classes} classes, drawn"]["calibration"]["error"]
    assert expected_calibration_error(reliability(*drawn(classes))) == pytest.approx(expected, abs=TOLERANCE)
