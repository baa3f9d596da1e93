"""What a framework fills in by itself, and in Keras what each difference does:

python -m twintrain.verification.native_worker FRAMEWORK FOLDER describe    writes FRAMEWORK.json and .npz
python -m twintrain.verification.native_worker keras FOLDER measure         after both: writes differences.json
"""

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from twintrain.command_line.commands import run_command
from twintrain.data.parts import PARTS, Part
from twintrain.data.schema import Schema
from twintrain.evaluation.targets import row_metrics
from twintrain.frameworks import framework_module
from twintrain.models.initial_weights import draw_weights
from twintrain.models.network import load_network
from twintrain.settings.params import Params
from twintrain.system import project
from twintrain.system.stored import load_arrays
from twintrain.training.losses import with_class_weights
from twintrain.training.steps import take_steps
from twintrain.verification.native import (
    Conventions,
    Described,
    Difference,
    Setting,
    differences,
    switched,
    with_conventions,
)
from twintrain.verification.records import PREDICTED_ROWS

STEPS = 200
# Rounding must not pass for an effect.
DTYPE = "float64"


class Trial:
    """Trains networks of one experiment for some steps in this process's framework."""

    def __init__(self, framework: str, folder: Path) -> None:
        params = Params.model_validate(project.read_json(folder / "experiment.json"))
        self.framework, self.folder = framework, folder
        self.parts = {name: Part.load(folder / name, DTYPE) for name in PARTS}
        self.parts["test"] = self.parts["test"].first(PREDICTED_ROWS)
        self.network = load_network(params.model, "native", Schema.load(folder))
        params = with_class_weights(params, self.parts["train"].labels, self.network.schema)
        self.train = params.train.model_copy(update={"dtype": DTYPE})

    def describe(self) -> None:
        """Writes what the framework fills in, and where that leads."""
        again = self._drawn(self.train.seed ^ 1).weights()
        backend = self._drawn(self.train.seed)
        conventions = framework_module(self.framework, "conventions")
        found = {
            "layers": self._layer_conventions(backend.model, conventions.READERS),
            "optimizer": conventions.optimizer_conventions(backend.optimizer, self.train.optimizer),
        }
        project.write_json(self.folder / f"{self.framework}.json", found)
        arrays = {f"initial|{name}": array for name, array in backend.weights().items()}
        arrays |= {f"again|{name}": array for name, array in again.items()}
        np.savez(self.folder / f"{self.framework}.npz", **arrays, logits=self._logits(backend))

    def measure(self) -> None:
        """Writes all differences with the effect of each, and last of all of them together."""
        torch, keras = self._described("torch"), self._described("keras")
        base = self._trained(switched(self.network, torch, keras, None))
        found = [
            self._measured(each, base, self._trained(switched(self.network, torch, keras, each)))
            for each in differences(self.network, self.train.optimizer, torch, keras)
        ]
        together = Difference("all together", "", "its own", "its own")
        found.append(self._measured(together, torch.logits, keras.logits))
        project.write_json(self.folder / "differences.json", [dataclasses.asdict(each) for each in found])

    def _drawn(self, seed: int) -> Any:
        """The native network with the framework's own initial weights, but for those that the layer list writes out."""
        train = self.train.model_copy(update={"seed": seed})
        backend = framework_module(self.framework, "backend").Backend(self.network, train)
        backend.load_weights({**backend.weights(), **draw_weights(self.network, seed)})
        return backend

    def _layer_conventions(self, model: Any, readers: dict[str, Callable[[Any], Any]]) -> Conventions:
        """Arguments that the layer list leaves open, but for how arrays are drawn, as the built layers have them."""
        stock_layer = framework_module(self.framework, "networks").stock_layer
        return {
            placed.name: {
                name: readers[name](stock_layer(model, placed.name))
                for name in placed.layer.open_settings()
                if name in readers
            }
            for placed in self.network.walk()
        }

    def _described(self, framework: str) -> Described:
        arrays = load_arrays(self.folder / f"{framework}.npz", scalars=True)
        groups = {
            group: {name.partition("|")[2]: array for name, array in arrays.items() if name.startswith(f"{group}|")}
            for group in ("initial", "again")
        }
        return Described(**project.read_json(self.folder / f"{framework}.json"), **groups, logits=arrays["logits"])

    def _measured(self, difference: Difference, base: np.ndarray, logits: np.ndarray) -> Difference:
        labels, schema = self.parts["test"].labels, self.network.schema
        change = float(row_metrics(logits, labels, schema).mean() - row_metrics(base, labels, schema).mean())
        return dataclasses.replace(difference, effect=float(np.abs(logits - base).max()), metric=change)

    def _trained(self, setting: Setting) -> np.ndarray:
        """Logits of the test rows after a training in Keras as it is told."""
        optimizer = self.train.optimizer.model_copy(update=setting.optimizer)
        train = self.train.model_copy(update={"optimizer": optimizer})
        network = with_conventions(self.network, setting.layers)
        backend = framework_module(self.framework, "backend").Backend(network, train)
        if not setting.unbiased:
            backend.learner.batch_norms = []
        if setting.own_rule:
            rules = framework_module(self.framework, "optimizers")
            backend.learner.optimizer = rules.build(optimizer, "native", backend.learner.weights)
        backend.load_weights(setting.initial)
        return self._logits(backend)

    def _logits(self, backend: Any) -> np.ndarray:
        take_steps(backend, self.train, self.parts["train"], 0, STEPS)
        return backend.predict(self.parts["test"].features)


def main(framework: str, folder: Path, task: str) -> None:
    """Carries out `describe` or `measure`."""
    trial = Trial(framework, folder)
    {"describe": trial.describe, "measure": trial.measure}[task]()


if __name__ == "__main__":
    run_command(lambda: main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
