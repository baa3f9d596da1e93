import ast
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "src/twintrain/recordings"
HEAVY = {"torch", "keras", "tensorflow", "jax", "pydantic", "mlflow", "pandas", "sklearn"}


def public_names(path):
    nodes = ast.parse(path.read_text("utf-8")).body
    return [node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_"]


@pytest.mark.parametrize("file", ["recorder.py", "fitting.py", "losses.py", "optimizers.py"])
def test_modules_are_twins(file):
    torch, keras = (public_names(FOLDER / name / file) for name in ("torch", "keras"))
    assert torch
    assert torch == keras


def test_reading_a_recording_loads_no_framework():
    code = "import sys, twintrain.recordings.record, twintrain.recordings.archive; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=FOLDER.parents[1], capture_output=True, text=True, check=True
    )
    assert not HEAVY & {*loaded.stdout.split()}
