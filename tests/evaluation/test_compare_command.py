"""`twintrain compare` as it is typed: what it prints, and its exit status."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from twintrain.__main__ import main

ROWS = 400
LABELS = np.arange(ROWS) % 2
RIGHT = np.where(np.arange(ROWS) % 40 == 7, 1 - LABELS, LABELS)
WRONG = np.where(np.arange(ROWS) % 5 == 3, 1 - LABELS, LABELS)
FILES = {
    "good.npz": {"labels": LABELS, "predictions": RIGHT},
    "same.npz": {"labels": LABELS, "predictions": RIGHT},
    "bad.npz": {"labels": LABELS, "predictions": WRONG},
    "grouped.npz": {"labels": LABELS, "predictions": WRONG, "groups": np.arange(ROWS) // 200},
    "short.npz": {"labels": LABELS[1:], "predictions": RIGHT[1:]},
    "shorter.npz": {"labels": LABELS, "predictions": RIGHT[1:]},
    "turned.npz": {"labels": LABELS[::-1], "predictions": RIGHT},
    "bare.npz": {"labels": LABELS, "prediction": RIGHT},
    "nan.npz": {"labels": LABELS, "predictions": np.where(LABELS, np.nan, 0.5)},
    "pickled.npz": {"labels": LABELS, "predictions": np.array([None] * ROWS)},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("predictions")
    for name, arrays in FILES.items():
        np.savez_compressed(made / name, **arrays)
    whole = (made / "good.npz").read_bytes()
    (made / "cut.npz").write_bytes(whole[: len(whole) // 2])
    at = whole.index(b"predictions.npy") + 60
    (made / "spoilt.npz").write_bytes(whole[:at] + b"????????" + whole[at + 8 :])
    (made / "text.npz").write_text("labels")
    return made


@pytest.fixture
def run(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)

    def run(*arguments):
        status = main(["compare", *arguments])
        return status, *capsys.readouterr()

    return run


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("good.npz", "bad.npz"), 1, "good is 17.50 points more accurate"),
        (("good.npz", "same.npz"), 0, "equivalent within 1.0 points"),
        (("bad.npz", "grouped.npz"), 0, "in 2 groups"),
        (("good.npz", "bad.npz", "--margin", "0.5"), 0, "equivalent within 50.0 points"),
        (("good.npz", "bad.npz", "--seed", "bad.npz", "good.npz"), 0, "Over 2 seeds"),
        (("good.npz", "./good.npz"), 0, "good.npz and good.npz are equally accurate"),
    ],
)
def test_exit_status_says_whether_a_difference_is_shown(run, arguments, status, said):
    found = run(*arguments)
    assert (found[0], found[2]) == (status, "")
    assert said in found[1]


def test_json_has_all_that_was_found(run):
    status, out, _ = run("good.npz", "bad.npz", "--json")
    found = json.loads(out)
    assert (status, found["better"], found["figures"]["only_first_right"]) == (1, "good", 80)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("good.npz", "absent.npz"), "file absent.npz is not there"),
        (("good.npz", "short.npz"), "labels of good.npz have shape (400,), those of short.npz (399,)"),
        (("good.npz", "shorter.npz"), "shorter has 399 rows and labels 400"),
        (("good.npz", "turned.npz"), "differ, first in row 0"),
        (("good.npz", "bad.npz", "--seed", "good.npz", "turned.npz"), "differ, first in row 0"),
        (("good.npz", "bare.npz"), "has no array 'predictions'; did you mean 'prediction'?"),
        (("good.npz", "nan.npz"), "nan has nan at (1,)"),
        (("good.npz", "pickled.npz"), "has pickled objects in 'predictions.npy'"),
        (("good.npz", "cut.npz"), "is cut off or damaged"),
        (("good.npz", "spoilt.npz"), "spoilt.npz is damaged"),
        (("good.npz", "text.npz"), "is no .npz file"),
        (("good.npz", "."), "file . is a folder"),
        (("good.npz",), "the following arguments are required: second"),
        (("good.npz", "bad.npz", "--margin", "2"), "margin is 2.0"),
        (("good.npz", "bad.npz", "--margin", "much"), "invalid float value"),
    ],
)
def test_what_cannot_be_compared_is_one_line_and_status_2(run, arguments, reason):
    status, out, said = run(*arguments)
    assert (status, out) == (2, "")
    assert said.startswith("error: ")
    assert reason in said
    assert said.count("\n") == 1


def test_it_loads_neither_a_framework_nor_what_stages_need(folder):
    code = """
import sys
from twintrain.__main__ import main
status = main(sys.argv[1:])
wings = {name.split(".")[1] for name in sys.modules if name.startswith("twintrain.")}
wings -= {"__main__", "evaluation", "recordings", "errors"}
heavy = {"torch", "keras", "tensorflow", "jax", "mlflow", "pandas", "pydantic", "sklearn"} & set(sys.modules)
light = {name for name in sys.modules if name.startswith(("twintrain.settings.", "twintrain.system."))}
assert (status, wings, heavy) == (1, {"settings", "system"}, set())
assert light == {"twintrain.settings.frameworks", "twintrain.system.language"}
"""
    command = [sys.executable, "-c", code, "compare", "good.npz", "bad.npz"]
    environment = {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    found = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
