"""Plays all scenarios of one framework: python tests/recordings/scenarios_worker.py FRAMEWORK FOLDER

Writes FOLDER/NAME.npz, and what the scenarios return into FOLDER/facts.json.
"""

import importlib
import json
import sys
from pathlib import Path

from recorded_scenarios import NAMES


def main(framework: str, folder: Path) -> None:
    scenarios = importlib.import_module(f"{framework}_scenarios")
    facts = {name: getattr(scenarios, name)(folder / f"{name}.npz") for name in NAMES}
    (folder / "facts.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
