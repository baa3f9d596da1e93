"""Runs the rows of the twin contract test in one framework: python tests/twin_worker.py FRAMEWORK OUT.npz

One framework a process; the test compares the arrays that two such processes write.
"""

import sys
import tempfile
from pathlib import Path
from types import ModuleType

import mlflow.pyfunc
import numpy as np
from twin_cases import BATCH_SIZE, DROPOUT_RATE, EVERY_OPTIMIZER, OPTIMIZERS, ROWS, Case, cases, native_case

from twintrain import tracking
from twintrain.config import Optimizer, Train
from twintrain.data.parts import Part
from twintrain.frameworks import framework_module
from twintrain.models.initial_weights import draw_weights
from twintrain.models.layers import Dropout
from twintrain.models.network import PlacedLayer
from twintrain.training.batches import epoch_batches
from twintrain.training.loop import Backend, fit

STEPS = 100


def main(framework: str, out: Path) -> None:
    results: dict[str, np.ndarray] = {}
    module = framework_module(framework, "backend")
    for name, case in cases().items():
        for what, array in run_case(framework, module.Backend, name, case).items():
            results[f"{name}|{what}"] = array
    for name, case in cases("native").items():
        backend = module.Backend(case.network, Train(), part(case, "float32"))
        results[f"{name}|native"] = backend.predict(case.features.astype(dtype_of(case, "float32")))
    results["dropout in training"] = dropped(framework, module)
    results["native defaults"] = native_defaults(framework, module)
    for what, weights in resume(module.Backend, cases()["car_embedding"]).items():
        results |= {f"resume|{what}|{name}": array for name, array in weights.items()}
    np.savez(out, **results)


def run_case(framework: str, backend_type: type, name: str, case: Case) -> dict[str, np.ndarray]:
    """Everything that the twins are compared by."""
    results = {}
    for dtype in ("float32", "float64"):
        backend = backend_type(case.network, Train(dtype=dtype), part(case, dtype))
        backend.load_weights(case.weights)
        features = case.features.astype(dtype_of(case, dtype))
        results[f"forward {dtype}"] = backend.predict(features)
        results[f"round trip {dtype}"] = flat(backend.weights())
        if dtype == "float32":
            results["parameters"] = np.array(backend.parameter_count())
            results |= reloaded(framework, backend, features)
            assert backend.summary().count("\n") > 5
    if not case.has_dropout:
        for kind in OPTIMIZERS if name in EVERY_OPTIMIZER else ("sgd",):
            results[f"trained by {kind}"] = trained(backend_type, case, OPTIMIZERS[kind])
    return results


def reloaded(framework: str, backend: Backend, features: np.ndarray) -> dict[str, np.ndarray]:
    """Predictions of the network after a save and load, by itself and through MLflow, for one row and for all."""
    saving = framework_module(framework, "saving")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / saving.FILE_NAME
        saving.save(backend.model, features, path)
        predict = saving.load(path)
        results = {"reloaded": predict(features), "reloaded, one row": predict(features[:1])}
    with tracking.stage_run("case", {}, "cases") as run:
        outputs = backend.network.schema.outputs
        run.log_model(lambda **a: saving.log_model(backend.model, **a), features, outputs, saving.requirements())
    model = mlflow.pyfunc.load_model(f"models:/{run.model_id}")
    return {**results, "pyfunc": model.predict(features), "pyfunc, one row": model.predict(features[:1])}


def trained(backend_type: type, case: Case, optimizer: Optimizer) -> np.ndarray:
    """All arrays of the network after STEPS steps in float64."""
    backend = backend_type(case.network, Train(dtype="float64", optimizer=optimizer), part(case, "float64"))
    backend.load_weights(case.weights)
    for epoch in range(STEPS // len(epoch_batches(ROWS, BATCH_SIZE, 0, 0))):
        backend.train_epoch(epoch_batches(ROWS, BATCH_SIZE, 0, epoch))
    return flat(backend.weights())


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
    backend = module.Backend(case.network, Train(), part(case, "float32"))
    backend.load_weights({**backend.weights(), **draw_weights(case.network, 0)})
    layer = backend.model.get_submodule if framework == "torch" else backend.model.get_layer
    norm, leaky = layer("batch_norm_1"), layer("activation_2")
    if framework == "torch":
        found = [norm.eps, norm.momentum, leaky.negative_slope, backend.optimizer.defaults["eps"]]
    else:
        found = [norm.epsilon, norm.momentum, leaky.negative_slope, backend.optimizer.epsilon]
    written = backend.weights()
    return np.array([*found, np.ptp(written["dense_0/kernel"]), written["dense_0/bias"].mean()])


def resume(backend_type: type, case: Case) -> dict[str, dict[str, np.ndarray]]:
    """Weights after four epochs with dropout and Adam: in one go, again, and stopped half-way and gone on with."""

    def train(epochs: int, checkpoint: Path) -> dict[str, np.ndarray]:
        settings = Train(epochs=epochs, batch_size=BATCH_SIZE, restore_best_weights=False)
        backend = backend_type(case.network, settings, part(case, "float32"))
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
    return "int64" if case.network.schema.categories else dtype


def flat(weights: dict[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([array.ravel() for array in weights.values()])


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
