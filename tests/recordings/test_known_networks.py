"""One of the networks of benchmarks/ports.py, which has all: right in Keras, and with a mistake that is named."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_right_port_passes_and_a_mistake_is_named():
    command = [sys.executable, "benchmarks/ports.py", "--only", "transformer"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    assert [line.split(" | ")[1:3] for line in found.stdout.splitlines()[2:]] == [["right", "ok"], ["wrong", "ok"]]
