"""What a table's encoding learns, from training rows alone, and what it then makes of any row."""

from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from twintrain.data.dataset import Dataset
from twintrain.data.dates import as_dates
from twintrain.data.feature import Feature
from twintrain.data.prepare.encoding import as_numbers, encode_table, reason
from twintrain.data.prepare.tokens import fit_vocabulary, token_ids
from twintrain.data.schema import Schema, date_parts, onehot_names
from twintrain.errors import UserError

# A category of fewer training rows than this counts as `other`, where a column has that.
RARE_ROWS = 3


class EncodedColumn(BaseModel):
    """A column, and what was learned of it.

    Attributes:
        fill: what a missing value becomes: the median; of categories the most frequent one (where it has no place).
        start: the earliest date, in days since 1970-01-01, from which `elapsed_days` counts.
        rare: places in the list of categories that count as `other`.
        has_other: whether a training row fills the place of `other`; an unfilled place has weights that were never
            trained, so it stays empty.
        has_missing: the same of missing values.
        vocabulary: of a text, its words in the order of their ids; see `token_ids`.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    feature: Feature
    fill: float = 0.0
    start: float = 0.0
    rare: list[int] = []
    has_other: bool = False
    has_missing: bool = False
    vocabulary: list[str] = []


class Encoder(BaseModel):
    """Turns raw rows of a table into what the network is given; plain JSON, so that a served model can carry it."""

    model_config = ConfigDict(frozen=True)

    categorical: Literal["codes", "onehot", "tokens"]
    decimal: str
    columns: list[EncodedColumn]

    @classmethod
    def fit(
        cls,
        numbers: np.ndarray,
        features: Mapping[str, Feature],
        categorical: str,
        decimal: str = ".",
        words: Iterable[str] = (),
    ) -> "Encoder":
        """Learns from training rows.

        Args:
            numbers: (rows, columns), as `encode_table` gives them.
            categorical: "codes" for a table of categories alone that embeddings take, "tokens" for a text; else
                "onehot".
            words: all that may be among the numbers of a text.
        """
        if categorical == "tokens":
            ((name, feature),) = features.items()
            vocabulary = fit_vocabulary(numbers, words, feature.text.words)
            column = EncodedColumn(name=name, feature=feature, vocabulary=vocabulary)
            return cls(categorical=categorical, decimal=decimal, columns=[column])
        columns = [
            _FITS[feature.kind](name, feature, numbers[:, place])
            for place, (name, feature) in enumerate(features.items())
        ]
        return cls(categorical=categorical, decimal=decimal, columns=columns)

    @classmethod
    def fit_table(cls, numbers: np.ndarray, dataset: Dataset, schema: Schema, words: Iterable[str] = ()) -> "Encoder":
        """Learns from training rows of a table what its description and the network's input ask for; see `fit`."""
        categorical = "tokens" if schema.tokens else "codes" if schema.categories else "onehot"
        return cls.fit(numbers, dataset.inputs, categorical, dataset.decimal, words)

    def transform(self, table: pd.DataFrame) -> np.ndarray:
        """Encodes raw rows: text as it stands in the file, or typed values.

        Raises:
            UserError: a column is missing, or a value is not what the column takes.
        """
        features = {column.name: column.feature for column in self.columns}
        for name in features:
            if name not in table.columns:
                raise UserError(f"column '{name}' is missing; expected {', '.join(features)}")
        numbers = as_numbers(table, features, self.decimal)
        for row, place in np.argwhere(np.isinf(numbers))[:1]:
            name = self.columns[place].name
            raise UserError(f"row {row + 1}: {reason(str(table[name].iloc[row]), name, features[name])}")
        return self.encode(encode_table(table, features) if self.categorical == "tokens" else numbers)

    def encode(self, numbers: np.ndarray) -> np.ndarray:
        """Encodes what `encode_table` made of rows.

        Returns:
            int64 (rows, columns) with "codes" and "tokens"; else float32 (rows, columns), named by `onehot_names`.
        """
        if self.categorical == "tokens":
            return token_ids(numbers, self.columns[0].vocabulary)
        if self.categorical == "codes":
            codes = [_code(column, numbers[:, place]) for place, column in enumerate(self.columns)]
            return np.stack(codes, axis=1)
        names = onehot_names({column.name: column.feature for column in self.columns})
        encoded = np.zeros((len(numbers), len(names)), np.float32)
        first = 0
        for place, column in enumerate(self.columns):
            width = len(onehot_names({column.name: column.feature}))
            _ENCODES[column.feature.kind](column, numbers[:, place], encoded[:, first : first + width])
            first += width
        return encoded


