"""`twintrain verify FILE`: two functions of a file, each in a process of its own."""

import textwrap
from pathlib import Path

import pytest

from twintrain.__main__ import main

ROOT = Path(__file__).parents[2]
TWINS = """
    import numpy as np

    x = np.linspace(-100, 100, 30).reshape(3, 10)  # of both signs, so that some unit is below 0 whatever is drawn


    def build_torch():
        from torch import nn

        return nn.Sequential(nn.Linear(10, 4), nn.LeakyReLU(0.1), nn.Linear(4, 2))


    def build_keras():
        from keras import Input, Sequential, layers

        return Sequential([Input((10,)), layers.Dense(4), layers.LeakyReLU({slope}), layers.Dense(2)])
"""


@pytest.fixture
def verified(tmp_path, capsys):
    """The exit status of the command, and what it said."""

    def run(text, *options):
        path = tmp_path / "twin.py"
        path.write_text(textwrap.dedent(text))
        status = main(["verify", str(path), *options])
        return status, "".join(capsys.readouterr())

    return run


@pytest.mark.slow
def test_a_mistake_is_named_with_a_page(verified, tmp_path):
    page = tmp_path / "parity.html"
    status, said = verified(TWINS.replace("{slope}", "0.3"), "--html", str(page))
    assert status == 1
    assert "Keras has a negative slope of 0.3, PyTorch 0.1" in said
    assert "a negative slope of 0.3" in page.read_text()


@pytest.mark.slow
def test_functions_that_are_told_a_shape_get_it_with_channels_first_and_last(capsys):
    shape = ("--input-shape", "28,28,1", "--outputs", "10")
    assert main(["verify", str(ROOT / "examples/my_twin.py"), *shape]) == 0
    assert capsys.readouterr().out.startswith("PyTorch and Keras are the same (float64)\n")


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("x = 1\n", (), "expected a function build_torch(), got none"),
        ("x = 1\n", ("--input-shape", "3,4,2", "--outputs", "5"), "expected a function build_torch([2, 3, 4], 5), got"),
        ("x = [1.0]\n\n\ndef build_torch():\n    return 1\n", (), "expected a torch.nn.Module or a keras.Model"),
        ("def build_torch():\n    raise ValueError('no')\n", (), "build_torch: ValueError: no"),
        ("", ("--input-shape", "3,a"), "--input-shape: expected lengths of axes as 28,28,1, got '3,a'"),
        ("", ("--input-shape", "0"), "--input-shape: expected lengths of axes as 28,28,1, got '0'"),
        ("", ("--outputs", "3"), "--outputs goes with --input-shape"),
        ("", ("--pair", "3"), "--pair: expected A=B"),
    ],
)
def test_what_cannot_be_verified_is_one_line(verified, text, options, said):
    status, found = verified(text, *options)
    assert status == 2
    assert found.startswith("error: ")
    assert said in found
    assert found.count("\n") == 1


def test_rows_must_be_there(verified):
    text = TWINS.replace("x = np.linspace", "rows = np.linspace")
    status, said = verified(text)
    assert status == 2
    assert "expected x = the rows that the model of build_torch takes, or --input-shape, got neither" in said


def test_a_file_must_be_there(capsys):
    assert main(["verify", "nowhere.py"]) == 2
    assert capsys.readouterr().err == (
        "error: there is no file nowhere.py; expected one with the functions build_torch and build_keras\n"
    )
