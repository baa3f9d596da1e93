"""Saves and loads a PyTorch network as pt2 (torch.export): a graph, no pickled code, no classes of ours."""

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from twintrain.errors import UserError
from twintrain.frameworks import pt2_archive
from twintrain.frameworks.torch import networks
from twintrain.models.network import Network

FILE_NAME = "model.pt2"


def save(model: torch.nn.Module, network: Network, example: np.ndarray, path: Path) -> None:
    """Saves a network for prediction on the CPU, for any number of rows, with its head if it has one.

    Raises:
        UserError: a twin of the user's own asks for the number of rows as a Python number.
    """
    # Two rows, since an example of one row would freeze the batch size at one.
    rows = (torch.from_numpy(example[:2]),)
    with _quiet():
        program = torch.export.export(
            networks.for_prediction(model, network), rows, dynamic_shapes=({0: torch.export.Dim.AUTO},)
        )
    if not program.range_constraints:
        raise UserError(
            f"{network.source}: the saved network would take {len(example[:2])} rows and no others, since a forward() "
            "fixes their number; expected x.shape[0], or x.flatten(1), in place of len(x)"
        )
    torch.export.save(program, path)
    pt2_archive.leave_out_notes(path)


def load(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Loads a saved network as a function from features to logits, or to what its head makes of them, on the CPU.

    Raises:
        UserError: the file cannot be loaded, or may run code when it is.
    """
    program = _load_program(path)
    with _quiet():
        model = program.module()

    def predict(features: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return model(torch.from_numpy(features)).numpy()

    return predict


def _load_program(path: Path) -> torch.export.ExportedProgram:
    file = pt2_archive.load_checked(path)
    try:
        with _quiet():
            return torch.export.load(file)
    except Exception as error:  # whatever PyTorch's reader meets in a damaged file
        reason = f"it is damaged, or of another version ({type(error).__name__})"
        raise UserError(f"{path} cannot be loaded by PyTorch {torch.__version__}: {reason}") from None


def set_threads(count: int) -> int:
    """Lets predictions of this process take so many CPU threads; returns how many they take."""
    torch.set_num_threads(count)
    return torch.get_num_threads()


def load_weights(path: Path, network: Network) -> dict[str, np.ndarray]:
    """Returns the arrays of a saved network, named and laid out as `Network.weights`."""
    saved = _load_program(path).state_dict
    floating = next(array.dtype for array in saved.values() if array.is_floating_point())
    model = networks.build(network, str(floating).removeprefix("torch."), seed=0)
    model.load_state_dict(saved)
    return networks.get_weights(model, network)


def save_mlflow_model(
    model: torch.nn.Module, network: Network, example: np.ndarray, path: Path, **arguments: Any
) -> None:
    """Saves a network as the folder of an MLflow model, with the example; `arguments` are those of MLflow's flavor."""
    import mlflow.pytorch

    with _quiet():
        mlflow.pytorch.save_model(
            networks.for_prediction(model, network),
            str(path),
            input_example=example[:2],
            serialization_format="pt2",
            **arguments,
        )
    pt2_archive.leave_out_notes(path / "data" / FILE_NAME)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Leaves out PyTorch's warnings of its own read-only buffer, and of the weights that recurrent modules list.

    Of a damaged file it would print tracebacks before it raises.
    """
    with warnings.catch_warnings(), _silent(logging.getLogger("torch.export")):
        warnings.filterwarnings("ignore", message="The given buffer is not writable")
        warnings.filterwarnings("ignore", message=r"The tensor attributes? self\..*_flat_weights")
        yield


@contextlib.contextmanager
def _silent(logger: logging.Logger) -> Iterator[None]:
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before
