"""A saved network with its recipe: raw rows in, answers out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from twintrain.frameworks import framework_module
from twintrain.serving.raw_input import as_features
from twintrain.serving.recipe import FILE_NAME, Recipe

# Given to the network at once, however many are asked for.
BATCH_ROWS = 1024


class Scorer:
    """Answers raw rows.

    Attributes:
        recipe: how rows become features, and outputs answers.
        predict: the network, from features (rows, …) to outputs (rows, outputs).
    """

    def __init__(self, recipe: Recipe, predict: Callable[[np.ndarray], np.ndarray]) -> None:
        self.recipe = recipe
        self.predict = predict

    @classmethod
    def load(cls, folder: Path) -> "Scorer":
        """Loads the recipe and the network that lie in a folder; imports the framework."""
        recipe = Recipe.load(folder / FILE_NAME)
        saving = framework_module(recipe.framework, "saving")
        return cls(recipe, saving.load(folder / saving.FILE_NAME))

    def score(self, rows: Any) -> pd.DataFrame:
        """Answers rows.

        Args:
            rows: as `raw_input.as_features` takes them.

        Returns:
            a row each, with the columns of `recipe.table_of_answers`: `label` and `probability_LABEL` of each class,
            `prediction` of a number, or the numbers that are given back.

        Raises:
            UserError: rows that are not what the data set's description says.
        """
        given = self.recipe.given(as_features(rows, self.recipe.dataset))
        starts = range(0, len(given), BATCH_ROWS)
        outputs = np.concatenate([self.predict(given[start : start + BATCH_ROWS]) for start in starts])
        return self.recipe.answers(outputs)
