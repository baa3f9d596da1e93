"""Rows of half precision: what a framework makes of small networks in 16 bits, and of them in float64."""

import contextlib
from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

import numpy as np
from twin_cases import SEQUENCE, SMALL_IMAGE, VECTOR, Case, case_of, function, one

from twintrain.data.parts import Part
from twintrain.frameworks import framework_module
from twintrain.settings.sections.optimizers import Clip, Optimizer
from twintrain.settings.sections.precision import SCALED, array_dtype
from twintrain.settings.sections.training import KerasOptions, Train
from twintrain.training import loss_scale
from twintrain.training.steps import take_steps

Results = dict[str, dict[str, np.ndarray]]

DTYPES = ("bfloat16", "float16")
# What the others are compared with.
EXACT = {"torch": ("float64",)}
# Every kind that computes in half precision, among others.
LAYERS: dict[str, tuple[list[int], list[Any]]] = {
    "images": (
        SMALL_IMAGE,
        [
            one("conv2d", filters=4, kernel_size=3, padding="same"),
            "batch_norm",
            function("relu"),
            one("max_pool2d", pool_size=2),
            "flatten",
            one("dense", units=5),
        ],
    ),
    "windows": (
        SMALL_IMAGE,
        [
            one("depthwise_conv2d", kernel_size=2),
            one("separable_conv2d", filters=3, kernel_size=2),
            one("conv2d_transpose", filters=2, kernel_size=2, strides=2),
            one("reshape", target_shape=[6, 4, 2, 1]),
            one("conv3d", filters=2, kernel_size=2),
        ],
    ),
    "sequences": (
        SEQUENCE,
        [
            one("conv1d", filters=4, kernel_size=2),
            "layer_norm",
            one("multi_head_attention", num_heads=2, causal=True, use_bias=False),
            one("conv1d_transpose", filters=3, kernel_size=2),
            one("multi_head_attention", num_heads=1, dropout=0.3, use_bias=False),
            one("gru", units=3),
        ],
    ),
}
# Met by the fast tests too.
FAST = ("images",)
# A training in which nothing but the scale takes chances, so that steps of float64 tell what its own must give.
SCALED_CASE = (VECTOR, [one("dense", units=6), "batch_norm", function("relu"), one("dense", units=4)])
STEPS = 12
FIRST_SCALE, GROWTH_STEPS = 2.0**24, 3


def half_cases() -> dict[str, Case]:
    """The networks with their rows and first weights."""
    return {name: case_of(*row, outputs=3, seed=index) for index, (name, row) in enumerate(LAYERS.items())}


def made_of_half_precision(framework: str, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Outputs, loss and gradients of networks, PyTorch's in float64 too; and a training with a scaled loss."""
    found, cases = {}, half_cases()
    for name, dtype in product(names, (*EXACT.get(framework, ()), *DTYPES)):
        if framework == "keras-jax" and name not in FAST and dtype != SCALED:
            continue  # compiling takes seconds each
        found |= {f"{name}|{dtype}|{what}": array for what, array in _forward(framework, cases[name], dtype).items()}
    found |= {f"scaled|{what}": array for what, array in _scaled(framework).items()}
    return found | {"accumulated|scales": _scales_of_accumulated(framework)}


def _forward(framework: str, case: Case, dtype: str) -> dict[str, np.ndarray]:
    backend = _backend(framework, case, Train(dtype=dtype, **_quick(framework)))
    rows = case.features.astype(array_dtype(backend.train.dtype))
    outputs = backend.predict(rows)
    loss, gradients = backend.gradients(rows, case.labels)
    found = {"outputs": outputs, "loss": np.array(loss), "gradients": flat(gradients)}
    return {**found, "dtypes": np.array([str(array.dtype) for array in (outputs, *gradients.values())])}


def _scaled(framework: str) -> dict[str, np.ndarray]:
    """A training whose scale is too large at first, and PyTorch's in float64 of as many steps as were not skipped.

    All rows are one batch, so that a step that is skipped leaves no trace.
    """
    case = case_of(*SCALED_CASE, outputs=3, seed=0)
    settings = {"optimizer": Optimizer(name="sgd", learning_rate=0.1, momentum=0.9), "clip": Clip(norm=5.0)}
    common = {**settings, "batch_size": None, "ema": 0.9, "epochs": STEPS, **_quick(framework)}
    with a_large_scale():
        backend = _backend(framework, case, Train(dtype=SCALED, **common))
        before, scales, moved = flat(backend.weights()), [], []
        for step in range(STEPS):
            if step == STEPS // 2:
                kept = backend.weights(), backend.state()
            take_steps(backend, backend.train, _part(case, "float32"), step, step + 1)
            scales.append(backend.scale_metrics()["loss_scale"])
            before, earlier = flat(backend.weights()), before
            moved.append((before != earlier).any())
        resumed = _backend(framework, case, Train(dtype=SCALED, **common))
        resumed.load_weights(kept[0])
        resumed.load_state(kept[1])
        take_steps(resumed, resumed.train, _part(case, "float32"), STEPS // 2, STEPS)
    found = {"scales": np.array(scales), "moved": np.array(moved), **_trained(backend)}
    found |= {f"resumed {what}": array for what, array in _trained(resumed).items()}
    for dtype in EXACT.get(framework, ()):
        exact = _backend(framework, case, Train(dtype=dtype, **common))
        take_steps(exact, exact.train, _part(case, dtype), 0, sum(moved))
        found |= {f"{dtype} {what}": array for what, array in _trained(exact).items()}
    return found


def _scales_of_accumulated(framework: str) -> np.ndarray:
    """The scales after steps of three batches each, which begin too large."""
    case = case_of(*SCALED_CASE, outputs=3, seed=0)
    settings = {"optimizer": Optimizer(name="sgd", learning_rate=0.1), "batch_size": 13, "accumulate": 3}
    with a_large_scale():
        backend = _backend(framework, case, Train(dtype=SCALED, epochs=STEPS, **settings, **_quick(framework)))
        scales = []
        for step in range(STEPS):
            take_steps(backend, backend.train, _part(case, "float32"), step, step + 1)
            scales.append(backend.scale_metrics()["loss_scale"])
    return np.array(scales)


@contextlib.contextmanager
def a_large_scale() -> Iterator[None]:
    """Meanwhile the scale of the loss begins too large, and grows soon."""
    before = loss_scale.FIRST, loss_scale.GROWTH_STEPS
    loss_scale.FIRST, loss_scale.GROWTH_STEPS = FIRST_SCALE, GROWTH_STEPS
    try:
        yield
    finally:
        loss_scale.FIRST, loss_scale.GROWTH_STEPS = before


def _trained(backend: Any) -> dict[str, np.ndarray]:
    """All arrays of a network, and with the averages of its weights."""
    with backend.averaged():
        averages = flat(backend.weights())
    return {"weights": flat(backend.weights()), "averages": averages}


def _quick(framework: str) -> dict[str, Any]:
    """A graph takes Keras on TensorFlow longer than the few steps that it is for."""
    return {"keras": KerasOptions(run_eagerly=True)} if framework == "keras" else {}


def _backend(framework: str, case: Case, train: Train) -> Any:
    backend = framework_module(framework, "backend").Backend(case.network, train)
    backend.load_weights(case.weights)
    return backend


def _part(case: Case, dtype: str) -> Part:
    return Part(case.features.astype(dtype), case.labels, np.arange(len(case.labels)))


def flat(weights: dict[str, np.ndarray]) -> np.ndarray:
    """All numbers, in one array."""
    return np.concatenate([array.ravel() for array in weights.values()])
