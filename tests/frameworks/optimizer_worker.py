"""Update rules and gradient processing on given gradients: python optimizer_worker.py FRAMEWORK OUT.npz

KERAS_BACKEND chooses what Keras runs on. There are no networks: the gradients are the same whatever the weights are.
"""

import inspect
import sys

import numpy as np
from twin_cases import OPTIMIZERS

from twintrain.settings.sections.optimizers import KERAS_HAS_NO, KERAS_HAS_NO_OPTION, TORCH_HAS_NO, Optimizer
from twintrain.settings.sections.optimizers import OPTIMIZERS as OPTIONS

STEPS = 14
SHAPES = {"kernel": (4, 3), "bias": (3,), "table": (5, 2)}
PENALTIES = {"l1": (0.3, 0.0), "l2": (0.0, 0.7), "both": (0.1, 0.01)}
LIMITS = {"norm": (1.5, None), "loose norm": (100.0, None), "value": (None, 0.4), "both": (1.5, 0.3)}


def start(dtype):
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(size=shape).astype(dtype) for name, shape in SHAPES.items()}
    weights["table"][1] = 0.0
    return weights


def gradients(step, dtype):
    """With rows that are never looked up, and rows that are in some batches alone."""
    rng = np.random.default_rng([1, step])
    found = {name: rng.normal(size=shape).astype(dtype) for name, shape in SHAPES.items()}
    found["table"][0] = 0.0
    found["table"][2] *= step % 3 == 0
    return found


def learning_rate(settings, step):
    """Rprop alone follows none."""
    return settings.learning_rate * (1 if settings.name == "rprop" else 1 / (1 + 0.1 * step))


class OnTorch:
    def __init__(self):
        import torch

        from twintrain.frameworks.torch import gradients, optimizers

        self.torch, self.optimizers, self.gradients = torch, optimizers, gradients

    def tensors(self, arrays):
        return [self.torch.tensor(array) for array in arrays.values()]

    def array(self, tensor):
        return tensor.detach().numpy()

    def weights(self, arrays):
        return [self.torch.nn.Parameter(tensor) for tensor in self.tensors(arrays)]

    def build(self, settings, mode, weights):
        return self.optimizers.build(settings, mode, weights, fused=True)

    def apply(self, optimizer, weights, grads):
        for weight, gradient in zip(weights, grads, strict=True):
            weight.grad = gradient
        optimizer.step()


class OnKeras:
    def __init__(self):
        import keras

        from twintrain.frameworks.keras import gradients, optimizers

        self.keras, self.optimizers, self.gradients = keras, optimizers, gradients
        self.stateless = self.jitted() if keras.backend.backend() == "jax" else None

    def jitted(self):
        import jax

        return jax.jit(lambda optimizer, *state: optimizer.stateless_apply(*state), static_argnums=0)

    def tensors(self, arrays):
        return [self.keras.ops.convert_to_tensor(array) for array in arrays.values()]

    def array(self, tensor):
        return self.keras.ops.convert_to_numpy(tensor)

    def weights(self, arrays):
        self.keras.config.set_floatx(next(iter(arrays.values())).dtype.name)
        return [self.keras.Variable(array, dtype=array.dtype.name, name=name) for name, array in arrays.items()]

    def build(self, settings, mode, weights):
        return self.optimizers.build(settings, mode, weights)

    def apply(self, optimizer, weights, grads):
        if self.stateless is None:
            optimizer.apply(grads, weights)
            return
        variables = [*weights, *optimizer.variables]
        before = [variable.value for variable in variables]
        found = self.stateless(optimizer, before[len(weights) :], grads, before[: len(weights)])
        for variable, value in zip(variables, [*found[0], *found[1]], strict=True):
            variable.assign(value)


