"""Update rules and gradient processing on given gradients: PyTorch, and Keras on each of its backends."""

import numpy as np
import pytest
from optimizer_worker import LIMITS, PENALTIES, SHAPES, STEPS, gradients, start
from twin_cases import OPTIMIZERS
from worker_process import run_worker

from twintrain.settings.sections.optimizers import OPTIMIZERS as OPTIONS
from twintrain.settings.sections.optimizers import TORCH_ALONE

# JAX has float64 only where it is told so, and then from the start of its process.
WORKERS = {
    "torch": ("torch", {}, "float64,float32"),
    "tensorflow": ("keras", {"KERAS_BACKEND": "tensorflow"}, "float64,float32"),
    "jax": ("keras", {"KERAS_BACKEND": "jax", "JAX_ENABLE_X64": "1"}, "float64"),
    "jax without float64": ("keras", {"KERAS_BACKEND": "jax"}, "float32"),
    "keras on torch": ("keras", {"KERAS_BACKEND": "torch"}, "float64,float32"),
}
# JAX compiles every operation anew: minutes.
SLOW = ("jax", "jax without float64", "keras on torch")
TOLERANCES = {"float64": 1e-12, "float32": 1e-5}
GRADIENTS = [f"penalize {name}" for name in PENALTIES] + [f"clip {name}" for name in LIMITS]


def dtypes_of(name):
    return WORKERS[name][2].split(",")


def marked(names):
    return [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in names]


EVERY_WORKER = marked(WORKERS)
WITH_FLOAT64 = marked(name for name in WORKERS if "float64" in dtypes_of(name))


class Results(dict):
    """What each worker made of every optimizer, in a process of its own when it is first asked for."""

    def __init__(self, folder):
        self.folder = folder

    def __missing__(self, name):
        out = self.folder / f"{name}.npz"
        framework, environment, dtypes = WORKERS[name]
        run_worker("optimizer_worker.py", framework, out, dtypes, **environment)
        self[name] = dict(np.load(out))
        return self[name]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return Results(tmp_path_factory.mktemp("optimizers"))


def test_every_optimizer_is_a_case():
    assert {settings.name for settings in OPTIMIZERS.values()} == OPTIONS.keys() - TORCH_ALONE.keys()


def test_every_option_is_changed_in_a_case():
    changed = {(settings.name, option) for settings in OPTIMIZERS.values() for option in settings.given()}
    known = {(name, option) for name, options in OPTIONS.items() for option in options if name not in TORCH_ALONE}
    # Options that every rule of Adam's kind reads by the same code
    adam = {(name, option) for name in ("adam", "adamw", "adamax", "nadam") for option in OPTIONS["adam"]}
    assert known - changed <= adam
    assert {("adam", option) for option in OPTIONS["adam"]} <= changed


@pytest.mark.parametrize("case", OPTIMIZERS)
@pytest.mark.parametrize("name", EVERY_WORKER)
def test_weights_are_those_of_pytorch_with_a_changing_learning_rate(results, name, case):
    expected = results["torch"][f"float64|{case}"]
    assert np.isfinite(expected).all()
    for dtype in dtypes_of(name):
        np.testing.assert_allclose(results[name][f"{dtype}|{case}"], expected, 0, TOLERANCES[dtype], err_msg=dtype)


@pytest.mark.parametrize("case", OPTIMIZERS)
@pytest.mark.parametrize("name", WITH_FLOAT64)
def test_an_optimizer_goes_on_from_its_state_to_the_same_bits(results, name, case):
    np.testing.assert_array_equal(results[name][f"halves|{case}"], results[name][f"float64|{case}"])


@pytest.mark.parametrize("case", GRADIENTS)
@pytest.mark.parametrize("name", EVERY_WORKER)
def test_gradients_are_those_of_pytorch(results, name, case):
    expected = results["torch"][f"float64|{case}"]
    for dtype in dtypes_of(name):
        np.testing.assert_allclose(results[name][f"{dtype}|{case}"], expected, 0, TOLERANCES[dtype], err_msg=dtype)


@pytest.mark.parametrize("case", PENALTIES)
def test_penalty_leaves_biases_alone_and_adds_nothing_for_zeros_sign(results, case):
    l1, l2 = PENALTIES[case]
    weights, expected = start("float64"), gradients(0, "float64")
    for name in SHAPES.keys() - {"bias"}:
        expected[name] += l1 * np.sign(weights[name]) + l2 * weights[name]
    np.testing.assert_allclose(results["torch"][f"float64|penalize {case}"], flat(expected), rtol=0, atol=1e-15)


@pytest.mark.parametrize("case", LIMITS)
def test_clip_limits_the_norm_of_all_and_then_each_number(results, case):
    norm, value = LIMITS[case]
    expected = flat(gradients(0, "float64"))
    if norm:
        expected = expected * min(1.0, norm / (np.linalg.norm(expected) + 1e-6))
    if value:
        expected = expected.clip(-value, value)
    np.testing.assert_allclose(results["torch"][f"float64|clip {case}"], expected, rtol=0, atol=1e-15)


def test_adadelta_and_rprop_leave_alone_what_never_has_a_gradient(results):
    table = sum(np.prod(SHAPES[name]) for name in ("kernel", "bias"))
    for case in ("adadelta", "rprop"):
        row = results["tensorflow"][f"float64|{case}"][table : table + 2]
        np.testing.assert_array_equal(row, start("float64")["table"][0])


def test_adam_is_the_formula(results):
    settings = OPTIMIZERS["adam"]
    weights, mean, square = flat(start("float64")), 0.0, 0.0
    for step in range(STEPS):
        gradient = flat(gradients(step, "float64"))
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        mean_hat, square_hat = mean / (1 - 0.9 ** (step + 1)), square / (1 - 0.999 ** (step + 1))
        weights = weights - settings.learning_rate / (1 + 0.1 * step) * mean_hat / (np.sqrt(square_hat) + 1e-8)
    np.testing.assert_allclose(results["torch"]["float64|adam"], weights, rtol=0, atol=1e-13)


def test_lbfgs_finds_the_bottom_and_goes_on_from_its_state(results):
    x, y = results["torch"]["lbfgs strong_wolfe"]
    assert (1 - x) ** 2 + 100 * (y - x**2) ** 2 < 1e-9  # PyTorch's tolerance_change; 24.2 at the start
    for search in ("strong_wolfe", "None"):
        whole, halves = results["torch"][f"lbfgs {search}"], results["torch"][f"lbfgs {search} in halves"]
        np.testing.assert_array_equal(halves, whole)


def flat(arrays):
    return np.concatenate([array.ravel() for array in arrays.values()])
