"""Runs rows of the twin contract test in one framework: python twin_worker.py FRAMEWORK OUT.npz GROUP …

`core` has a row of each kind of layer, some models, and what else is compared but checkpoints; `further` these, and the
other layers and models; `brief STEPS NAME …`, of the named rows, only what they have in common with other libraries
under Keras. One framework a process; the test compares the arrays that two such processes write.
"""

import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import mlflow.pyfunc
import numpy as np
from layer_outputs import layer_outputs
from twin_cases import (
    BATCH_SIZE,
    CHAOTIC,
    DROPOUT_RATE,
    MASK_CALLS,
    MASK_ROWS,
    MASK_SEED,
    NATIVE,
    ROWS,
    Case,
    cases,
    further_rows,
    logged_rows,
    mask_networks,
    native_case,
    trainings_for,
)

from twintrain import tracking
from twintrain.data.parts import Part
from twintrain.frameworks import framework_module
from twintrain.models.initial_weights import draw_weights
from twintrain.models.layers.core import Dropout
from twintrain.models.network import PlacedLayer
from twintrain.settings.frameworks import packages
from twintrain.settings.params import Tracking
from twintrain.settings.sections.training import KerasOptions, Train
from twintrain.training.loop import Backend, fit
from twintrain.training.steps import take_steps
from twintrain.verification.recorder import changed

STEPS = 100
BRIEF_STEPS = 10
# A graph takes Keras longer than the few forward passes that it is for.
EAGER = {"keras": KerasOptions(run_eagerly=True)}


def core(framework: str) -> dict[str, np.ndarray]:
    module = framework_module(framework, "backend")
    results = run_cases(framework, module, cases().keys() - set(further_rows()))
    native = cases("native")
    for name in NATIVE:
        case = native[name]
        backend = module.Backend(case.network, Train(**EAGER))
        results[f"{name}|native"] = backend.predict(case.features.astype(dtype_of(case, "float32")))
    results |= masks(framework, module)
    results["dropout in training"] = dropped(framework, module)
    results["native defaults"] = native_defaults(framework, module)
    if framework == "keras":
        results["of earlier names"] = of_earlier_names(module)
    return results


def further(framework: str) -> dict[str, np.ndarray]:
    module = framework_module(framework, "backend")
    results = run_cases(framework, module, set(further_rows()))
    for what, weights in resume(module.Backend, cases()["car_embedding"]).items():
        results |= {f"resume|{what}|{name}": array for name, array in weights.items()}
    return results


def run_cases(framework: str, module: ModuleType, names: set[str]) -> dict[str, np.ndarray]:
    results = {}
    # One run for all models that are logged.
    with tracking.stage_run("cases", {}, Tracking(experiment="cases")) as run:
        for name, case in cases().items():
            if name in names:
                found = run_case(framework, module.Backend, name, case, run)
                results |= {f"{name}|{what}": array for what, array in found.items()}
    return results


def run_case(framework: str, backend_type: type, name: str, case: Case, run: tracking.Run) -> dict[str, np.ndarray]:
    """Everything that the twins are compared by."""
    results = {}
    plain, *trainings = trainings_for(name).items()
    for dtype, changes in (("float32", EAGER), ("float64", {})):
        settings = plain[1].model_copy(update={"dtype": dtype, **changes})
        backend = backend_type(case.network, settings)
        backend.load_weights(case.weights)
        features = case.features.astype(dtype_of(case, dtype))
        results[f"forward {dtype}"] = backend.predict(features)
        results[f"round trip {dtype}"] = flat(backend.weights())
        if dtype == "float32":
            results["parameters"] = np.array(backend.parameter_count())
            results |= reloaded(framework, backend, features, run if name in logged_rows() else None)
            assert backend.summary().count("\n") > 5
            assert framework == "torch" or all(name[0].isupper() for name in function_names(backend.model))
    outputs = layer_outputs(framework, backend.model, backend.network, features)
    results |= {f"outputs|{name}": array for name, array in outputs.items()}
    # The network of the last forward pass goes on: building one is what costs most.
    untrained = backend.state()
    loss, gradients = backend.gradients(features[:BATCH_SIZE], case.labels[:BATCH_SIZE])
    results |= {"loss": np.array(loss), "gradients": flat(gradients)}
    backend.load_weights(case.weights)
    backend.load_state(untrained)
    results[f"trained {plain[0]}"] = trained(backend, case)
    if name in CHAOTIC:
        for kind, weights, steps in (
            ("trained briefly", case.weights, BRIEF_STEPS),
            ("trained from changed weights", changed(case.weights, "float64"), STEPS),
        ):
            backend.load_weights(weights)
            backend.load_state(untrained)
            results[kind] = trained(backend, case, steps)
    for kind, settings in trainings:
        backend = backend_type(case.network, settings)
        backend.load_weights(case.weights)
        results[f"trained {kind}"] = trained(backend, case)
    return results