def train(on, settings, dtype, mode="aligned", steps=STEPS, halves=False):
    """All weights after some steps; in halves, with another optimizer that goes on from the state of the first."""
    weights = on.weights(start(dtype))
    optimizer = on.build(settings, mode, weights)
    for step in range(steps):
        if halves and step == steps // 2:
            state = on.optimizers.state(optimizer)
            optimizer = on.build(settings, mode, weights)
            on.optimizers.load_state(optimizer, state)
        on.optimizers.set_learning_rate(optimizer, learning_rate(settings, step))
        on.apply(optimizer, weights, on.tensors(gradients(step, dtype)))
    return flat(on, weights)


def processed(on, dtype):
    """What the functions of gradients.py return."""
    grads, weights = on.tensors(gradients(0, dtype)), on.weights(start(dtype))
    results = {}
    for name, (l1, l2) in PENALTIES.items():
        results[f"penalize {name}"] = flat(on, on.gradients.penalize(grads, weights, l1, l2))
    for name, (norm, value) in LIMITS.items():
        results[f"clip {name}"] = flat(on, on.gradients.clip(grads, norm, value))
    assert on.gradients.penalize(grads, weights, 0.0, 0.0) is grads
    assert on.gradients.clip(grads, None, None) is grads
    np.testing.assert_array_equal(flat(on, grads), flat(on, on.tensors(gradients(0, dtype))))
    return results


def native(on):
    """Every optimizer that a framework has of its own takes its first step."""
    lacking = TORCH_HAS_NO if isinstance(on, OnTorch) else KERAS_HAS_NO
    for name in OPTIONS:
        if name != "lbfgs" and name not in lacking:
            assert np.isfinite(train(on, Optimizer(name=name), "float32", "native", 1)).all()


def check_what_keras_lacks(on):
    """The tables of config.py against Keras's own signatures."""
    assert tuple(name for name in on.optimizers.BUILDERS if name not in on.optimizers.NATIVE) == KERAS_HAS_NO
    for name, own in on.optimizers.NATIVE.items():
        known = inspect.signature(own).parameters
        assert tuple(option for option in OPTIONS[name] if option not in known) == KERAS_HAS_NO_OPTION.get(name, ())


def lbfgs(on, line_search_fn, halves=False):
    """Weights (2,) after steps down Rosenbrock's valley (see the test)."""
    torch = on.torch
    weights = [torch.nn.Parameter(torch.tensor([-1.2, 1.0], dtype=torch.float64))]
    settings = Optimizer(name="lbfgs", learning_rate=1.0 if line_search_fn else 0.1, line_search_fn=line_search_fn)
    optimizer = on.build(settings, "aligned", weights)

    def closure():
        optimizer.zero_grad()
        x, y = weights[0]
        loss = (1 - x) ** 2 + 100 * (y - x**2) ** 2
        loss.backward()
        return loss

    for step in range(20):
        if halves and step == 2:
            state = on.optimizers.state(optimizer)
            optimizer = on.build(settings, "aligned", weights)
            on.optimizers.load_state(optimizer, state)
        optimizer.step(closure)
    return weights[0].detach().numpy()


def flat(on, tensors):
    return np.concatenate([on.array(tensor).ravel() for tensor in tensors])


def main(framework, out, dtypes):
    on = OnTorch() if framework == "torch" else OnKeras()
    results = {}
    for dtype in dtypes:
        for what, array in processed(on, dtype).items():
            results[f"{dtype}|{what}"] = array
        for name, settings in OPTIMIZERS.items():
            results[f"{dtype}|{name}"] = train(on, settings, dtype)
    for name, settings in OPTIMIZERS.items() if "float64" in dtypes else ():
        results[f"halves|{name}"] = train(on, settings, "float64", halves=True)
    native(on)
    if framework == "torch":
        for search in ("strong_wolfe", None):
            results[f"lbfgs {search}"] = lbfgs(on, search)
            results[f"lbfgs {search} in halves"] = lbfgs(on, search, halves=True)
    else:
        check_what_keras_lacks(on)
    np.savez(out, **results)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3].split(","))
