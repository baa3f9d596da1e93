"""Records what one framework makes of an experiment: python -m twintrain.verification.recorder FRAMEWORK FOLDER

The folder holds what `workers.write_experiment` wrote. One framework a process; the records are compared afterwards.
"""

import math
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax

from twintrain import tracking
from twintrain.command_line.commands import run_command
from twintrain.data.parts import PARTS, Part
from twintrain.data.schema import Schema
from twintrain.errors import UserError
from twintrain.frameworks import framework_module
from twintrain.models.initial_weights import draw_weights
from twintrain.models.network import Network, load_network
from twintrain.recordings.record import record as record_calls
from twintrain.settings.frameworks import packages
from twintrain.settings.params import Params
from twintrain.settings.sections.precision import HALF, array_dtype
from twintrain.settings.sections.training import Train
from twintrain.system import project
from twintrain.training.batches import epoch_batches
from twintrain.training.initial_model import handed_on
from twintrain.training.loss_scale import finite_gradients
from twintrain.training.losses import with_class_weights
from twintrain.training.steps import take_steps
from twintrain.training.transfer import Trained, start_from
from twintrain.training.workers.worker import Worker
from twintrain.verification import records
from twintrain.verification.layers import REASON, RECORDING, recorded_precisions
from twintrain.verification.records import PREDICTED_ROWS, Arrays, Record, precisions
from twintrain.verification.sides import side
from twintrain.verification.tolerances import changed_by

SHOWN_ROWS = 64
# Recorded as a whole, but for what only networks give that verify would take hours for.
WHOLE = 2**24
# So few that the compared steps go through the ends of epochs, whose last batch may be a shorter one.
EPOCH_STEPS = 15


def work(framework: str, folder: Path) -> None:
    """Writes two records a precision, the second one with weights changed in the last digits.

    Of several workers the first writes one, of what they do together.
    """
    worker = Worker.of_environment()
    if not worker.is_alone:
        _work_together(framework, folder, worker)
        return
    dtypes = _precisions(folder)
    for dtype in dtypes:
        recorder = Recorder.of_experiment(framework, folder, dtype)
        record = recorder.record(perturbed=False)
        if record.arrays:
            recorder.add_reloaded(record, logged=dtype == recorder.params.train.dtype)
            if dtype in recorded_precisions(dtypes):
                recorder.record_layers(folder / RECORDING.format(framework, dtype))
        record.save(folder / f"{framework}-{dtype}.npz")
        recorder.record(perturbed=True).save(folder / f"{framework}-{dtype}-perturbed.npz")
    project.write_json(folder / f"{framework}.json", recorder.backend.facts())


def _work_together(framework: str, folder: Path, worker: Worker) -> None:
    for dtype in _precisions(folder):
        record = Recorder.of_experiment(framework, folder, dtype).record(perturbed=False)
        if worker.is_first:
            record.save(folder / f"{side(framework, worker.size)}-{dtype}.npz")


def recorded_order(dtype: str) -> tuple[str, ...]:
    """The precisions of a training in `dtype`, half precision first: JAX is told once, at its start, to round to it."""
    return tuple(sorted(precisions(dtype), key=lambda each: each not in HALF))


def _precisions(folder: Path) -> tuple[str, ...]:
    return recorded_order(_params(folder).train.dtype)


def _params(folder: Path) -> Params:
    return Params.model_validate(project.read_json(folder / "experiment.json"))


