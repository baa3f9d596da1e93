"""`twintrain diff` as it is typed: what it prints, and its exit status."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from made_recordings import image_network

from twintrain.__main__ import main

MISTAKES = {"same": {}, "other": {"bn2": {"options": {"epsilon": 1e-2}}}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("recordings")
    image_network("torch").save(made / "torch.npz")
    for name, mistakes in MISTAKES.items():
        image_network("keras", mistakes).save(made / f"{name}.npz")
    return made


@pytest.mark.parametrize(("name", "status"), [("same", 0), ("other", 1)])
def test_exit_status_says_whether_they_are_the_same(folder, capsys, name, status):
    assert main(["diff", str(folder / "torch.npz"), str(folder / f"{name}.npz")]) == status
    said = capsys.readouterr()
    assert said.err == ""
    assert ("they part first in bn2 (batch_norm)" in said.out) == bool(status)
    assert ("with 0.001 they agree" in said.out or "epsilon" in said.out) == bool(status)


def test_json_has_all_that_was_found(folder, capsys):
    assert main(["diff", str(folder / "torch.npz"), str(folder / "other.npz"), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["passed"], found["verdict"], found["first"]["name"]) == (False, "different", "bn2")
    assert found["cause"]["mistake"] == "epsilon"


def test_page_is_written_whole_or_not_at_all(folder, capsys, tmp_path):
    page = tmp_path / "parity.html"
    page.write_text("an earlier one")
    assert main(["diff", str(folder / "torch.npz"), str(folder / "other.npz"), "--html", str(page)]) == 1
    assert page.read_text("utf-8").startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir()] == ["parity.html"]
    assert "bn2" in capsys.readouterr().out


def test_a_pair_that_is_wrong_is_taken_as_given(folder, capsys):
    given = ["diff", str(folder / "torch.npz"), str(folder / "same.npz"), "--pair", "conv2=conv3"]
    assert main(given) == 1
    assert "conv2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["diff", "absent.npz", "same.npz"], "recording absent.npz is not there"),
        (["diff", "torch.npz"], "the following arguments are required: other"),
        (["dif", "torch.npz", "same.npz"], "invalid choice: 'dif'; did you mean 'diff'?"),
        (["train"], "invalid choice: 'train'; known: compare, diff, verify; twintrain --help says what it takes"),
        (["diff", "torch.npz", "same.npz", "--htlm", "a.html"], "unknown option '--htlm'; did you mean '--html'?"),
        (["compare", "--marign=0.1", "a.npz", "b.npz"], "unknown option '--marign'; did you mean '--margin'?"),
        (["diff", "torch.npz", "same.npz", "--seed", "1"], "unknown option '--seed'; known: --help, --html, --json, "),
        (["diff", "torch.npz", "same.npz", "other.npz"], "unexpected argument 'other.npz'; twintrain diff --help"),
        (["--jsno", "diff", "torch.npz", "same.npz"], "unknown option '--jsno'"),
        ([], "the following arguments are required: COMMAND"),
        (["diff", "torch.npz", "same.npz", "--pair", "conv2"], "--pair: expected A=B"),
        (["diff", "torch.npz", "same.npz", "--pair", "conv9=conv2"], "pairs: the reference has no layer 'conv9'"),
        (["diff", "torch.npz", "same.npz", "--html", "absent/a.html"], "--html: absent/a.html cannot be written"),
        (["diff", "torch.npz", "same.npz", "--html", "."], "cannot be written"),
        (["diff", "torch.npz", "broken.npz"], "broken.npz is no .npz file"),
        (["diff", "torch.npz", "."], "recording . is a folder"),
    ],
)
def test_what_cannot_be_compared_is_one_line_and_status_2(folder, capsys, monkeypatch, arguments, reason):
    monkeypatch.chdir(folder)
    Path("broken.npz").write_bytes(b"nothing")
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert reason in said.err
    assert said.err.count("\n") == 1


def test_it_loads_neither_a_framework_nor_another_wing(folder):
    code = """
import sys
from twintrain.__main__ import main
ALLOWED = {"__main__", "recordings", "errors"}
status = main(sys.argv[1:])
others = [name for name in sys.modules if name.startswith("twintrain.") and name.split(".")[1] not in ALLOWED]
heavy = {"torch", "keras", "tensorflow", "jax", "mlflow", "pandas", "pydantic"} & set(sys.modules)
# A subcommand says what it takes.
assert others == ["twintrain.evaluation", "twintrain.evaluation.compare_command"], others
assert (status, heavy) == (1, set()), (status, heavy)
"""
    command = [sys.executable, "-c", code, "diff", "torch.npz", "other.npz"]
    environment = {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    found = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
