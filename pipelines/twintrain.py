"""Found in place of the library where a command is run as a file, `python pipelines/train.py`: says what to type."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
command = Path(sys.argv[0]).stem
sys.exit(f"error: a command is run as a module of the project; type: cd {ROOT} && python -m pipelines.{command}")
