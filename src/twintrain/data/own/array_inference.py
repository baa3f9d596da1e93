"""What a NumPy archive that nobody described seems to hold."""

from collections import Counter
from pathlib import Path

import numpy as np

from twintrain.data.own.class_counts import (
    CLASS_ROWS,
    count_text,
    frequent,
    imbalance_note,
    left_out,
    near_names_note,
    rare_note,
)
from twintrain.data.own.found import Found, shown, task_of
from twintrain.data.readers.npz import PARTED, WHOLE, are_finite, as_text, one_a_row, read_arrays
from twintrain.errors import UserError

# Whole numbers of more values than this are no classes.
MOST_NUMBERS = 100
# Of the classes that an error names.
SHOWN_CLASSES = 20
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
    targets = [one_a_row(path, arrays, *pair) for pair in pairs]
    counts = _class_counts(targets, task)
    labels, notes = _classes(path, counts, targets) if counts else ([], [])
    features = arrays[pairs[0][0]]
    shape = list(features.shape[1:])
    if not 1 <= len(shape) <= 3:
        raise UserError(
            f"{path}: {pairs[0][0]}: expected (rows, numbers), (rows, steps, channels) or (rows, height, width, "
            f"channels), got {features.shape}"
        )
    is_image = len(shape) > 1 and (features.dtype == np.uint8 or (len(shape) == 3 and _are_pixels(features)))
    described = {"image_shape": shape if len(shape) == 3 else [*shape, 1]} if is_image else {"sample_shape": shape}
    is_good = np.concatenate(
        [_are_good(arrays[pair[0]], rows, labels) for pair, rows in zip(pairs, targets, strict=True)]
    )
    if nonfinite := int((~is_good).sum()) - sum(counts[label] for label in counts if label not in labels):
        notes.append(f"{count_text(nonfinite, 'row')} of numbers that are not finite: set aside")
    return Found(
        description={
            "task": task_of(labels),
            "format": "npz",
            "target": TARGET,
            **({"labels": labels} if labels else {}),
            **described,
        },
        rows=len(is_good),
        lines=[
            ("features", " × ".join(map(str, shape)), str(features.dtype)),
            (TARGET, "target", shown(labels)),
        ],
        warnings=notes,
        smallest_class=min((counts[label] for label in labels), default=None),
        bad_rows=int((~is_good).sum()),
        has_test=has_parts,
    )


def _are_pixels(features: np.ndarray) -> bool:
    """Whether all are whole numbers from 0 to 255; pixels from 0 to 1 are taken as they are."""
    if features.dtype.kind not in "iuf":
        return False
    return bool(((features >= 0) & (features <= 255) & (features == np.floor(features))).all())


def _class_counts(targets: list[np.ndarray], task: str | None) -> Counter[str]:
    """The rows of each class, in the order of the classes; none where the target seems to be a number."""
    counts = Counter(label for target in targets for label in as_text(target).tolist())
    kinds = {target.dtype.kind for target in targets}
    if task == "regression" or (task is None and ("f" in kinds or (kinds <= set("iu") and len(counts) > MOST_NUMBERS))):
        return Counter()
    return Counter({label: counts[label] for label in sorted(counts, key=float if kinds <= set("biuf") else str)})


def _classes(path: Path, counts: Counter[str], targets: list[np.ndarray]) -> tuple[list[str], list[str]]:
    """The classes that are learned, those of enough rows in each part, and what there is to say of them and others."""
    everywhere = set.intersection(*(set(as_text(target).tolist()) for target in targets))
    labels = [label for label in frequent(counts) if label in everywhere]
    if len(labels) < 2:
        found = ", ".join(f"{label}: {rows:,}" for label, rows in counts.most_common(SHOWN_CLASSES))
        raise UserError(f"{path}: expected at least two classes of {CLASS_ROWS} rows, in each part, got {found}")
    absent = [label for label in frequent(counts) if label not in everywhere]
    return labels, [
        *near_names_note(counts),
        *rare_note(counts),
        *left_out(absent, counts, "of one part alone"),
        *imbalance_note(counts, labels),
    ]


def _are_good(features: np.ndarray, target: np.ndarray, labels: list[str]) -> np.ndarray:
    """Whether the reader takes a row, or sets it aside: bool (rows,)."""
    is_known = np.isin(as_text(target), labels) if labels else are_finite(target)
    return are_finite(features) & is_known
