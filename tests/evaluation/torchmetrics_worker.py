"""Scores, losses, calibration errors of predictions by torchmetrics: python torchmetrics_worker.py IN.npz OUT.json

It imports PyTorch, hence the process of its own.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from torchmetrics import functional
from torchmetrics.functional import classification

MACRO = {"precision_macro": "precision", "recall_macro": "recall", "specificity_macro": "specificity", "f1_macro": "f1"}


def main(stored: str, out: str) -> None:
    arrays = {name: torch.from_numpy(array) for name, array in np.load(stored).items()}
    names = dict.fromkeys(name.split("|")[0] for name in arrays)
    found = {name: scored(*(arrays[f"{name}|{what}"] for what in ("probability", "labels"))) for name in names}
    Path(out).write_text(json.dumps(found), encoding="utf-8")


def scored(probability: torch.Tensor, labels: torch.Tensor) -> dict[str, dict[str, float]]:
    classes = probability.shape[1]
    scores = {
        "eval_acc": classification.multiclass_accuracy(probability, labels, classes, average="micro"),
        "auc_score": area(probability, labels),
        **{key: of_all_classes(name, probability, labels) for key, name in MACRO.items()},
    }
    # Of two classes, the network has one output: the probability of the second.
    targets = torch.nn.functional.one_hot(labels, classes).to(probability.dtype)
    outputs = slice(1, None) if classes == 2 else slice(None)
    predictions, targets = (values[:, outputs].contiguous() for values in (probability, targets))
    losses = {
        # Perplexity takes the softmax of what it is given, here of logarithms of probabilities.
        "cross_entropy": functional.text.perplexity(probability.log()[None], labels[None]).log(),
        "mse": functional.mean_squared_error(predictions, targets),
        "mae": functional.mean_absolute_error(predictions, targets),
    }
    calibration = classification.multiclass_calibration_error(probability, labels, classes, n_bins=15, norm="l1")
    return {
        kind: {name: float(value) for name, value in found.items()}
        for kind, found in (("scores", scores), ("losses", losses), ("calibration", {"error": calibration}))
    }


def area(probability: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    if probability.shape[1] == 2:
        return classification.binary_auroc(probability[:, 1], labels)
    return classification.multiclass_auroc(probability, labels, probability.shape[1], average="macro")


def of_all_classes(name: str, probability: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The plain mean over all classes: torchmetrics' own macro average leaves out those that no row has or is given."""
    function = getattr(classification, f"multiclass_{name.replace('f1', 'f1_score')}")
    return function(probability, labels, probability.shape[1], average="none").mean()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
