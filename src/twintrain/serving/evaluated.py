"""What the stages have answered to test rows: a logged model must answer the same."""

from typing import Any

import numpy as np
import pandas as pd

from twintrain.data.raw_rows import raw_rows
from twintrain.data.schema import Schema
from twintrain.errors import UserError
from twintrain.evaluation.stored_predictions import load_predictions, predicted_name
from twintrain.serving.recipe import table_of_answers
from twintrain.system import project

# The network computes in float32, in batches that may be cut elsewhere.
TOLERANCE = 1e-6


def evaluated_rows(framework: str, most: int = 20) -> tuple[Any, pd.DataFrame]:
    """Test rows as they were before any preprocessing, spread evenly, and the stored answers to them.

    Returns:
        a DataFrame or array of raw rows, and their answers as `recipe.table_of_answers`.
    """
    folder, schema = project.EVALUATE / framework, Schema.load(project.SPLIT)
    stored = load_predictions(folder)
    values, index = stored[predicted_name(stored)], stored["index"]
    places = np.unique(np.linspace(0, len(index) - 1, min(most, len(index))).round().astype(np.int64))
    rows = raw_rows(project.INGESTED, index[places])
    further = {name: load_predictions(folder, name)["probability"][places] for name in schema.further}
    return rows, table_of_answers(values[places], schema, further)


def check_answers(answers: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Raises a UserError where answers are not those that were expected: other columns or labels, other numbers."""
    if list(answers.columns) != list(expected.columns) or len(answers) != len(expected):
        raise UserError(
            f"expected {len(expected)} answers of {', '.join(expected.columns[:5])}, "
            f"got {len(answers)} of {', '.join(map(str, answers.columns[:5]))}"
        )
    numbers = expected.select_dtypes("number").columns
    got, wanted = answers[numbers].to_numpy(np.float64), expected[numbers].to_numpy()
    # Probabilities by their difference; of numbers in their own unit a share of them.
    difference = np.abs(got - wanted) / np.maximum(1, np.abs(wanted))
    if not difference.max() <= TOLERANCE:
        row, column = np.unravel_index(np.nan_to_num(difference, nan=np.inf).argmax(), difference.shape)
        raise UserError(
            f"row {row + 1} of {len(expected)}: {numbers[column]} is answered as {got[row, column]:.7g}, evaluated as "
            f"{wanted[row, column]:.7g}; expected the same within {TOLERANCE:g}"
        )
    for name in expected.columns.difference(numbers, sort=False):
        labels = zip(answers[name], expected[name], strict=True)
        for row, (label, evaluated) in enumerate(labels):
            if label != evaluated:
                given = "is labelled" if name == "label" else f"has the {name}"
                raise UserError(f"row {row + 1} of {len(expected)} {given} {label}, evaluated as {evaluated}")
