"""Records every call of an experiment's untrained network, for a diff that says why two are no twins:

python -m twintrain.verification.layers_recorder FRAMEWORK FOLDER

The folder holds what `workers.write_experiment` wrote. One framework a process.
"""

import sys
from pathlib import Path

from twintrain.command_line.commands import run_command
from twintrain.recordings.record import record
from twintrain.verification.recorder import Recorder

RECORDING = "{}-layers.npz"


def work(framework: str, folder: Path) -> None:
    """Writes the recording, of the weights and rows that the checks go by."""
    recorder = Recorder.of_experiment(framework, folder, "float32")
    recorder.start()
    record(recorder.backend.model, recorder.rows, to=folder / RECORDING.format(framework))


if __name__ == "__main__":
    run_command(lambda: work(sys.argv[1], Path(sys.argv[2])))
