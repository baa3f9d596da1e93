"""Schemas of data that is made up in a test."""

from twintrain.data.schema import Schema


def schema_of(input_shape, labels=(), categories=None, **changes):
    """What the stages would have written of made data of this shape, but for what is said."""
    known = {
        "dataset": "made",
        "task": "binary" if len(labels) == 2 else "multiclass",
        "labels": list(labels),
        "input_shape": list(input_shape),
        "input_dtype": "float" if categories is None else "int64",
        "categories": categories,
        "feature_names": None,
        "outputs": 1,
    }
    return Schema(**{**known, **changes})
