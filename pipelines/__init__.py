"""One module a stage of dvc.yaml, and the commands around them."""

import sys
from pathlib import Path

# The one effect of an import: nothing needs installing beyond requirements.txt.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
