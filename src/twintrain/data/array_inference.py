"""What a NumPy archive that nobody described seems to hold."""

from collections import Counter
from pathlib import Path

import numpy as np

from twintrain.data.found import Found, shown, task_of
from twintrain.data.readers.npz import PARTED, WHOLE, one_a_row, read_arrays
from twintrain.errors import UserError

MOST_CLASSES = 20
TARGET = "label"


def infer_npz(path: Path, task: str | None) -> Found:
    """Looks at the arrays of a NumPy archive.

    Args:
        path: as the reader takes it: `features` and `labels`, or `x_train`, `y_train`, `x_test` and `y_test`.
        task: "classes" or "regression" where the user says so.

    Raises:
        UserError: an unreadable archive, missing arrays, features or labels of another shape.
    """
    arrays = read_arrays(path)
    has_parts = "x_train" in arrays
    pairs = [PARTED[:2], PARTED[2:]] if has_parts else [WHOLE]
    target = np.concatenate([one_a_row(path, arrays, *pair) for pair in pairs])
    labels = [] if task == "regression" else _labels(target, task)
    features = arrays[pairs[0][0]]
    shape = list(features.shape[1:])
    if not 1 <= len(shape) <= 3:
        raise UserError(
            f"{path}: {pairs[0][0]}: expected (rows, numbers), (rows, steps, channels) or (rows, height, width, "
            f"channels), got {features.shape}"
        )
    is_image = len(shape) > 1 and (features.dtype == np.uint8 or (len(shape) == 3 and _are_pixels(features)))
    described = {"image_shape": shape if len(shape) == 3 else [*shape, 1]} if is_image else {"sample_shape": shape}
    counts = Counter(target.astype(str).tolist())
    return Found(
        description={
            "task": task_of(labels),
            "format": "npz",
            "target": TARGET,
            **({"labels": labels} if labels else {}),
            **described,
        },
        rows=len(target),
        lines=[
            ("features", " × ".join(map(str, shape)), str(features.dtype)),
            (TARGET, "target", shown(labels)),
        ],
        warnings=[],
        smallest_class=min((counts[label] for label in labels), default=None),
        has_test=has_parts,
    )


def _are_pixels(features: np.ndarray) -> bool:
    """Whether all are whole numbers from 0 to 255; pixels from 0 to 1 are taken as they are."""
    if features.dtype.kind not in "iuf":
        return False
    return bool(((features >= 0) & (features <= 255) & (features == np.floor(features))).all())


def _labels(target: np.ndarray, task: str | None) -> list[str]:
    """The classes in their order; none where the target seems to be a number."""
    values = np.unique(target)
    if task is None and target.dtype.kind == "f":
        return []
    if task is None and target.dtype.kind in "iu" and len(values) > MOST_CLASSES * 5:
        return []
    return values.astype(str).tolist()
