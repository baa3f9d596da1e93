"""What a worker writes down of one framework in one precision, and its file."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from twintrain.settings.sections.precision import HALF
from twintrain.system.stored import load_arrays

Arrays = dict[str, np.ndarray]

# Of test rows: all that most data sets have. Of more no more could be told, and what is recorded is held in memory.
PREDICTED_ROWS = 100_000
SHAPES = "parameters and shapes"
# In the order of the computation, so that the first one that differs is the cause.
OUTPUTS, LOGITS, LOSS, GRADIENTS, STATISTICS = "layer outputs", "logits", "loss", "gradients", "running statistics"
STEPS = (1, 10, 200)
# Of the first steps one by one, a number an array: by it the step is named in which two part.
TRACE = "single steps"
TRACED = 40
TRAINING_LOSS, TRAINING_METRIC = "training loss", "training metric"
PREDICTIONS = "test predictions"
# What weights and test predictions are before any step.
INITIAL, UNTRAINED = "initial weights", "untrained predictions"
# What frozen layers start with, and must end with.
FROZEN = "frozen weights"
# What a saved network gives: the test predictions, after the head that is for reading alone.
SAVED = "predictions of the network that is saved"
RELOADED_WEIGHTS, RELOADED, LOGGED = "weights after reload", "predictions after reload", "predictions by MLflow"


def precisions(dtype: str) -> tuple[str, str]:
    """Those that an experiment is recorded in: float64, which is the proof, and one that is trained in.

    Args:
        dtype: its `train.dtype`.
    """
    return ("float64", dtype if dtype in HALF else "float32")


def weights_after(steps: int) -> str:
    """The name of the arrays after some training steps."""
    return f"weights after {steps} step{'s' if steps > 1 else ''}"


@dataclass
class Record:
    """Arrays by what they are and by name, both in order.

    Attributes:
        shapes: of the arrays that the framework's network has, by name.
        arrays: empty where the shapes are not those of the layer list, since nothing else can be compared then.
    """

    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    arrays: dict[str, Arrays] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Writes one file."""
        flat = {f"array|{what}|{name}": a for what, found in self.arrays.items() for name, a in found.items()}
        np.savez(path, **{f"shape|{name}": np.array(shape, np.int64) for name, shape in self.shapes.items()}, **flat)

    @classmethod
    def load(cls, path: Path) -> "Record":
        """Reads what `save` wrote."""
        record = cls()
        for key, array in load_arrays(path, scalars=True).items():
            kind, _, rest = key.partition("|")
            if kind == "shape":
                record.shapes[rest] = tuple(int(size) for size in array)
            else:
                what, _, name = rest.partition("|")
                record.arrays.setdefault(what, {})[name] = array
        return record
