"""Arrays of predictions as anybody has them, read as classes, probabilities or numbers; what cannot be is one line."""

from typing import Any

import numpy as np

from twintrain.errors import UserError, cut, first_line, shown
from twintrain.evaluation.comparison import Predictions
from twintrain.recordings.given import as_array

# Probabilities in half precision sum to one but for this.
ROUNDING = 1e-2
LARGEST = 1e100  # squares of errors are summed


def given_predictions(
    labels: Any, first: Any, second: Any, names: tuple[str, str] = ("a", "b")
) -> tuple[Predictions, Predictions]:
    """Reads labels and what two models have predicted of them.

    Labels of integers, booleans or words are classes, and those of floats are numbers. Of classes, predictions are
    classes (rows,), probabilities (rows, classes), or probabilities of the second of two classes (rows,) or (rows, 1);
    of numbers they are numbers of the shape of the labels.

    Args:
        names: how errors call the two.

    Returns:
        what `compare_networks` takes of each.

    Raises:
        UserError: lengths or shapes do not fit, a number is not finite, or predictions are of another kind than labels.
    """
    truth = _array(labels, "labels")
    predicted = [_array(array, name) for array, name in zip((first, second), names, strict=True)]
    for array, name in zip(predicted, names, strict=True):
        if len(array) != len(truth):
            raise UserError(
                f"{name} has {len(array):,} rows and labels {len(truth):,}; expected those of the same rows"
            )
    if truth.dtype.kind == "f":
        return _numbers(truth, *predicted, names)
    return _classes(truth, *predicted, names)


def codes(values: Any, name: str, rows: int) -> np.ndarray:
    """Numbers from 0, int64 (rows,), of integers or words that say which group a row is of.

    Raises:
        UserError: they are not as many as the rows, or not one a row.
    """
    found = _array(values, name)
    if found.shape != (rows,):
        raise UserError(f"{name} has shape {found.shape}; expected ({rows},), one a row")
    return np.unique(found, return_inverse=True)[1]


def _array(value: Any, name: str) -> np.ndarray:
    try:
        array = as_array(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{name} is no array: {cut(first_line(error))}; expected one with a row a sample") from error
    if array.dtype.kind in "OT" and all(isinstance(each, str) for each in array.ravel()):
        array = array.astype(str)
    if array.dtype.kind not in "biufU" or not array.ndim or not array.size:
        raise UserError(
            f"{name} is {array.dtype} of shape {array.shape}; expected numbers or words with a row a sample"
        )
    if array.dtype.kind != "f":
        return array
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        place = tuple(int(index) for index in np.argwhere(~np.isfinite(array))[0])
        raise UserError(f"{name} has {array[place]} at {place}, the first of its kind; expected finite numbers")
    if np.abs(array).max() > LARGEST:
        raise UserError(f"{name} has numbers up to {np.abs(array).max():.0e}; expected none above {LARGEST:.0e}")
    return array


def _numbers(
    truth: np.ndarray, first: np.ndarray, second: np.ndarray, names: tuple[str, str]
) -> tuple[Predictions, Predictions]:
    if truth.ndim == 2 and truth.shape[1] > 1 and (np.isin(truth, (0, 1)).all() and (truth.sum(axis=1) == 1).all()):
        raise UserError("labels are one-hot; expected the classes themselves: labels.argmax(axis=1)")
    found = []
    for array, name in ((first, names[0]), (second, names[1])):
        if array.dtype.kind == "U" or _bare(array) != _bare(truth):
            raise UserError(
                f"{name} is {array.dtype} of shape {array.shape}, and labels are floats of shape {truth.shape}; "
                "expected numbers of that shape, or of classes labels of integers: labels.astype(int)"
            )
        found.append(
            _stored(truth.reshape(len(truth), -1), prediction=array.reshape(len(truth), -1).astype(np.float64))
        )
    return found[0], found[1]


def _bare(array: np.ndarray) -> tuple[int, ...]:
    """The shape without axes of length one behind the first."""
    return (len(array), *(length for length in array.shape[1:] if length > 1))


def _classes(
    truth: np.ndarray, first: np.ndarray, second: np.ndarray, names: tuple[str, str]
) -> tuple[Predictions, Predictions]:
    if truth.ndim == 2 and truth.shape[1] == 1:
        truth = truth[:, 0]
    if truth.ndim != 1:
        raise UserError(
            f"labels have shape {truth.shape}; expected classes (rows,); of one-hot ones, labels.argmax(axis=1)"
        )
    pair = [(_unnested(array), name) for array, name in ((first, names[0]), (second, names[1]))]
    for array, name in pair:
        if array.dtype.kind != "f" and (array.ndim != 1 or (array.dtype.kind == "U") != (truth.dtype.kind == "U")):
            raise UserError(
                f"{name} is {array.dtype} of shape {array.shape}, and labels are classes of {truth.dtype}; expected "
                f"classes of the same kind of shape ({len(truth)},), or probabilities (rows, classes)"
            )
    if all(array.dtype.kind != "f" for array, _ in pair):
        together = np.concatenate([truth, *(array for array, _ in pair)])
        numbers, *predicted = np.split(np.unique(together, return_inverse=True)[1], 3)
        first, second = (_stored(numbers, **{"class": each}) for each in predicted)
        return first, second
    if truth.dtype.kind == "U":
        raise UserError("labels are words and predictions probabilities; expected the number of each label's column")
    return _of_probabilities(truth.astype(np.int64), pair)


def _unnested(array: np.ndarray) -> np.ndarray:
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def _of_probabilities(truth: np.ndarray, pair: list[tuple[np.ndarray, str]]) -> tuple[Predictions, Predictions]:
    """Probabilities of both, or of one of them and classes of the other."""
    found = [
        {"probability": _probabilities(truth, array, name)} if array.dtype.kind == "f" else {"class": array.astype(int)}
        for array, name in pair
    ]
    widths = [each["probability"].shape[1] for each in found if "probability" in each]
    if len(set(widths)) > 1:
        raise UserError(
            f"{pair[0][1]} has probabilities of {widths[0]} classes and {pair[1][1]} of {widths[1]}; expected the same"
        )
    return _stored(truth, **found[0]), _stored(truth, **found[1])


def _probabilities(truth: np.ndarray, array: np.ndarray, name: str) -> np.ndarray:
    """Probabilities (rows, classes) that sum to one, whatever their precision."""
    if array.ndim == 1:
        array = np.stack([1 - array, array], axis=1)
    if array.ndim != 2:
        raise UserError(f"{name} has shape {array.shape}; expected probabilities (rows, classes), or classes (rows,)")
    sums = array.sum(axis=1)
    wrong = (array < -ROUNDING).any(axis=1) | (np.abs(sums - 1) > ROUNDING)
    if wrong.any():
        row = int(wrong.argmax())
        raise UserError(
            f"{name} has no probabilities in row {row}: {shown([float(f'{x:.4g}') for x in array[row][:5]])}; expected "
            "numbers from 0 to 1 that sum to 1 (the softmax of logits), or labels of floats where numbers are predicted"
        )
    known = array.shape[1]
    if not 0 <= truth.min() <= truth.max() < known:
        odd = int(truth[(truth < 0) | (truth >= known)][0])
        raise UserError(f"labels have class {odd}, and {name} probabilities of {known}: expected 0 to {known - 1}")
    return array


def _stored(truth: np.ndarray, **found: np.ndarray) -> Predictions:
    return {"index": np.arange(len(truth)), "label": truth, **found}
