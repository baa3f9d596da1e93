"""From a file of weights to arrays, by the layers that the file has, in their order."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from twintrain.errors import UserError, said_of_file
from twintrain.system.processes import worker_environment
from twintrain.system.stored import ANY_NUMBERS, DamagedFileError, load_arrays
from twintrain.training.transfer import MEANINGS, Trained
from twintrain.training.weight_files.keras_file import read_keras_file

ENDINGS = (".npz", ".pt", ".pth", ".h5", ".keras")
# PyTorch's own reader, which does not run what a pickle asks for, in a process of its own: here may be TensorFlow.
TORCH_READER = ("-m", "twintrain.training.weight_files.torch_reader")


def read_weights(path: Path) -> Trained:
    """Reads a file of weights by its ending.

    `.npz` has arrays by our names, `.pt` and `.pth` a state_dict of PyTorch's, `.h5` and `.keras` what Keras saves.

    Raises:
        UserError: there is no such file, it is of another kind, or an array of it is none of numbers.
    """
    found = _read(path)
    if not found.arrays:
        raise UserError(f"{path}: expected arrays of layers, got none")
    for name, array in found.arrays.items():
        if array.dtype.kind not in ANY_NUMBERS:
            raise UserError(f"{path}: expected arrays of numbers, got {name} of {array.dtype}")
        if not np.isfinite(array).all():  # the first loss would be none either, and blamed on the learning rate
            raise UserError(f"{path}: expected weights that are numbers, got NaN or infinity in {name}")
    return found


def _read(path: Path) -> Trained:
    try:
        if path.suffix in (".pt", ".pth"):
            return _read_state_dict(path)
        if path.suffix != ".npz":
            return read_keras_file(path)
        arrays = load_arrays(path, scalars=True)
        return Trained.load(path) if MEANINGS in arrays else Trained(arrays, [])
    except OSError as error:
        raise UserError(f"{path} cannot be read: {said_of_file(error)}") from None
    except DamagedFileError as error:
        raise UserError(str(error).replace(f"{path} is damaged: ", f"{path}: ")) from None


def _read_state_dict(path: Path) -> Trained:
    with path.open("rb"), tempfile.TemporaryDirectory(prefix="twintrain-weights-") as folder:
        out = Path(folder) / "arrays.npz"
        done = subprocess.run(
            [sys.executable, *TORCH_READER, str(path), str(out)],
            env=worker_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
            raise UserError(f"{path}: {re.sub(r'^error: ', '', last)}")
        return Trained(load_arrays(out), [], layout="torch")
