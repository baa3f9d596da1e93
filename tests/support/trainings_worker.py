"""Records all trainings of one framework: python tests/support/trainings_worker.py FRAMEWORK FOLDER"""

import importlib
import sys
from pathlib import Path


def main(framework: str, folder: Path) -> None:
    trainings = importlib.import_module(f"{framework}_trainings")
    for name, changed in trainings.TRAININGS.items():
        trainings.train(folder / f"{name}.npz", **changed)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
