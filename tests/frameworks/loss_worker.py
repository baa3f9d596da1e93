"""Writes every loss and its gradient by the logits: python loss_worker.py torch|keras OUT.npz

Keras computes on KERAS_BACKEND. One framework a process; the test compares the arrays.
"""

import importlib
import sys
from collections.abc import Callable

import numpy as np
from loss_cases import (
    CLASS_WEIGHTS,
    DTYPES,
    INPUTS,
    OF_TARGETS,
    TARGETS,
    arrays,
    logits_of_targets,
    mixed_labels,
    settings,
)

from twintrain.settings.sections.losses import Loss


def main(framework: str, out: str) -> None:
    losses = importlib.import_module(f"twintrain.frameworks.{framework}.losses")
    compiled = WITH_GRADIENT[backend_of(framework)]
    results = {}
    for name, (task, loss) in settings().items():
        function, terms = losses.build(loss, task), losses.term_of(loss.name_for(task), task)
        with_gradient = compiled(function)
        for inputs in INPUTS:
            for dtype in DTYPES:
                set_precision(framework, dtype)
                logits, labels = arrays(task, inputs, dtype)
                key = f"{name}|{inputs}|{dtype}"
                results[f"{key}|loss"], results[f"{key}|gradient"] = with_gradient(logits, labels)
                results[f"{key}|terms"] = unrecorded(framework, terms, logits, labels, loss.options_for(task))
                if name == task:
                    results[f"{key}|metric"] = unrecorded(framework, losses.metric, logits, labels, {})
    for task, weights in CLASS_WEIGHTS.items():
        with_gradient = compiled(losses.build(Loss(class_weights=weights), task))
        for dtype in DTYPES:
            set_precision(framework, dtype)
            logits, labels = arrays(task, "random", dtype)[0], mixed_labels(task)
            results[f"mixed {task}|{dtype}|loss"], results[f"mixed {task}|{dtype}|gradient"] = with_gradient(
                logits, labels
            )
            results[f"mixed {task}|{dtype}|metric"] = unrecorded(framework, losses.metric, logits, labels, {})
    criterion = losses.criterion_of(OF_TARGETS, TARGETS)
    with_gradient = compiled(lambda logits, labels: criterion(logits, labels)[0])
    for dtype in DTYPES:
        set_precision(framework, dtype)
        for kind, labels in (
            ("plain", arrays("multiclass", "random", dtype)[1]),
            ("mixed", mixed_labels("multiclass")),
        ):
            key, logits = f"targets {kind}|{dtype}", logits_of_targets(dtype)
            results[f"{key}|loss"], results[f"{key}|gradient"] = with_gradient(logits, labels)
            results[f"{key}|metric"] = unrecorded(framework, lambda *given: criterion(*given)[1], logits, labels, {})
    np.savez(out, **results)


def backend_of(framework: str) -> str:
    if framework == "torch":
        return "torch"
    import keras

    return keras.backend.backend()


def set_precision(framework: str, dtype: str) -> None:
    """As `networks.build` does: on JAX and PyTorch, Keras turns float64 into its own precision wherever it can."""
    if framework == "keras":
        import keras

        keras.config.set_floatx(dtype)


def unrecorded(framework: str, terms: Callable, logits: np.ndarray, labels: np.ndarray, options: dict) -> np.ndarray:
    if framework == "torch":
        import torch

        return terms(torch.from_numpy(logits), torch.from_numpy(labels), **options).numpy()
    from keras import ops

    return ops.convert_to_numpy(terms(ops.convert_to_tensor(logits), ops.convert_to_tensor(labels), **options))


def of_torch(loss: Callable) -> Callable:
    import torch

    def call(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        variable = torch.from_numpy(logits).requires_grad_()
        value = loss(variable, torch.from_numpy(labels))
        value.backward()
        return value.detach().numpy(), variable.grad.numpy()

    return call


def of_tensorflow(loss: Callable) -> Callable:
    import tensorflow as tf

    @tf.function
    def both(variable, targets):
        with tf.GradientTape() as tape:
            tape.watch(variable)
            value = loss(variable, targets)
        return value, tape.gradient(value, variable)

    def call(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # As in training, graphs do not know the number of rows.
        signature = [tf.TensorSpec([None, *array.shape[1:]], array.dtype) for array in (logits, labels)]
        value, gradient = both.get_concrete_function(*signature)(tf.constant(logits), tf.constant(labels))
        return value.numpy(), gradient.numpy()

    return call


def of_jax(loss: Callable) -> Callable:
    import jax

    both = jax.value_and_grad(loss)

    def call(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        value, gradient = both(jax.numpy.array(logits), jax.numpy.array(labels))
        return np.array(value), np.array(gradient)

    return call


WITH_GRADIENT = {"torch": of_torch, "tensorflow": of_tensorflow, "jax": of_jax}

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