class Recorder:
    """One framework's network in one precision."""

    @classmethod
    def of_experiment(cls, framework: str, folder: Path, dtype: str) -> "Recorder":
        """The network of the experiment that the folder holds, in the precision of a pass."""
        params = _params(folder)
        schema = Schema.load(folder)
        network = load_network(params.model, params.mode, schema)
        parts = {name: Part.load(folder / name, array_dtype(dtype)) for name in PARTS}
        weighted = with_class_weights(params, parts["train"].labels, schema)
        return cls(framework, network, weighted, parts, dtype, handed_on(folder))

    def __init__(
        self,
        framework: str,
        network: Network,
        params: Params,
        parts: dict[str, Part],
        dtype: str,
        initial: Trained | None = None,
    ) -> None:
        self.framework = framework
        self.params = params
        self.parts = {**parts, "test": parts["test"].first(PREDICTED_ROWS)}
        self.train = params.train.model_copy(update={"dtype": dtype})
        self.networks = framework_module(framework, "networks")
        self.backend = framework_module(framework, "backend").Backend(network, self.train)
        self.network = self.backend.network
        self.initial = initial
        self.untrained = self.backend.state()
        self.rows = parts["train"].features[:SHOWN_ROWS]

    def start(self) -> None:
        """Gives the network the weights that it is compared with."""
        self._start(self._first_weights())

    def record(self, perturbed: bool) -> Record:
        """Everything that the twins are compared by but layers, up to the trained weights."""
        record = Record(self.networks.array_shapes(self.backend.model, self.network))
        if record.shapes != {name: weight.shape for name, weight in self.network.weights().items()}:
            return record
        weights = self._first_weights()
        weights = changed(weights, self.train.dtype) if perturbed else weights
        self._start(weights)
        record.arrays[records.LOGITS] = {"logits": self.backend.predict(self.rows)}
        batches = epoch_batches(len(self.parts["train"]), self.train.batch_size, self.train.seed, 0)
        batch = batches.row_numbers(0, 1)
        train = self.parts["train"]
        loss, gradients = finite_gradients(self.backend, train.features[batch], train.labels[batch])
        record.arrays[records.LOSS] = {"loss": np.array(loss)}
        record.arrays[records.GRADIENTS] = gradients
        record.arrays[records.STATISTICS] = self._statistics()
        self._start(weights)
        record.arrays[records.INITIAL] = self.backend.weights()
        record.arrays[records.UNTRAINED] = {"logits": self.backend.predict(self.parts["test"].features)}
        record.arrays |= self._steps()
        if self.network.frozen:
            record.arrays[records.FROZEN] = self._frozen(weights)
        record.arrays[records.PREDICTIONS] = {"logits": self.backend.predict(self.parts["test"].features)}
        return record

    def record_layers(self, path: Path) -> None:
        """Writes what each call of the network gives before training, or why that cannot be recorded."""
        self.start()
        try:
            record_calls(self.backend.model, self.rows, to=path, limit=WHOLE, precisions=(self.train.dtype,))
        except UserError as error:  # a network that gives NaN, for one
            path.with_suffix(REASON).write_text(str(error), "utf-8")

    def _steps(self) -> dict[str, Arrays]:
        """Weights after some steps, what each of the first ones makes of them, and what training says of itself."""
        part = few_epochs(self.parts["train"], self.train)
        found: dict[str, Arrays] = {}
        directions = random_directions(self.network)
        trace = [projected(self.backend.weights(), directions)]
        metrics: list[tuple[float, float]] = []
        for done in range(records.TRACED):
            metrics += take_steps(self.backend, self.train, part, done, done + 1)
            weights = self.backend.weights()
            trace.append(projected(weights, directions))
            if done + 1 in records.STEPS:
                found[records.weights_after(done + 1)] = weights
        last = records.STEPS[-1]
        metrics += take_steps(self.backend, self.train, part, records.TRACED, last)
        losses, watched = np.array(metrics).T
        return {
            **found,
            records.weights_after(last): self.backend.weights(),
            records.TRACE: {name: np.array([step[name] for step in trace]) for name in trace[0]},
            records.TRAINING_LOSS: {"of each step": losses},
            records.TRAINING_METRIC: {"of each step": watched},
        }

    def add_reloaded(self, record: Record, logged: bool) -> None:
        """Adds what comes back after a save and load, by the framework itself and by MLflow."""
        features = self.parts["test"].features
        logits = record.arrays[records.PREDICTIONS]["logits"]
        record.arrays[records.SAVED] = {"outputs": softmax(logits, axis=1) if self.network.head else logits}
        saving = framework_module(self.framework, "saving")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / saving.FILE_NAME
            saving.save(self.backend.model, self.network, features, path)
            record.arrays[records.RELOADED_WEIGHTS] = saving.load_weights(path, self.network)
            record.arrays[records.RELOADED] = {"outputs": saving.load(path)(features)}
        if logged:
            outputs = self._logged_outputs(saving, features)
            record.arrays |= {} if outputs is None else {records.LOGGED: {"outputs": outputs}}

    def _logged_outputs(self, saving: Any, features: np.ndarray) -> np.ndarray | None:
        """What MLflow predicts with the model as it is logged; None where MLflow cannot save it."""

        def save(**arguments: Any) -> None:
            saving.save_mlflow_model(self.backend.model, self.network, **arguments)

        needed = packages(self.framework)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model"
            made = tracking.attempt(
                "the model", tracking.save_model, save, path, features, self.network.schema.outputs, needed
            )
            if made is None:
                return None
            import mlflow.pyfunc

            return mlflow.pyfunc.load_model(str(path)).predict(features)

    def _first_weights(self) -> Arrays:
        drawn = draw_weights(self.network, self.train.seed)
        return varied(start_from(self.network, drawn, self.initial).weights)

    def _start(self, weights: Arrays) -> None:
        self.backend.load_weights(weights)
        self.backend.load_state(self.untrained)

    def _frozen(self, weights: Arrays) -> Arrays:
        """What frozen layers had at the start, as the network holds it."""
        trained = self.backend.weights()
        frozen = [name for name in weights if name.partition("/")[0] in self.network.frozen]
        return {name: weights[name].astype(trained[name].dtype) for name in frozen}

    def _statistics(self) -> Arrays:
        arrays = self.backend.weights()
        kept = [name for name, weight in self.network.weights().items() if not weight.trainable]
        return {name: arrays[name] for name in kept if name.partition("/")[0] not in self.network.frozen}


