"""Records twins of a user's own in one framework, and what it says of files with a mistake:

python tests/frameworks/own_twin_worker.py FRAMEWORK FOLDER            records the twin of each folder in FOLDER
python tests/frameworks/own_twin_worker.py FRAMEWORK FOLDER mistakes   does, and writes FOLDER/FRAMEWORK.json
"""

import sys
from functools import partial
from pathlib import Path

import numpy as np
from own_twins import MISTAKES

from twintrain.command_line.commands import run_command
from twintrain.data.parts import Part
from twintrain.data.schema import Schema
from twintrain.errors import UserError
from twintrain.frameworks import framework_module
from twintrain.models.network import load_network
from twintrain.models.own_twin import check_saving
from twintrain.settings.params import Params
from twintrain.settings.sections.training import Train
from twintrain.system import project
from twintrain.verification import recorder


def main(framework: str, folder: Path, *mistakes: str) -> None:
    for path in sorted(folder.glob("*/experiment.json")):
        recorder.work(framework, path.parent)
    if not mistakes:
        return
    said = {name: message(framework, folder, folder / f"{framework}_{name}.py") for name in MISTAKES[framework]}
    project.write_json(folder / f"{framework}.json", {"messages": said, "native": keeps_its_own(framework, folder)})


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
    run_command(lambda: main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]))
