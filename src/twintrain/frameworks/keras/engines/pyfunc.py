"""Saves a Keras network as an MLflow model that needs no TensorFlow: MLflow's own Keras flavors import it."""

import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

CODE = Path(__file__).with_name("pyfunc_model.py")


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
