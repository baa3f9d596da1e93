"""Predictions that stages have left in a project, and how their rows were drawn."""

from pathlib import Path

import numpy as np

from twintrain.evaluation.comparison import Predictions
from twintrain.evaluation.sampling import Sampling
from twintrain.system import project
from twintrain.system.stored import ANY_NUMBERS, damaged, load_array, load_arrays


def load_predictions(folder: Path) -> Predictions:
    """Reads the test predictions that `evaluate` or `baseline` has left in a folder.

    Raises:
        DamagedFileError: it holds no such arrays, or arrays of different rows.
    """
    path = folder / "predictions.npz"
    found = load_arrays(path, "index", "label", kinds=ANY_NUMBERS)
    if sizes := {name: len(array) for name, array in found.items() if len(array) != len(found["index"])}:
        name, rows = next(iter(sizes.items()))
        raise damaged(path, f"{len(found['index']):,} rows of '{name}', as of 'index'", f"{rows:,}")
    if found["index"].dtype.kind not in "iu" or not found.keys() & {"probability", "prediction", "class"}:
        raise damaged(path, "predictions of rows by their numbers", ", ".join(found))
    return found


def stored_sampling(index: np.ndarray, is_sample: bool = True) -> Sampling:
    """How rows (rows,) of the ingested data were drawn, with the groups that `split.group` has left there."""
    groups = project.INGESTED / "group.npy"
    if not is_sample or not groups.exists():
        return Sampling(is_sample)
    return Sampling(groups=load_array(groups, mmap_mode="r")[index])
