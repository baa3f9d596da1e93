"""Runs where a logged model is loaded: the code of the stages lies beside it there, under the same names."""

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext

from twintrain.errors import UserError
from twintrain.serving.scorer import Scorer


class ScoringModel(PythonModel):
    """Raw rows in, answers out; rows that cannot be answered are refused with the reason, as a 400 when served."""

    def load_context(self, context: PythonModelContext) -> None:
        self.scorer = Scorer.load(Path(context.artifacts["network"]))

    # `model_input` is an array where the data set is one; MLflow warns of a type hint that says so, and of none.
    def predict(self, context: PythonModelContext, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        try:
            return self.scorer.score(model_input)
        except UserError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from None


set_model(ScoringModel())
