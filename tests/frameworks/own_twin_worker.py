"""Records twins of a user's own in one framework: python tests/frameworks/own_twin_worker.py FRAMEWORK FOLDER

Each folder in FOLDER has one. FOLDER/FRAMEWORK.json gets what is said of files with a mistake, and what is found in odd
modules.
"""

import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from odd_modules import ODD, odd
from own_twins import MISTAKES

from twintrain.command_line.commands import run_command
from twintrain.data.parts import Part
from twintrain.data.schema import Schema
from twintrain.errors import UserError
from twintrain.frameworks import framework_module
from twintrain.models.initial_weights import draw_weights
from twintrain.models.network import load_network
from twintrain.models.own_twin import check_saving
from twintrain.settings.params import Params
from twintrain.settings.sections.training import Train
from twintrain.system import project
from twintrain.verification import recorder


def main(framework: str, folder: Path) -> None:
    for path in sorted(folder.glob("*/experiment.json")):
        recorder.work(framework, path.parent)
    said = {name: message(framework, folder, folder / f"{framework}_{name}.py") for name in MISTAKES[framework]}
    found = {name: arrays(framework, folder, name) for name in ODD[framework]}
    native = keeps_its_own(framework, folder)
    project.write_json(folder / f"{framework}.json", {"messages": said, "native": native, "odd": found})


def message(framework: str, folder: Path, path: Path) -> str:
    """What the user is told of a file."""
    network = load_network(str(path), "aligned", Schema.load(folder / "layer_norm"))
    example = Part.load(folder / "layer_norm/test").features
    saving = framework_module(framework, "saving")
    try:
        model = framework_module(framework, "networks").build(network, "float32", 0)
        check_saving(path, partial(saving.save, model, network, example), saving.load, saving.FILE_NAME)
    except UserError as error:
        return str(error)
    return ""


def arrays(framework: str, folder: Path, name: str) -> dict[str, object]:
    """The arrays of an odd network, those that come back of what is set and saved, and what is trained where all but
    the last layer are frozen.
    """
    path = folder / f"{framework}_odd_{name.replace(' ', '_')}.py"
    path.write_text(odd(framework, name))
    network = load_network(str(path), "aligned", Schema.load(folder / "layer_norm"))
    features, labels = (getattr(Part.load(folder / "layer_norm/test"), of) for of in ("features", "labels"))
    backend_module, saving = (framework_module(framework, module) for module in ("backend", "saving"))
    backend = backend_module.Backend(network, Train())
    weights = {each: array.astype(np.float32) for each, array in draw_weights(backend.network, 3).items()}
    backend.load_weights(weights)
    kept = [each for each, array in backend.weights().items() if np.array_equal(array, weights[each])]
    with tempfile.TemporaryDirectory() as saved:
        saving.save(backend.model, backend.network, features, Path(saved) / saving.FILE_NAME)
        loaded = saving.load_weights(Path(saved) / saving.FILE_NAME, backend.network)
    frozen = backend_module.Backend(network, Train(freeze=["own_*"])) if any("own_" in each for each in kept) else None
    described = backend.network.weights().items()
    return {
        "arrays": {each: [weight.initializer, list(weight.shape), weight.trainable] for each, weight in described},
        "kept": [each for each in kept if np.array_equal(loaded[each], weights[each])],
        "trained": sorted(backend.gradients(features, labels)[1]),
        "trained where own are frozen": frozen and sorted(frozen.gradients(features, labels)[1]),
    }


def keeps_its_own(framework: str, folder: Path) -> dict[str, object]:
    """What `native` leaves to the framework."""
    twin = folder / "layer_norm"
    params = Params.model_validate(project.read_json(twin / "experiment.json"))
    network = load_network(params.model, "native", Schema.load(twin))
    backend = framework_module(framework, "backend").Backend(network, Train())
    return {
        "initializers": [weight.initializer for weight in backend.network.weights().values()],
        "deviation": float(np.std(backend.weights()["dense_0/kernel"])),
    }


if __name__ == "__main__":
    run_command(lambda: main(sys.argv[1], Path(sys.argv[2])))
