import numpy as np
import pandas as pd
import pytest

from twintrain.errors import UserError
from twintrain.serving.demo import networks
from twintrain.serving.demo.networks import Networks, raw_rows_model
from twintrain.tracking import Ref

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


@pytest.fixture
def saved(monkeypatch):
    """Notes what would be saved."""
    found = []
    monkeypatch.setattr(networks, "save_scorer", lambda framework, folder: found.append((framework, folder)))
    return found


@pytest.fixture
def store(store_folder, monkeypatch):
    """MLflow's client."""
    monkeypatch.chdir(store_folder)
    return networks.tracking.connect("Default")


@pytest.fixture
def training(store):
    """The run of a training, in a store of MLflow's."""
    return store.create_run("0").info.run_id


def model_of(store, run_id, name="scorer", status="READY"):
    model = store.create_logged_model("0", name, run_id)
    return store.finalize_logged_model(model.model_id, status).model_uri


def test_model_of_the_run_is_taken(store, training, saved, tmp_path):
    store.set_tag(training, "journal", "the-journal")
    model_of(store, training, name="model")
    model_of(store, training, status="FAILED")
    expected = model_of(store, training)
    model_of(store, store.create_run("0").info.run_id)
    for ref in (Ref(training, None), Ref(training, "the-journal"), Ref(None, "the-journal")):
        assert raw_rows_model("torch", ref, "Default", tmp_path) == expected
    assert saved == []


def test_without_a_whole_model_of_the_run_one_is_saved(store, training, saved, tmp_path):
    model_of(store, training, status="FAILED")
    store.create_logged_model("0", "scorer", training)  # pending for good: who logged it was killed
    assert raw_rows_model("torch", Ref(training, None), "Default", tmp_path) == str(tmp_path / "torch")
    assert saved == [("torch", tmp_path / "torch")]


@pytest.mark.parametrize("ref", [Ref("of-another-store", None), Ref(None, "of another store"), Ref(None, None)])
def test_a_run_that_the_store_has_not_has_no_model(store, saved, ref, tmp_path):
    assert raw_rows_model("torch", ref, "Default", tmp_path) == str(tmp_path / "torch")
    assert saved == [("torch", tmp_path / "torch")]
