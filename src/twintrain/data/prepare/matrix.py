"""Features of any kind as the matrix of numbers that scikit-learn takes."""

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from twintrain.data.schema import Schema


def flat(features: np.ndarray) -> np.ndarray:
    """(rows, …) → (rows, columns)."""
    return features.reshape(len(features), -1)


def matrix_encoder(schema: Schema) -> Pipeline:
    """What is to be fitted on flat training rows: codes become 0/1 columns, the columns of a table are standardised.

    Pixels and the steps of a sequence are of one unit already and stay as they are: standardised, the margins of an
    image, which hardly ever change, would weigh as much as its middle.
    """
    if schema.categories is not None:
        categories = [np.arange(size) for size in schema.categories]
        return OneHotEncoder(categories=categories, sparse_output=False, dtype=np.float64)
    return StandardScaler() if len(schema.input_shape) == 1 else FunctionTransformer()
