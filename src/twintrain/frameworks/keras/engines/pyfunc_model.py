"""Goes with a logged model and loads it there, so it imports nothing of this project."""

import os
from typing import Any

import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext


class KerasModel(PythonModel):
    """A `.keras` file; features in, logits out, or what the network ends in after them."""

    def load_context(self, context: PythonModelContext) -> None:
        # A process that already has Keras on another library keeps that one: the file loads on all of them.
        os.environ.setdefault("KERAS_BACKEND", context.model_config["keras_backend"])
        os.environ.setdefault("JAX_ENABLE_X64", "1")  # else JAX makes float32 of a float64 network
        import keras

        self.ops = keras.ops
        self.model = keras.models.load_model(context.artifacts["model"], compile=False, safe_mode=True)

    def predict(self, context: PythonModelContext, model_input: np.ndarray, params: Any = None) -> np.ndarray:
        return self.ops.convert_to_numpy(self.model(model_input, training=False))


set_model(KerasModel())
