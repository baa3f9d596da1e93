"""Trains and evaluates the cases of serving in one framework: python scoring_worker.py FRAMEWORK FOLDER DATA

Leaves FOLDER/CASE, a project whose build/ has a trained and evaluated network.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from scoring_cases import CASES, choose, make_project  # noqa: E402

from pipelines import evaluate, ingest, preprocess, split, train  # noqa: E402


def main(framework: str, folder: Path, data: Path) -> None:
    """Runs the stages of every case, one after another."""
    for case in CASES:
        make_project(folder / case, data)
        os.chdir(folder / case)
        choose(case)
        run_stages(framework)


def run_stages(framework: str) -> None:
    """From the data to the scores, in the present folder and this process."""
    for stage in (ingest.ingest, preprocess.preprocess, split.split):
        stage()
    train.train(framework)
    evaluate.evaluate(framework)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).resolve(), Path(sys.argv[3]).resolve())
