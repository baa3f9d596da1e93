"""Features of any kind as the matrix of numbers that scikit-learn takes."""

from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from twintrain.data.feature import PADDING, RESERVED
from twintrain.data.schema import Schema

# The most frequent ones, whose ids come first: a dense matrix of more would not fit into memory.
COUNTED_WORDS = 2_000


class WordCounts:
    """How often each frequent word is in a text, of token ids (rows, length): a bag of words, of the rows asked for.

    `counts[rows]` is float64 (rows, ids without padding); COUNTED_WORDS are counted at most.
    """

    def __init__(self, ids: np.ndarray, tokens: int) -> None:
        self.ids, self.tokens = ids, min(tokens, COUNTED_WORDS + RESERVED)
        self.shape, self.ndim, self.dtype = (len(ids), self.tokens - 1), 2, np.dtype(np.float64)
        self.size = len(ids) * (self.tokens - 1)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows: Any) -> np.ndarray:
        ids = np.asarray(self.ids[rows])
        counts = np.zeros((len(ids), self.tokens - 1))
        row, step = np.nonzero((ids != PADDING) & (ids < self.tokens))
        np.add.at(counts, (row, ids[row, step] - 1), 1)
        return counts


def countable(features: np.ndarray, schema: Schema) -> np.ndarray | WordCounts:
    """Features whose order of columns is no matter: of a text its word counts, all others as they are."""
    return WordCounts(features, schema.tokens) if schema.tokens else features


def flat(features: np.ndarray) -> np.ndarray:
    """(rows, …) → (rows, columns)."""
    return features.reshape(len(features), -1)


def matrix_encoder(schema: Schema) -> Pipeline:
    """What is to be fitted on flat training rows: codes become 0/1 columns, the columns of a table are standardised.

    Pixels and the steps of a sequence are of one unit already and stay as they are: standardised, the margins of an
    image, which hardly ever change, would weigh as much as its middle. So do the word counts of a text.
    """
    if schema.categories is not None:
        categories = [np.arange(size) for size in schema.categories]
        return OneHotEncoder(categories=categories, sparse_output=False, dtype=np.float64)
    return FunctionTransformer() if schema.tokens or len(schema.input_shape) > 1 else StandardScaler()
