"""Files of predictions: .npz with the arrays `labels` and `predictions`, and `groups` of rows drawn together."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from twintrain.errors import UserError, cut, did_you_mean, first_line
from twintrain.recordings import npz

NEEDED = ("labels", "predictions")
KNOWN = (*NEEDED, "groups")
EXPECTED = "expected a file of np.savez(…, labels=…, predictions=…)"
REMEDY = "write it again with np.savez(…, labels=…, predictions=…)"


def read_predictions(paths: Sequence[Path]) -> list[dict[str, np.ndarray]]:
    """Reads files of predictions of the same rows: those arrays of `KNOWN` that each has.

    Raises:
        UserError: a file is not there or damaged, has pickled objects or lacks an array, or labels or groups are not
            those of the first file.
    """
    found = [_read(path) for path in paths]
    for path, each in zip(paths[1:], found[1:], strict=True):
        for name in ("labels", "groups"):
            _check_same(name, (paths[0], found[0].get(name)), (path, each.get(name)))
    return found


def _read(path: Path) -> dict[str, np.ndarray]:
    with npz.opened(path, "file", EXPECTED, REMEDY) as arrays:
        npz.shapes_in(path, arrays, EXPECTED, REMEDY)
        for name in NEEDED:
            if name not in arrays:
                raise UserError(f"{path} has no array '{name}'{did_you_mean(name, arrays.files)}; {EXPECTED}")
        try:
            return {name: arrays[name] for name in KNOWN if name in arrays}
        except npz.DAMAGED as error:
            raise UserError(f"{path} is damaged: {cut(first_line(error))}; {REMEDY}") from error


def _check_same(name: str, first: tuple[Path, np.ndarray | None], other: tuple[Path, np.ndarray | None]) -> None:
    (path, ours), (other_path, theirs) = first, other
    if ours is None or theirs is None:
        return
    if ours.shape != theirs.shape:
        raise UserError(
            f"{name} of {path} have shape {ours.shape}, those of {other_path} {theirs.shape}; expected the same rows"
        )
    is_other = np.atleast_1d(ours != theirs)
    if is_other.any():
        row = int(np.argwhere(is_other)[0, 0])
        raise UserError(f"{name} of {path} and {other_path} differ, first in row {row}; expected the same rows")
