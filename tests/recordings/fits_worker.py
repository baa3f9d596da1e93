"""Records trainings in one framework: python tests/recordings/fits_worker.py FRAMEWORK FOLDER [NAME …]

Writes FOLDER/NAME.npz, and what each of them returns into FOLDER/facts.json.
"""

import importlib
import json
import sys
from pathlib import Path

from recorded_fits import NAMES


def main(framework: str, folder: Path, names: list[str]) -> None:
    fits = importlib.import_module(f"{framework}_fits")
    facts = {name: getattr(fits, name)(folder / f"{name}.npz") for name in names or NAMES}
    (folder / "facts.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
