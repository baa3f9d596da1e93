"""Sequences that a seeded formula makes; the raw file holds the parameters of the formula."""

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from twintrain.data.dataset import Dataset
from twintrain.data.readers.ingested import Ingested, ingested_array
from twintrain.errors import UserError
from twintrain.settings.yaml_files import read_yaml, validated

MAX_VALUES = 10**9


class SineWaves(BaseModel):
    """The raw file.

    Attributes:
        rows: number of series.
        steps: values of a series that are given; the next one is to be predicted.
        test_rows: how many rows, the last ones, are for the test.
        seed: of everything that is random.
        noise: width of the uniform noise.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    formula: Literal["sine_waves"]
    rows: int = Field(ge=1, le=10**8)
    steps: int = Field(ge=1, le=10**6)
    test_rows: int = Field(0, ge=0, le=10**8)
    seed: int = Field(ge=0, le=2**32 - 1)
    noise: float = Field(ge=0, le=1e6)

    @model_validator(mode="after")
    def _leaves_rows_to_train(self) -> "SineWaves":
        if self.test_rows >= self.rows:
            raise ValueError(f"test_rows must leave rows to train on: expected under {self.rows}, got {self.test_rows}")
        if self.rows * (self.steps + 1) > MAX_VALUES:
            raise ValueError(
                f"rows × (steps + 1): expected at most {MAX_VALUES:,}, got {self.rows * (self.steps + 1):,}"
            )
        return self


def read(paths: list[Path], dataset: Dataset, bad_rows: str) -> Ingested:
    """Makes the series that the raw file describes: float32 (rows, steps, 1), and float64 (rows, 1) to predict.

    Raises:
        UserError: a mistake in the raw file, or another shape than `sample_shape`.
    """
    path = paths[0]
    if len(paths) > 1 or dataset.task != "regression":
        raise UserError(f"{path}: format: series is one file, and its task a regression")
    formula = validated(SineWaves, read_yaml(path), str(path))
    if dataset.sample_shape != [formula.steps, 1]:
        raise UserError(f"{path}: expected sample_shape {dataset.sample_shape}, got series of [{formula.steps}, 1]")
    series = sine_waves(formula)
    part = np.repeat(["train", "test"], [formula.rows - formula.test_rows, formula.test_rows])
    return ingested_array(
        series[:, :-1, None],
        pd.Series(series[:, -1].astype(np.float64).astype(str)),
        pd.Series("", index=range(formula.rows)),
        dataset,
        bad_rows,
        path,
        part if formula.test_rows else None,
    )


def sine_waves(formula: SineWaves) -> np.ndarray:
    """Sums of two sine waves and noise.

    With t from 0 to 1, and f1, f2, o1, o2 and u uniform from 0 to 1 (u at every step, the others once a series):

        0.5 sin((t − o1)(10 f1 + 10)) + 0.2 sin((t − o2)(20 f2 + 20)) + noise (u − 0.5)

    The example of A. Géron, Hands-On Machine Learning with Scikit-Learn, Keras, and TensorFlow, 2nd edition, 2019,
    chapter 15. It draws in this order from NumPy's legacy generator, whose numbers never change: seed 42, 10,000 rows
    and 50 steps give the book's own series.

    Returns:
        float32 (rows, steps + 1).
    """
    random = np.random.RandomState(formula.seed)
    f1, f2, o1, o2 = random.rand(4, formula.rows, 1)
    t = np.linspace(0, 1, formula.steps + 1)
    waves = 0.5 * np.sin((t - o1) * (f1 * 10 + 10)) + 0.2 * np.sin((t - o2) * (f2 * 20 + 20))
    return (waves + formula.noise * (random.rand(formula.rows, formula.steps + 1) - 0.5)).astype(np.float32)
