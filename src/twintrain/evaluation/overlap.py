"""How far predicted masks cover the true ones."""

import numpy as np

from twintrain.evaluation.running import runs


def intersection_over_union(predicted: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """|A ∩ B| / |A ∪ B| of masks, bool (rows, pixels): float64 (rows,); 1 where both are empty (Jaccard 1912)."""
    shared, either = (predicted & masks).sum(axis=1), (predicted | masks).sum(axis=1)
    return np.where(either > 0, shared / np.maximum(either, 1), 1.0)


def overlaps(predicted: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """IoU of the masks of test rows, float64 (rows,).

    Args:
        predicted: probabilities (rows, pixels), of which the mask is those above 0.5, or booleans.
        masks: bool (rows, pixels).
    """
    found = np.empty(len(masks))
    for run in runs(predicted):
        found[run] = intersection_over_union(predicted[run] > 0.5, masks[run])
    return found


def dice_coefficient(overlaps: np.ndarray) -> np.ndarray:
    """2 |A ∩ B| / (|A| + |B|) of masks with such IoU (rows,) (Dice 1945)."""
    return 2 * overlaps / (1 + overlaps)
