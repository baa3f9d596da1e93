"""Columns that alone predict the target nearly perfectly: they may have been written down after it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from twintrain.data.feature import Feature
from twintrain.data.prepare.encoding import as_numbers

# Balanced accuracy, or R², of a small tree on one column alone, from which the column is suspected to leak.
LEAK = 0.98


def leaks(sample: pd.DataFrame, features: Mapping[str, Feature], target: str, kind: Feature, decimal: str) -> list[str]:
    """A line for each such column.

    Args:
        sample: rows as they stand in the file.
        kind: what the target is.
    """
    wanted = as_numbers(sample, {target: kind}, decimal)[:, 0]
    known = np.isfinite(wanted)
    numbers, wanted = as_numbers(sample[known], features, decimal), wanted[known]
    found = []
    for name, column in zip(features, numbers.T, strict=True):
        if not features[name].used:
            continue
        score = _score_alone(column[:, None], wanted, is_class=bool(kind.categories))
        if score >= LEAK:
            measure = "balanced accuracy" if kind.categories else "R²"
            found.append(
                f"'{name}' alone predicts '{target}' ({measure} {score:.3f}): is it known before '{target}' is? "
                "If not, it leaks; take it out of the features"
            )
    return found


def _score_alone(column: np.ndarray, wanted: np.ndarray, is_class: bool) -> float:
    """How well a small tree predicts the other half of the rows from one column."""
    # Sklearn takes a second to import.
    from sklearn.metrics import balanced_accuracy_score, r2_score
    from sklearn.model_selection import train_test_split
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    if is_class:
        codes, counts = np.unique(wanted, return_counts=True)
        frequent = np.isin(wanted, codes[counts >= 4])
        column, wanted = column[frequent], wanted[frequent]
    if len(np.unique(wanted)) < 2:
        return 0.0
    stratify = wanted if is_class else None
    halves = train_test_split(column, wanted, test_size=0.5, random_state=0, stratify=stratify)
    tree = (DecisionTreeClassifier if is_class else DecisionTreeRegressor)(max_leaf_nodes=64, random_state=0)
    predicted = tree.fit(halves[0], halves[2]).predict(halves[1])
    return float((balanced_accuracy_score if is_class else r2_score)(halves[3], predicted))
