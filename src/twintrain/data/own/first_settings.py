"""The first settings for data of the user's own, from what is known before any row is trained on."""

from math import ceil
from typing import Any

from twintrain.data.own.found import Found
from twintrain.data.own.wishes import Wishes

# A class of fewer rows than this needs larger shares to be validated and tested on.
SMALL_CLASS = 15
MANY_ROWS = 100_000
TEST_SHARE = 0.2
# A table's network learns in so many steps, however many rows there are, and early stopping waits for a fifth of them.
STEPS = 3000
LEAST_EPOCHS = 20
WAITED = 5


def first_settings(name: str, found: Found, wishes: Wishes) -> dict[str, Any]:
    """A preset: a network that fits the samples, and how it is trained.

    Args:
        name: of the data set.
    """
    is_small = found.smallest_class is not None and found.smallest_class < SMALL_CLASS
    is_regression = found.description["task"] == "regression"
    axes = len(found.description.get("image_shape") or found.description.get("sample_shape") or [0])
    is_text = any("text" in feature for feature in (found.description.get("features") or {}).values())
    is_table = axes == 1 and not is_text
    kept = {key: value for key, value in (("group", wishes.group), ("time", wishes.time)) if value}
    val = 0.2 if is_small else 0.1
    return {
        "dataset": name,
        "model": "text_lstm" if is_text else {1: "wide_and_deep", 2: "lstm", 3: "image_cnn"}[axes],
        "mode": "aligned",
        "ingest": {"bad_rows": "drop" if found.bad_rows else "error"},
        "preprocess": {"categorical": "onehot"},
        "split": {
            "method": "given" if found.has_test else "stratified",
            "seed": 0,
            "val": val,
            "test": TEST_SHARE,
            "scale": "standard" if is_table else "none",
            "scale_target": "standard" if is_regression else "none",
            **kept,
        },
        "train": _of_vectors(max(1, round(found.rows * (1 - val - TEST_SHARE)))) if is_table else _of_arrays(found),
        "baseline": {
            "name": "linear" if is_regression else "logistic",
            "rows": MANY_ROWS if found.rows > MANY_ROWS else None,
        },
    }


def _of_vectors(rows: int) -> dict[str, Any]:
    """How `wide_and_deep` is trained on so many rows.

    The penalty is that of scikit-learn's logistic regression at C = 1, a sum over the rows, as a part of their mean.
    Steps are so small that several threads would mostly wait for each other.
    """
    batch_size = 32 if rows < 4000 else 256 if rows < MANY_ROWS else 1024
    epochs = max(LEAST_EPOCHS, round(STEPS / ceil(rows / batch_size)))
    return {
        "epochs": epochs,
        "batch_size": batch_size,
        "optimizer": {"name": "adam", "learning_rate": 0.003},
        "regularization": {"l2": float(f"{1 / rows:.2g}")},
        "early_stopping": {"patience": epochs // WAITED},
        "checkpoint_every": max(10, epochs // 10),
        "threads": 1,
    }


def _of_arrays(found: Found) -> dict[str, Any]:
    """How networks on images and sequences are trained: few rows a step where there are few, early stopping."""
    return {
        "epochs": 100 if found.rows < MANY_ROWS else 20,
        "batch_size": 32 if found.rows < MANY_ROWS // 20 else 128 if found.rows < MANY_ROWS else 1024,
        "optimizer": {"name": "adam", "learning_rate": 0.001},
        "early_stopping": {"patience": 10},
        "checkpoint_every": 10,
    }
