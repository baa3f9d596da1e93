"""Trains one trial: python -m twintrain.sweeping.trial_process FRAMEWORK FOLDER DATA

FOLDER holds params.json and the weights of an initial model, if there is one; DATA holds the schema, the training and
the validation rows: a trial never meets the test rows. What comes of it goes to stdout, a line of JSON a time; all else
that is printed goes to stderr.
"""

import gc
import json
import os
import sys
from pathlib import Path
from typing import Any

from twintrain.command_line.commands import run_command
from twintrain.data.parts import Part
from twintrain.data.schema import Schema
from twintrain.errors import UserError
from twintrain.frameworks import framework_module
from twintrain.models.initial_weights import draw_weights
from twintrain.models.network import load_network
from twintrain.settings.params import Params
from twintrain.settings.sections.precision import array_dtype
from twintrain.system import project
from twintrain.training.initial_model import handed_on
from twintrain.training.loop import DivergenceError, fit
from twintrain.training.losses import with_class_weights
from twintrain.training.transfer import start_from

PARTS = ("train", "val")


def work(framework: str, folder: Path, data: Path) -> None:
    """Trains to the end, or until it diverges."""
    tell = _teller()
    params = Params.model_validate(project.read_json(folder / "params.json"))
    schema = Schema.load(data)
    parts = {name: Part.load(data / name, array_dtype(params.train.dtype)) for name in PARTS}
    network = load_network(params.model, params.mode, schema)
    params = with_class_weights(params, parts["train"].labels, schema)
    backend = framework_module(framework, "backend").Backend(network, params.train)
    drawn = {**backend.weights(), **draw_weights(backend.network, params.train.seed)}
    backend.load_weights(start_from(backend.network, drawn, handed_on(folder)).weights)
    tell(parameters=backend.parameter_count())
    # A trial is never resumed, so it needs no checkpoint.
    train = params.train.model_copy(update={"checkpoint_every": params.train.epochs + 1})
    gc.freeze()
    gc.enable()
    try:
        history = fit(
            backend, parts, train, folder / "none.npz", "", lambda epoch, metrics: tell(epoch=epoch, metrics=metrics)
        )
        tell(best_epoch=history.best_epoch, seconds=sum(history.seconds))
    except DivergenceError as error:
        tell(diverged=str(error))


def _teller() -> Any:
    """Writes to what was stdout; what libraries print there goes to stderr from now on."""
    lines = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def tell(**found: Any) -> None:
        try:
            lines.write(json.dumps(found) + "\n")
        except BrokenPipeError:
            raise UserError("the sweep that started this trial has ended") from None

    return tell


if __name__ == "__main__":
    run_command(lambda: work(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
