"""One module a stage of dvc.yaml, and the commands around them."""

import importlib.util
import sys
from pathlib import Path

if importlib.util.find_spec("mlflow") is None:  # another Python than that of .venv: every command needs it first
    sys.exit(
        f"error: {sys.executable} lacks the packages of requirements.txt; type make and a target (make run), "
        ".venv/bin/python in its place, or: python -m pip install -r requirements.txt"
    )

# The one effect of an import: nothing needs installing beyond requirements.txt.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