def few_epochs(part: Part, train: Train) -> Part:
    """The first rows of a part: EPOCH_STEPS steps and a last batch as short as that of all rows, if there are more."""
    batch = train.batch_size or len(part)
    rows = EPOCH_STEPS * batch * train.accumulate + len(part) % batch
    return part if rows >= len(part) else part.first(rows)


def random_directions(network: Network) -> Arrays:
    """For each array that steps change as many random numbers as it has, float64 (numbers,)."""
    rng = np.random.default_rng(2)
    trained = {name: weight for name, weight in network.weights().items() if weight.trainable}
    return {name: rng.uniform(-1, 1, math.prod(weight.shape)) for name, weight in trained.items()}


def projected(weights: Arrays, directions: Arrays) -> dict[str, float]:
    """Of each array one number that is another one where any of its numbers is: its sum with random weights."""
    return {name: float(weights[name].astype(np.float64).ravel() @ along) for name, along in directions.items()}


def varied(weights: Arrays) -> Arrays:
    """Moves what starts at zero or one off it, so that a bias, scale or statistic that is left out shows."""
    rng = np.random.default_rng(0)
    noise = {name: rng.uniform(-0.05, 0.05, array.shape) for name, array in weights.items()}
    return {name: np.where(np.isin(array, (0, 1)), array + noise[name], array) for name, array in weights.items()}


def changed(weights: Arrays, dtype: str) -> Arrays:
    """Changes every number in its last digits, up or down."""
    rng = np.random.default_rng(1)
    size = changed_by(dtype)
    return {name: array * (1 + size * rng.choice([-1, 1], array.shape)) for name, array in weights.items()}


if __name__ == "__main__":
    run_command(lambda: work(sys.argv[1], Path(sys.argv[2])))