def function_names(model: Any) -> list[str]:
    """Names of what stands between the layers of a Keras network, which are not to be those of layers."""
    import keras

    return [operation.name for operation in model.operations if not isinstance(operation, keras.Layer)]


def reloaded(framework: str, backend: Backend, features: np.ndarray, run: tracking.Run | None) -> dict[str, np.ndarray]:
    """Predictions of the network after a save and load, by itself and through MLflow, for one row and for all.

    Args:
        run: that the network is logged to; None: not through MLflow.
    """
    saving = framework_module(framework, "saving")
    with without_graphs() if framework == "keras" else exported_once():
        predict = saved_and_loaded(saving, backend, features)
        results = {"reloaded": predict(features), "reloaded, one row": predict(features[:1])}
        if run is None:
            return results
        run.log_model(
            lambda **arguments: saving.save_mlflow_model(backend.model, backend.network, **arguments),
            features,
            backend.network.schema.outputs,
            packages(framework),
        )
        model = mlflow.pyfunc.load_model(f"models:/{run.model_id}")
        return {**results, "pyfunc": model.predict(features), "pyfunc, one row": model.predict(features[:1])}


def saved_and_loaded(saving: ModuleType, backend: Backend, features: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / saving.FILE_NAME
        saving.save(backend.model, backend.network, features, path)
        return saving.load(path)


@contextlib.contextmanager
def without_graphs() -> Iterator[None]:
    """Has TensorFlow calculate at once: a graph for each number of rows that MLflow predicts costs most of the time."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@contextlib.contextmanager
def exported_once() -> Iterator[None]:
    """Has PyTorch export equal networks for equal rows once: it costs most of the time, and both files need it."""
    import torch

    original, exported = torch.export.export, {}

    def export(model: Any, rows: tuple[Any, ...], dynamic_shapes: Any) -> Any:
        arrays = [array.numpy().tobytes() for array in model.state_dict().values()]
        asked = (repr(model), *arrays, repr(rows), repr([*dynamic_shapes]))
        if asked not in exported:
            exported[asked] = original(model, rows, dynamic_shapes=dynamic_shapes)
        return exported[asked]

    torch.export.export = export
    yield
    torch.export.export = original


def brief(framework: str, steps: int, names: list[str]) -> dict[str, np.ndarray]:
    """Outputs, also after a save and load, gradients and steps of SGD, few of a chaotic row, in float64."""
    results: dict[str, np.ndarray] = {}
    saving = framework_module(framework, "saving")
    backend_type = framework_module(framework, "backend").Backend
    known = cases()
    for name in names:
        case = known[name]
        (_, settings), *_ = trainings_for(name).items()
        backend = backend_type(case.network, settings)
        backend.load_weights(case.weights)
        features, untrained = case.features.astype(dtype_of(case, "float64")), backend.state()
        results[f"{name}|forward"] = backend.predict(features)
        results[f"{name}|reloaded"] = saved_and_loaded(saving, backend, features)(features)
        loss, gradients = backend.gradients(features[:BATCH_SIZE], case.labels[:BATCH_SIZE])
        results |= {f"{name}|loss": np.array(loss), f"{name}|gradients": flat(gradients)}
        backend.load_weights(case.weights)
        backend.load_state(untrained)
        results[f"{name}|trained"] = trained(backend, case, BRIEF_STEPS if name in CHAOTIC else steps)
    return results


def trained(backend: Backend, case: Case, steps: int = STEPS) -> np.ndarray:
    """All arrays of the network after some steps."""
    take_steps(backend, backend.train, part(case, backend.train.dtype), 0, steps)
    with backend.averaged():
        return flat(backend.weights())


def masks(framework: str, module: ModuleType) -> dict[str, np.ndarray]:
    """Ones after some training calls of each layer that drops, channels last."""
    networks = framework_module(framework, "networks")
    results = {}
    for name, network in mask_networks().items():
        model = networks.build(network, "float64", MASK_SEED)
        placed = network.layers[1]
        ones = np.ones((MASK_ROWS, *placed.output_shape))
        for call in range(MASK_CALLS):
            results[f"masks|{name}|{call}"] = in_training(framework, module, model, placed, ones)
        assert networks.get_calls(model) == {placed.name: MASK_CALLS}
        networks.set_calls(model, {placed.name: 1})
        results[f"masks|{name}|1 again"] = in_training(framework, module, model, placed, ones)
    return results


def in_training(framework: str, module: ModuleType, model: Any, placed: PlacedLayer, values: np.ndarray) -> np.ndarray:
    """What one layer of a network gives in training, channels last."""
    if framework == "keras":
        return np.array(model.get_layer(placed.name)(values, training=True))
    is_image = len(placed.input_shape) == 3
    tensor = module.torch.from_numpy(values)
    given = model.get_submodule(placed.name).train()(tensor.movedim(-1, 1) if is_image else tensor)
    return (given.movedim(1, -1) if is_image else given).numpy()


def dropped(framework: str, module: ModuleType) -> np.ndarray:
    """Ones after the dropout of DROPOUT_RATE, in training."""
    layers = framework_module(framework, "layers")
    placed = PlacedLayer("dropout_0", "dropout", Dropout(rate=DROPOUT_RATE), (50,), (50,))
    layer = layers.BUILDERS["dropout"](placed)
    ones = np.ones((1000, 50), np.float32)
    if framework == "torch":
        return layer.train()(module.torch.from_numpy(ones)).numpy()
    return np.array(layer(ones, training=True))


def native_defaults(framework: str, module: ModuleType) -> np.ndarray:
    """What a native network and optimizer have built in: see the test."""
    case = native_case()
    backend = module.Backend(case.network, Train())
    backend.load_weights({**backend.weights(), **draw_weights(case.network, 0)})
    layer = backend.model.get_submodule if framework == "torch" else backend.model.get_layer
    norm, leaky = layer("batch_norm_1"), layer("activation_2")
    if framework == "torch":
        found = [norm.eps, norm.momentum, leaky.negative_slope, backend.optimizer.defaults["eps"]]
    else:
        found = [norm.epsilon, norm.momentum, leaky.negative_slope, backend.optimizer.epsilon]
    written = backend.weights()
    return np.array([*found, np.ptp(written["dense_0/kernel"]), written["dense_0/bias"].mean()])


def of_earlier_names(module: ModuleType) -> np.ndarray:
    """By how much the arrays of layers that are called as in files of earlier versions are other ones: 0."""
    largest = 0.0
    for name in ("embedding", "multi_head_attention", "tokens and positions"):
        case = cases()[name]
        backend = module.Backend(case.network, Train(dtype="float64"))
        backend.load_weights(case.weights)
        for layer in backend.model.layers:
            layer.name = layer.name.replace("_Arrays", "_of_arrays").lower()
        assert len({layer.name for layer in backend.model.layers}) == len(backend.model.layers)
        largest = max(largest, np.abs(flat(backend.weights()) - flat(case.weights)).max())
    return np.array(largest)


def resume(backend_type: type, case: Case) -> dict[str, dict[str, np.ndarray]]:
    """Weights after four epochs with dropout, Adam, averages: in one go, again, stopped half-way and gone on with."""

    def train(epochs: int, checkpoint: Path) -> dict[str, np.ndarray]:
        settings = Train(epochs=epochs, batch_size=BATCH_SIZE, ema=0.9, restore_best_weights=False)
        backend = backend_type(case.network, settings)
        backend.load_weights(case.weights)
        parts = {"train": part(case, "float32"), "val": part(case, "float32")}
        fit(backend, parts, settings, checkpoint, "case", lambda *_: None)
        return backend.weights()

    with tempfile.TemporaryDirectory() as folder:
        whole = train(4, Path(folder) / "whole.npz")
        again = train(4, Path(folder) / "again.npz")
        train(2, Path(folder) / "halves.npz")
        halves = train(4, Path(folder) / "halves.npz")
    return {"whole": whole, "again": again, "halves": halves}


def part(case: Case, dtype: str) -> Part:
    return Part(case.features.astype(dtype_of(case, dtype)), case.labels, np.arange(ROWS))


def dtype_of(case: Case, dtype: str) -> str:
    return "int64" if case.network.schema.input_dims else dtype


def flat(weights: dict[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([array.ravel() for array in weights.values()])


def main(framework: str, out: str, *groups: str) -> None:
    if groups[0] == "brief":
        found = brief(framework, int(groups[1]), list(groups[2:]))
    else:
        made = [{"core": core, "further": further}[group](framework) for group in groups]
        found = {key: array for results in made for key, array in results.items()}
    np.savez(out, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
