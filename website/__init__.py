"""The documentation as a site: docs/ and what is generated from the code, built by Sphinx into build/docs."""

import sys
from pathlib import Path

# As for pipelines/, nothing of the project needs installing.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
