"""What is learned from the training rows alone, and how it makes rows of the data what the network is given."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from twintrain.data.chunks import blocks
from twintrain.data.dataset import Dataset
from twintrain.data.parts import Part
from twintrain.data.prepare.encoder import Encoder
from twintrain.data.prepare.scaling import fit_scaler, fit_target_scaler, scale
from twintrain.data.schema import Schema
from twintrain.settings.sections.data import Split

# An encoder is fitted on no more training rows than these, drawn at random: a median needs no more.
FITTED_ROWS = 200_000


@dataclass(frozen=True)
class Fitted:
    """What the training rows have taught.

    Attributes:
        encoder: of a table; None for arrays.
        scalers: `{"features": …, "target": …}`, each None where nothing is scaled.
        gives_back: whether the network is asked for its own input.
    """

    encoder: Encoder | None
    scalers: dict[str, Any]
    gives_back: bool

    def given(self, features: np.ndarray) -> np.ndarray:
        """Encodes and scales rows to what the network is given."""
        return scale(_encoded(features, self.encoder), self.scalers["features"])

    def part(self, features: np.ndarray, labels: np.ndarray, index: np.ndarray) -> Part:
        """Encodes and scales rows; `index` numbers them."""
        given = self.given(features)
        wanted = given.reshape(len(given), -1) if self.gives_back else scale(labels, self.scalers["target"])
        return Part(given, wanted, index)


def fit(
    features: np.ndarray,
    labels: np.ndarray,
    rows: np.ndarray,
    dataset: Dataset,
    schema: Schema,
    split: Split,
    words: Iterable[str] = (),
) -> Fitted:
    """Learns from training rows what their encoding and scaling needs.

    Args:
        features: all rows, as preprocess makes them; may be a memory map, which is read in blocks.
        labels: of all rows.
        rows: int64: the numbers of the training rows.
        dataset: describes the columns of a table.
        schema: what the network is to be given, and asked.
        split: what is scaled.
        words: of a text, all that any row has.
    """
    encoder = None
    if dataset.features:
        encoder = Encoder.fit_table(features[_some(rows, split.seed)], dataset, schema, words)
    encoded = (_encoded(features[block], encoder) for block in blocks(rows, features))
    gives_back = schema.task == "reconstruction"
    scalers = {
        "features": fit_scaler(encoded, split.scale),
        "target": None if gives_back else fit_target_scaler(labels[rows], split.scale_target),
    }
    return Fitted(encoder, scalers, gives_back)


def _some(rows: np.ndarray, seed: int) -> np.ndarray:
    if len(rows) <= FITTED_ROWS:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, FITTED_ROWS, replace=False, shuffle=False))


def _encoded(features: np.ndarray, encoder: Encoder | None) -> np.ndarray:
    return features if encoder is None else encoder.encode(features)
