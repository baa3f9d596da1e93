"""Trains presets as they are, in one framework: python preset_worker.py FRAMEWORK FOLDER DATA

Leaves the scores of each of `CASES` in FOLDER/FRAMEWORK.json.
"""

import os
import sys
from pathlib import Path

from scoring_cases import make_project, write_params
from scoring_worker import run_stages

from twintrain.system import project

# Only the scores are looked at: what MLflow records has tests of its own. TensorFlow takes its threads once a process.
QUICK = ("--tracking.budget_seconds", "0", "--train.threads", "1")
CASES = {
    **{preset: (preset, *QUICK) for preset in ("mnist5k", "car", "diabetes")},
    "mnist5k in bfloat16": ("mnist5k", "--train.dtype", "bfloat16", *QUICK),
    **{
        f"diabetes_tuned {seed}": ("diabetes_tuned", "--train.seed", seed, "--split.seed", seed, *QUICK)
        for seed in ("0", "1", "2")
    },
}


def main(framework: str, folder: Path, data: Path) -> None:
    """Runs the stages of every case, one after another."""
    scores = {}
    for name, (preset, *overrides) in CASES.items():
        make_project(folder / framework / name, data)
        os.chdir(folder / framework / name)
        write_params(preset, overrides)
        run_stages(framework)
        scores[name] = project.read_json(project.EVALUATE / framework / "metrics.json")
    project.write_json(folder / f"{framework}.json", scores)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).resolve(), Path(sys.argv[3]).resolve())
