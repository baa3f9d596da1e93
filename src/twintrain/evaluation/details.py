"""What of a comparison is too long for results/metrics.json: single classes, bins, slices and rows."""

from typing import Any

import numpy as np

from twintrain.evaluation import disagreements
from twintrain.evaluation.calibration import Bin
from twintrain.evaluation.classification import confusion_matrix
from twintrain.evaluation.decision import ROUNDING
from twintrain.evaluation.mean_comparison import Predictions, row_means
from twintrain.evaluation.sampling import Sampling
from twintrain.evaluation.scores import score_each_class
from twintrain.evaluation.slices import Grouping, by_label, compare_slices, quarters


def of_framework(found: Predictions, names: list[str], calibration: list[Bin]) -> dict[str, Any]:
    """`classes` with the scores of each, the `confusion` matrix with true classes in rows, and `calibration`."""
    confusion = confusion_matrix(found["label"], found["probability"], len(names))
    each = score_each_class(confusion)
    return {
        "classes": [
            {
                "label": name,
                "rows": int(each["rows"][code]),
                **{score: float(each[score][code]) for score in ("precision", "recall", "specificity", "f1")},
            }
            for code, name in enumerate(names)
        ],
        "confusion": confusion.tolist(),
        "calibration": calibration,
    }


def of_pair(
    first: Predictions,
    second: Predictions,
    names: list[str],
    groupings: list[Grouping],
    target: str,
    sampling: Sampling,
    sliced: slice = slice(None),
) -> dict[str, Any]:
    """`slices` and `disagreements` of two networks.

    Args:
        names: of the classes; none where numbers or masks were predicted.
        groupings: of the rows that are sliced, besides those by the label or the number to be predicted.
        target: the name of that number.
        sampling: of the test rows; without a sample slices are not tested.
        sliced: which of the test rows are sliced.
    """
    labels, index = first["label"], first["index"]
    if names:
        probabilities = first["probability"], second["probability"]
        measured = [probability[sliced].argmax(axis=1) == labels[sliced] for probability in probabilities]
        groupings = [by_label(labels[sliced], names), *groupings]
        differing = disagreements.of_classes(*probabilities, labels, index, names)
    else:
        measured = [row_means(found) for found in (first, second)]
        least = ROUNDING * min(values.mean() for values in measured)
        # A test of nothing but rounding would find that it leans to one side.
        measured[1] = np.where(np.abs(measured[1] - measured[0]) <= least, measured[0], measured[1])
        if "prediction" in first and labels.shape[1] == 1:
            groupings = [(target, quarters(labels[sliced, 0])), *groupings]
            numbers = first["prediction"][:, 0], second["prediction"][:, 0], labels[:, 0]
        else:
            numbers = *measured, None
        differing = disagreements.of_numbers(*numbers, index, least)
        measured = [values[sliced] for values in measured]
    return {"slices": compare_slices(groupings, *measured, sampling.of(sliced)), "disagreements": differing}
