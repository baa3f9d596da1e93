"""Saves, loads and logs a PyTorch network as pt2 (torch.export): a graph, no pickled code, no classes of ours."""

import contextlib
import copy
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

FILE_NAME = "model.pt2"


def save(model: torch.nn.Module, example: np.ndarray, path: Path) -> None:
    """Saves a network for prediction on the CPU, for any number of rows."""
    # Two rows, since an example of one row would freeze the batch size at one.
    rows = torch.from_numpy(example[:2])
    program = torch.export.export(_for_prediction(model), (rows,), dynamic_shapes=({0: torch.export.Dim.AUTO},))
    torch.export.save(program, path)


def load(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Loads a saved network as a function from features to logits, on the CPU."""
    with _quiet():
        model = torch.export.load(path).module()

    def predict(features: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return model(torch.from_numpy(features)).numpy()

    return predict


def log_model(model: torch.nn.Module, example: np.ndarray, **arguments: Any) -> Any:
    """Logs a network to the active MLflow run; returns MLflow's ModelInfo."""
    import mlflow.pytorch

    with _quiet():
        return mlflow.pytorch.log_model(
            _for_prediction(model), input_example=example[:2], serialization_format="pt2", **arguments
        )


def requirements() -> list[str]:
    """Packages that the logged model needs."""
    return ["torch"]


def _for_prediction(model: torch.nn.Module) -> torch.nn.Module:
    """A copy on the CPU in evaluation mode: in training mode pt2 would freeze dropout and batch statistics."""
    return copy.deepcopy(model).cpu().eval()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Leaves out PyTorch's warning of its own read-only buffer, which nothing writes to."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given buffer is not writable")
        yield
