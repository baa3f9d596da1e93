"""Calibration errors by torchmetrics: python calibration_worker.py IN.npz OUT.json

It imports PyTorch, hence the process of its own.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from torchmetrics.functional.classification import multiclass_calibration_error


def main(stored: str, out: str) -> None:
    arrays = {name: torch.from_numpy(array) for name, array in np.load(stored).items()}
    names = dict.fromkeys(name.split("|")[0] for name in arrays)
    found = {name: error(arrays[f"{name}|p"], arrays[f"{name}|l"]) for name in names}
    Path(out).write_text(json.dumps(found), encoding="utf-8")


def error(probability: torch.Tensor, labels: torch.Tensor) -> float:
    return float(multiclass_calibration_error(probability, labels, probability.shape[1], n_bins=15, norm="l1"))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
