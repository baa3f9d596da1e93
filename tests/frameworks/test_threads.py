import importlib
import os

import pytest

from twintrain import frameworks
from twintrain.frameworks import threads
from twintrain.frameworks.threads import inference_threads, patient_threads
from twintrain.serving.process import serving_environment

WAITING = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in WAITING:
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)


def test_threads_are_those_of_the_experiment_then_of_openmp_then_all(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert inference_threads(2) == 2
    assert inference_threads(None) == 3
    monkeypatch.setattr(threads, "usable_cpus", lambda: [0, 5, 6, 7])
    for given in ("", "many"):
        monkeypatch.setenv("OMP_NUM_THREADS", given)
        assert inference_threads(None) == 4


def test_openmp_is_told_before_a_framework_is_loaded(monkeypatch):
    told = []
    monkeypatch.setattr(importlib, "import_module", lambda name: told.append((name, os.environ["GOMP_SPINCOUNT"])))
    frameworks.framework_module("torch", "backend")
    assert told == [("twintrain.frameworks.torch.backend", str(threads.SPINS))]


def test_a_process_that_answers_rows_is_told_too():
    assert serving_environment()["GOMP_SPINCOUNT"] == str(threads.SPINS)


@pytest.mark.parametrize("name", WAITING)
def test_what_the_user_has_told_openmp_stays(monkeypatch, name):
    monkeypatch.setenv(name, "passive" if name == "OMP_WAIT_POLICY" else "0")
    assert patient_threads() == {}
