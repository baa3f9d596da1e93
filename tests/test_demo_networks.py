from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from twintrain.demo import networks
from twintrain.demo.networks import Networks, raw_rows_model
from twintrain.errors import UserError

MODELS = {"torch": "models:/m-1", "keras": "models:/m-2"}
ROW = np.zeros((1, 2))


class Process:
    """Stands for a ScoringProcess: answers with the number of its model, and remembers whether it was closed."""

    made: list["Process"]

    def __init__(self, uri):
        if uri == "models:/broken":
            raise UserError("it cannot be loaded")
        self.uri, self.is_closed = uri, False
        Process.made.append(self)

    def score(self, rows):
        if rows.any():
            raise UserError("row 1: a number that is none")
        return pd.DataFrame({"prediction": [float(self.uri[-1])]})

    def close(self):
        self.is_closed = True


@pytest.fixture(autouse=True)
def _processes(monkeypatch):
    Process.made = []
    monkeypatch.setattr(networks, "ScoringProcess", Process)


def test_every_framework_answers_with_its_own_model_until_the_end():
    with Networks(MODELS) as running:
        answers = running.answer(ROW)
        assert {name: answer.numbers.tolist() for name, answer in answers.items()} == {"torch": [1.0], "keras": [2.0]}
        assert not any(process.is_closed for process in Process.made)
    assert [process.is_closed for process in Process.made] == [True, True]


def test_refused_row_has_a_reason_without_its_number():
    with Networks(MODELS) as running:
        assert running.answer(ROW + 1) == dict.fromkeys(MODELS, "a number that is none")


def test_process_that_cannot_start_ends_the_others(error_of):
    assert error_of(Networks, {**MODELS, "keras-jax": "models:/broken"}) == "it cannot be loaded"
    assert [process.is_closed for process in Process.made] == [True, True]


class Store:
    """Stands for MLflow's client: knows one run, and the models that were logged into it."""

    def __init__(self, *models):
        self._models = models

    def get_run(self, run_id):
        if run_id != "known":
            raise MlflowException("no such run")
        return SimpleNamespace(info=SimpleNamespace(experiment_id="3"))

    def search_logged_models(self, experiments, filter_string, max_results):
        assert (experiments, max_results) == (["3"], 1)
        assert filter_string == "source_run_id = 'known' AND name = 'scorer' AND status = 'READY'"
        return [SimpleNamespace(model_uri=uri) for uri in self._models]


@pytest.mark.parametrize(
    ("store", "run_id", "expected"),
    [
        (Store("models:/m-7"), "known", "models:/m-7"),
        (Store(), "known", "logged for torch into known of Default"),
        (Store(), "of another store", "logged for torch into None of Default"),
        (Store(), None, "logged for torch into None of Default"),
    ],
)
def test_model_of_the_run_is_taken_or_logged(store, run_id, expected, monkeypatch):
    monkeypatch.setattr(networks.tracking, "connect", lambda experiment: store)
    monkeypatch.setattr(
        networks, "log_scorer", lambda framework, run, experiment: f"logged for {framework} into {run} of {experiment}"
    )
    assert raw_rows_model("torch", run_id, "Default") == expected
