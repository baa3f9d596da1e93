"""The last comparison, as the page shows it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twintrain.data.dataset import Dataset
from twintrain.data.schema import Schema

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Study:
    """What was compared, and test rows to begin with.

    Attributes:
        headline: what was trained on what.
        conclusion: what came out.
        frameworks: names of those that answer, in the order of the comparison.
        examples: raw test rows, as `raw_rows` gives them.
        index: int64 (examples,), their row numbers in the data.
        truth: what each of them is labelled, as text; empty where it is to be given back.
    """

    headline: str
    conclusion: str
    dataset: Dataset
    schema: Schema
    frameworks: list[str]
    examples: "pd.DataFrame | np.ndarray"
    index: np.ndarray
    truth: list[str]

    def example(self, number: int) -> "pd.DataFrame | np.ndarray":
        """One of the examples, as a raw row."""
        one = slice(number, number + 1)
        return self.examples[one] if isinstance(self.examples, np.ndarray) else self.examples.iloc[one]

    def caption(self, number: int) -> str:
        """Which row of the data an example is, and what it is labelled."""
        row = f"Test row {self.index[number]}"
        return f"{row}: {self.truth[number]}" if self.truth[number] else row
