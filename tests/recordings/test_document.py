"""docs/is-my-port-right.md shows what its commands print."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NUMBER = re.compile(r"-?\d+(?:\.\d+)?e[+-]\d+|-?\d+\.\d{6}")


def without_numbers(text):
    """Errors are rounding, and those of another processor's."""
    return [re.sub(r"\s+", " ", NUMBER.sub("N", line)).strip() for line in text.strip().splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("example", ["port", "training"])
def test_the_page_has_what_the_commands_print(tmp_path, example):
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "TF_CPP_MIN_LOG_LEVEL": "3"}

    def run(*command):
        return subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    for name in ("in_pytorch", "in_keras"):
        recorded = run(str(ROOT / f"examples/{example}/{name}.py"))
        assert recorded.returncode == 0, recorded.stdout + recorded.stderr
    found = run("-m", "twintrain", "diff", "torch.npz", "keras.npz")
    assert (found.returncode, found.stderr) == (1, "")
    page = (ROOT / "docs/is-my-port-right.md").read_text("utf-8")
    shown = re.search(rf"<!-- examples/{example} -->\n```\n(.*?)\n```", page, re.DOTALL)[1]
    assert without_numbers(shown) == without_numbers(found.stdout)
