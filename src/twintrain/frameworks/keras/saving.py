"""Saves, loads and logs a Keras network as .keras: stock layers, no pickled code, no classes of ours."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

FILE_NAME = "model.keras"


def save(model: keras.Model, example: np.ndarray, path: Path) -> None:
    """Saves a network for prediction, for any number of rows."""
    model.save(path)


def load(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Loads a saved network as a function from features to logits, on the CPU."""
    with keras.device("cpu:0"):
        model = keras.models.load_model(path, compile=False)

    def predict(features: np.ndarray) -> np.ndarray:
        with keras.device("cpu:0"):
            return np.array(model(features, training=False))

    return predict


def log_model(model: keras.Model, example: np.ndarray, **arguments: Any) -> Any:
    """Logs a network to the active MLflow run; returns MLflow's ModelInfo."""
    # mlflow.keras.log_model fails on an input example (MLflow 3.17.2); the TensorFlow flavor takes Keras 3.
    import mlflow.tensorflow

    # MLflow predicts the example with a progress bar.
    keras.config.disable_interactive_logging()
    return mlflow.tensorflow.log_model(model, input_example=example[:2], **arguments)


def requirements() -> list[str]:
    """Packages that the logged model needs."""
    return ["keras", "tensorflow"]
