"""Records two steps of an experiment's network, for a diff that says why two are no twins whose layers are the same:

python -m twintrain.verification.training_recorder FRAMEWORK FOLDER

The folder holds what `workers.write_experiment` wrote. One framework a process. The steps are of plain gradient descent
on a mean of squares, which every network can be trained by: what a network does in training is looked at, and no more.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from twintrain.command_line.commands import run_command
from twintrain.frameworks import framework_module
from twintrain.recordings.archive import Recording
from twintrain.recordings.record import record
from twintrain.verification.recorder import Recorder

RECORDING = "{}-training.npz"
STEPS = (1, 2)


def work(framework: str, folder: Path) -> None:
    """Writes the recording, of the weights and rows that the layers are compared by."""
    recorder = Recorder.of_experiment(framework, folder, "float64")
    recorder.start()
    model = recorder.backend.model
    targets = np.random.default_rng(0).normal(size=(len(recorder.rows), recorder.network.schema.outputs))
    loss, optimizer = framework_module(framework, "networks").plain_training(model)
    to = folder / RECORDING.format(framework)
    found = record(
        model, recorder.rows, targets, to=to, loss=loss, optimizer=optimizer, steps=STEPS, precisions=("float64",)
    )
    if found.framework == "keras":
        with_unbiased_variances(found).save(to)


def with_unbiased_variances(recording: Recording) -> Recording:
    """The recording with unbiased running variances, as PyTorch's, which our training makes of Keras's biased ones."""
    arrays = dict(recording.arrays)
    for call in recording.calls:
        name, momentum = call.weights.get("moving_variance", ""), call.options.get("momentum")
        if not name or momentum is None:
            continue
        for pass_ in recording.passes:
            before = own = recording.weight(pass_, name)
            count = recording.count_of_statistic(call, "moving_variance")
            for step in STEPS:
                after = recording.weight_after(pass_, step, name)
                if not np.array_equal(after, own):
                    before = momentum * before + (after - momentum * own) * (count / (count - 1))
                own = after
                arrays[f"{pass_}/step/{step}/{name}"] = before
    return replace(recording, arrays=arrays)


if __name__ == "__main__":
    run_command(lambda: work(sys.argv[1], Path(sys.argv[2])))
