"""Logs a Keras network as an MLflow model that needs no TensorFlow: MLflow's own Keras flavors import it."""

import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

CODE = Path(__file__).with_name("pyfunc_model.py")


def log_model(model: keras.Model, backend: str, example: np.ndarray, **arguments: Any) -> Any:
    """Logs the network as `.keras` with a few lines of code that load it; returns MLflow's ModelInfo."""
    import mlflow.pyfunc

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        return mlflow.pyfunc.log_model(
            python_model=str(CODE),
            artifacts={"model": str(path)},
            model_config={"keras_backend": backend},
            input_example=example,
            **arguments,
        )


def save_mlflow_model(model: keras.Model, backend: str, example: np.ndarray, path: Path, **arguments: Any) -> None:
    """Saves the network as the folder of an MLflow model: `.keras` with a few lines of code that load it."""
    import mlflow.pyfunc

    with tempfile.TemporaryDirectory() as folder:
        network = Path(folder) / "model.keras"
        model.save(network)
        mlflow.pyfunc.save_model(
            str(path),
            python_model=str(CODE),
            artifacts={"model": str(network)},
            model_config={"keras_backend": backend},
            input_example=example,
            **arguments,
        )
