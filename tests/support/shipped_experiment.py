"""The experiment that the repository ships, whatever the user's present one is."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def shipped_params() -> str:
    """params.yaml as it was committed: `make run` with arguments changes the file. Without git, the file."""
    command = ["git", "show", "HEAD:./params.yaml"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
    return shown.stdout if shown.returncode == 0 else (ROOT / "params.yaml").read_text(encoding="utf-8")
