"""What is printed where there is no champion: commands that do as they are pasted."""

import os
import subprocess
from types import SimpleNamespace

import pytest

from twintrain.data.schema import Schema
from twintrain.registry import winner

VERSION = SimpleNamespace(name="iris-table_mlp", version="3", tags={"framework": "torch"})
SHAPE = {"dataset": "iris", "task": "regression", "labels": [], "input_dtype": "float", "categories": None}
ECHO = "predict:\n\t@printf '%s\\n' $(ARGS)\n"


@pytest.mark.parametrize(
    ("shape", "names", "called"),
    [([2], ["a", "b"], "new.csv"), ([8, 8, 1], None, "photos/"), ([30, 3], None, "new.npy")],
)
def test_new_rows_are_called_as_what_was_trained_on(tmp_path, monkeypatch, shape, names, called):
    monkeypatch.setattr(winner.project, "SPLIT", tmp_path)
    Schema(input_shape=shape, feature_names=names, outputs=1, **SHAPE).save(tmp_path)
    model = "--model models:/iris-table_mlp/3"
    assert [str(way) for way in winner.ways_to_ask(VERSION)] == [
        f'Answers without one: make predict ARGS="--input {called} --output answers.csv {model}"',
        f'The same over HTTP: make serve ARGS="{model}"',
    ]


def test_the_way_past_the_baseline_asks_for_a_reason():
    assert winner.way_despite_baseline().command == ("make promote ARGS=\"--despite baseline --because 'YOUR REASON'\"")


@pytest.mark.parametrize(
    "name", ["new.csv", "my rows.csv", "it's.csv", 'a"b.csv', "a$b.csv", "$(HOME)", "a\\b", "a`b!c", "a#b", "a=b", "표"]
)
def test_a_command_hands_on_what_was_typed_whatever_is_in_it(tmp_path, name):
    (tmp_path / "Makefile").write_text(ECHO)
    command = winner.make_command("predict", ["--input", name, "--bad-rows", "drop"])
    # As from a shell of the user's: the make that runs these tests would have this one say more.
    typed = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    said = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=typed, capture_output=True, text=True, check=True)
    assert said.stdout.splitlines() == ["--input", name, "--bad-rows", "drop"]
