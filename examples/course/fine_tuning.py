"""Trains MobileNetV2 on 50 digits from 5 to 9: python -m examples.course.fine_tuning FRAMEWORK OUT.npz EPOCHS FILE …

Each FILE has the weights that somebody's network has learnt of the digits 0 to 4 (pretrained.py). All but the head is
taken, and kept as it is while a new head is trained, or trained too; beside it a network is freshly drawn. All is
float64; one framework a process.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from examples.course.trainings import experiment
from twintrain.evaluation.metrics import accuracy
from twintrain.frameworks import framework_module
from twintrain.models.initial_weights import draw_weights
from twintrain.models.network import load_network
from twintrain.training.loop import fit
from twintrain.training.transfer import start_from
from twintrain.training.weight_files.reading import read_weights

MODEL, ROWS, VALIDATION, EPOCHS, RATE, SEED = "mobilenet_v2_small", 50, 0.04, 20, 0.003, 0


def learn(framework: str, file: Path | None, is_frozen: bool, epochs: int) -> dict[str, np.ndarray]:
    """What comes of one start.

    Args:
        is_frozen: whether all but the head keeps its arrays.

    Returns:
        `accuracy` on digits that nobody has seen; `weights` after the training, all arrays in a row; `read`, how far
        the network's numbers are from the file's before it, and `kept`, how far those of frozen layers are after it.
    """
    changes = {"split.train_rows": ROWS, "split.val": VALIDATION, "train.epochs": epochs}
    changes |= {"train.optimizer.learning_rate": RATE}
    params, schema, parts = experiment("digits_high", model=MODEL, **changes)
    network = load_network(params.model, params.mode, schema)
    given = read_weights(file) if file else None
    trunk = [name for name in network.layers_with_arrays() if name not in network.layers_of_outputs()]
    train = params.train.model_copy(update={"freeze": trunk if is_frozen else []})
    backend = framework_module(framework, "backend").Backend(network, train)
    start = start_from(backend.network, draw_weights(network, SEED), given)
    backend.load_weights(start.weights)
    held = backend.weights()
    read = _apart(held, given.found_in(network).arrays, start.loaded) if given else 0.0
    with tempfile.TemporaryDirectory() as folder:
        fit(backend, parts, train, Path(folder) / "checkpoint.npz", "", lambda *_: None)
    trained = backend.weights()
    return {
        "accuracy": np.array(accuracy(backend.predict(parts["test"].features), parts["test"].labels)),
        "weights": np.concatenate([array.ravel() for array in trained.values()]),
        "read": np.array(read),
        "kept": np.array(_apart(trained, held, start.frozen)),
    }


def _apart(first: dict[str, np.ndarray], second: dict[str, np.ndarray], layers: list[str]) -> float:
    """The largest difference of an array of these layers."""
    names = [name for name in first if name.partition("/")[0] in layers]
    return max((float(np.abs(first[name] - second[name]).max()) for name in names), default=0.0)


def main(framework: str, out: str, epochs: str, *files: str) -> None:
    """Runs one framework's side."""
    starts = {"drawn": (None, False)}
    for file in map(Path, files):
        starts |= {f"{file.suffix} head": (file, True), f"{file.suffix} all": (file, False)}
    found = {name: learn(framework, *start, int(epochs)) for name, start in starts.items()}
    np.savez(out, **{f"{name}|{what}": array for name, arrays in found.items() for what, array in arrays.items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
