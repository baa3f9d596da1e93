"""What docs/course.md measures; needs nothing installed beyond requirements.txt."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))