def _fit_number(name: str, feature: Feature, numbers: np.ndarray) -> EncodedColumn:
    missing = np.isnan(numbers)
    fill = 0.0 if missing.all() else float(np.median(numbers[~missing]))
    return EncodedColumn(name=name, feature=feature, fill=fill, has_missing=bool(missing.any()))


def _fit_date(name: str, feature: Feature, days: np.ndarray) -> EncodedColumn:
    start = 0.0 if np.isnan(days).all() else float(np.nanmin(days))
    return _fit_number(name, feature, days).model_copy(update={"start": start})


def _fit_categories(name: str, feature: Feature, codes: np.ndarray) -> EncodedColumn:
    places = len(feature.categories)
    missing = np.isnan(codes)
    counts = np.bincount(codes[~missing].astype(np.int64), minlength=places + 1)
    rare = [code for code in range(places) if counts[code] < RARE_ROWS] if feature.other else []
    return EncodedColumn(
        name=name,
        feature=feature,
        fill=float(counts[:places].argmax()),
        rare=rare,
        has_other=bool(counts[places] + counts[rare].sum()),
        has_missing=bool(missing.any()),
    )


def _encode_number(column: EncodedColumn, numbers: np.ndarray, out: np.ndarray) -> None:
    missing = np.isnan(numbers)
    out[:, 0] = np.where(missing, column.fill, numbers)
    _mark_missing(column, missing, out)


def _encode_date(column: EncodedColumn, days: np.ndarray, out: np.ndarray) -> None:
    missing = np.isnan(days)
    filled = np.where(missing, column.fill, days)
    dates = as_dates(filled)
    parts = date_parts(column.feature)
    for place, part in enumerate(parts):
        out[:, place] = getattr(dates, part)
    out[:, len(parts)] = filled - column.start
    _mark_missing(column, missing, out)


def _encode_categories(column: EncodedColumn, codes: np.ndarray, out: np.ndarray) -> None:
    missing, kept = np.isnan(codes), _without_rare(column, codes)
    for code in range(len(column.feature.categories)):
        out[:, code] = kept == code
    if column.has_other:
        out[:, len(column.feature.categories)] = kept == len(column.feature.categories)
    _mark_missing(column, missing, out)


def _mark_missing(column: EncodedColumn, missing: np.ndarray, out: np.ndarray) -> None:
    if column.has_missing:
        out[:, -1] = missing


def _without_rare(column: EncodedColumn, codes: np.ndarray) -> np.ndarray:
    return np.where(np.isin(codes, column.rare), len(column.feature.categories), codes) if column.rare else codes


def _code(column: EncodedColumn, codes: np.ndarray) -> np.ndarray:
    """Category codes: the categories, then `other`, then missing; the most frequent where a place is not filled."""
    kept, other = _without_rare(column, codes), len(column.feature.categories)
    if not column.has_other:
        kept = np.where(kept == other, column.fill, kept)
    place = other + column.feature.other if column.has_missing else column.fill
    return np.where(np.isnan(kept), place, kept).astype(np.int64)


_FITS = {"number": _fit_number, "categories": _fit_categories, "date": _fit_date}
_ENCODES = {"number": _encode_number, "categories": _encode_categories, "date": _encode_date}
