"""What is refused, and what only tells how a command is typed, costs no import of the libraries that work needs."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from twintrain.command_line.stage_arguments import FRAMEWORK_STAGES, STAGES

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = sorted(path.stem for path in (ROOT / "pipelines").glob("*.py") if path.stem not in ("__init__", "twintrain"))
HELP, UNKNOWN = "--help", "--unheard-of"
NAMES_AND_VALUES = [
    ["run", "--preset", "mnits5k"],
    ["run", "--train.epohcs", "3"],
    ["run", "--train.epochs", "many"],
    ["run", "--dataset", "carr"],
    ["run", "--model", "cnnn"],
    ["run", "--preset", "car", "--train.loss.name", "mse", "--train.loss.delta", "1"],
    ["run", "--preset", "car", "--model", "cnn"],
    ["run", "--target", "trian@torch"],
    ["run", "--data", "rows.csv", "--task", "clases"],
    ["verify", "--preset", "mnits5k"],
    ["sweep", "--preset", "mnits5k"],
    ["sweep", "--preset", "car", "--trials", "many"],
    ["sweep", "--preset", "car", "--workers", "0"],
    ["sweep", "--preset", "car", "--storage", "mysql://me:secret@db/sweeps"],
    ["family", "overfitt"],
    ["model", "cnnn"],
    ["model", "cnn", "--dataset", "car"],
    ["fetch", "mnits"],
    ["predict", "--input", "a.csv", "--output", "b.csv", "--bad-rows", "dorp"],
    ["drift", "--input", "a.csv", "--drift.psi", "-1"],
    ["serve", "--port", "many"],
    ["demo", "--port", "many"],
    ["promote", "--despite", "latency"],
    ["copy_store", "--database", "mysql://me:secret@db/mlflow", "--artifacts", "s3://mlflow"],
    *([stage, "torhc"] for stage in FRAMEWORK_STAGES),
]


@pytest.fixture(scope="module")
def found():
    """What became of each command line, by the command line."""
    typed = [[command, word] for command in COMMANDS for word in (HELP, UNKNOWN)] + NAMES_AND_VALUES
    worker = [sys.executable, str(Path(__file__).with_name("light_start_worker.py"))]
    ended = subprocess.run(worker, cwd=ROOT, input=json.dumps(typed), capture_output=True, text=True, check=True)
    return {tuple(each["typed"]): each for each in json.loads(ended.stdout)}


def imported(found, lines):
    return {line: heavy for line in lines if (heavy := found[tuple(line)]["heavy"])}


def test_command_tells_how_it_is_typed_before_it_imports_what_its_work_needs(found):
    assert imported(found, [(command, HELP) for command in COMMANDS]) == {}
    takes_no_options = {*STAGES, *FRAMEWORK_STAGES}
    assert {command for command in COMMANDS if found[command, HELP]["status"]} == takes_no_options


def test_command_refuses_an_unknown_argument_before_it_imports_what_its_work_needs(found):
    assert imported(found, [(command, UNKNOWN) for command in COMMANDS]) == {}
    assert {found[command, UNKNOWN]["status"] for command in COMMANDS} == {1}


def test_command_refuses_a_wrong_name_or_value_before_it_imports_what_its_work_needs(found):
    assert imported(found, map(tuple, NAMES_AND_VALUES)) == {}
    assert {line: found[tuple(line)]["status"] for line in map(tuple, NAMES_AND_VALUES)} == {
        tuple(line): 1 for line in NAMES_AND_VALUES
    }


def test_stages_that_are_refused_early_are_those_that_take_nothing_or_a_framework():
    starts = {"run_stage": set(), "run_framework_stage": set()}
    for command in COMMANDS:
        for node in ast.walk(ast.parse((ROOT / f"pipelines/{command}.py").read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in starts:
                starts[node.func.id].add(command)
    assert starts == {"run_stage": set(STAGES), "run_framework_stage": set(FRAMEWORK_STAGES)}
