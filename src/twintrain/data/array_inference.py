"""What a folder of images or a NumPy archive that nobody described seems to hold."""

from collections import Counter
from pathlib import Path

import numpy as np

from twintrain.data.found import Found, shown, task_of
from twintrain.data.readers.images import PARTS, files_of
from twintrain.data.readers.npz import PARTED, WHOLE, one_a_row, read_arrays
from twintrain.errors import UserError

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".gif")
# The longer side of the usual image, at most.
LARGEST_SIDE = 64
GREY_MODES = ("1", "L", "LA", "I", "I;16", "F")
MOST_CLASSES = 20
# Of the files that are no images.
LISTED = 3
TARGET = "label"


def infer_images(path: Path) -> Found:
    """Looks at the names of all images and at their headers: classes, usual size, grey or colour.

    Args:
        path: a folder, or an archive, of CLASS/FILE, or of train/CLASS/FILE and test/CLASS/FILE.

    Raises:
        UserError: no images, images outside of class folders, or one class only.
    """
    # Imports Pillow, half of whose time is that of its formats.
    from twintrain.data.readers.image_header import BadImageError, image_header

    counts, sizes, modes, parts, unreadable = Counter(), [], Counter(), set(), []
    for name, content in files_of([path]):
        *above, label = name.parent.parts or ("",)
        if not label:
            raise UserError(f"{path}: expected a folder a class, got '{name}' outside of them")
        try:
            with image_header(content) as image:
                sizes.append(image.size[::-1])
                modes[image.mode] += 1
        except BadImageError as error:
            unreadable.append(f"{name} {error}")
            continue
        counts[label] += 1
        parts.add(PARTS.get(above[-1], "") if above else "")
    labels = sorted(counts)
    if len(labels) < 2:
        got = "; ".join([", ".join(labels) or "no images", *unreadable[:1]])
        raise UserError(f"{path}: expected images in at least two folders, one a class, got {got}")
    shape = [*_usual_size(sizes), 1 if set(modes) <= set(GREY_MODES) else 3]
    return Found(
        description={
            "task": task_of(labels),
            "format": "images",
            "target": TARGET,
            "labels": labels,
            "image_shape": shape,
        },
        rows=sum(counts.values()),
        lines=[
            ("images", _shape_text(shape), _sizes_text(sizes)),
            *((label, "class", f"{counts[label]:,} images") for label in labels),
        ],
        warnings=[_unreadable_text(unreadable)] if unreadable else [],
        smallest_class=min(counts.values()),
        bad_rows=len(unreadable),
        has_test="test" in parts,
    )


def _usual_size(sizes: list[tuple[int, int]]) -> list[int]:
    """Median height and width, made smaller together until they are no larger than LARGEST_SIDE."""
    height, width = np.median(sizes, axis=0)
    share = min(1.0, LARGEST_SIDE / max(height, width))
    return [max(1, round(float(side) * share)) for side in (height, width)]


def _shape_text(shape: list[int]) -> str:
    height, width, channels = shape
    return f"{height} × {width}, {'grey' if channels == 1 else 'colour'}"


def _sizes_text(sizes: list[tuple[int, int]]) -> str:
    (low, high) = (min(sizes), max(sizes))
    if low == high:
        return f"all are {low[0]} × {low[1]}"
    return f"from {low[0]} × {low[1]} to {high[0]} × {high[1]}, resized"


def _unreadable_text(reasons: list[str]) -> str:
    more = f"; and {len(reasons) - LISTED} more" if len(reasons) > LISTED else ""
    return f"{len(reasons)} file{'s' if len(reasons) > 1 else ''} set aside: {'; '.join(reasons[:LISTED])}{more}"


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
