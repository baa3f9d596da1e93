"""Saves and loads a Keras network as .keras: stock layers, no pickled code, no classes of ours."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from twintrain.errors import UserError
from twintrain.frameworks import keras_archive
from twintrain.frameworks.keras import networks
from twintrain.frameworks.keras.engines import engine_module
from twintrain.models.network import Network

FILE_NAME = "model.keras"


def save(model: keras.Model, network: Network, example: np.ndarray, path: Path) -> None:
    """Saves a network for prediction, for any number of rows, with its head if it has one."""
    networks.for_prediction(model, network).save(path)


def load(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Loads a saved network as a function from features to logits, or to what its head makes of them, on the CPU.

    Raises:
        UserError: the file cannot be loaded, or may run code when it is.
    """
    # Not cpu:0, to which Keras on PyTorch moves what is there already, and then has no parameter any more.
    with keras.device("cpu"):
        model = _load_model(path)

    def predict(features: np.ndarray) -> np.ndarray:
        with keras.device("cpu"):
            # As `model.predict`: the library under Keras compiles the network once a shape, where it can.
            return model.predict_on_batch(features)

    return predict


def _load_model(path: Path) -> keras.Model:
    keras_archive.check(path)
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # whatever Keras meets in a damaged file
        reason = f"it is damaged, or of another version ({type(error).__name__})"
        raise UserError(f"{path} cannot be loaded by Keras {keras.__version__}: {reason}") from None


def set_threads(count: int) -> int:
    """Lets predictions of this process take so many CPU threads; returns how many they take, 0: the library's choice.

    To be called before a network is built or loaded: TensorFlow then has its threads, and keeps them.
    """
    return engine_module().set_threads(count)


def load_weights(path: Path, network: Network) -> dict[str, np.ndarray]:
    """Returns the arrays of a saved network, named and laid out as `Network.weights`."""
    return networks.get_weights(_load_model(path), network)


def save_mlflow_model(model: keras.Model, network: Network, example: np.ndarray, path: Path, **arguments: Any) -> None:
    """Saves a network as the folder of an MLflow model, with the example; `arguments` are those of MLflow's flavor."""
    engine_module().save_mlflow_model(networks.for_prediction(model, network), example[:2], path, **arguments)
