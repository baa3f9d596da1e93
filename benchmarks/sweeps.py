"""How much sooner several workers end the same sweep than one, and whether they make the same trials.

python benchmarks/sweeps.py                              1 worker and 2, each with a fresh file
python benchmarks/sweeps.py --workers 1 4 --trials 16
python benchmarks/sweeps.py --storage postgresql+psycopg://USER@HOST/DATABASE
python benchmarks/sweeps.py -- --preset car --train.epochs 20

One epoch a trial, of which none can be pruned, and no more trials than are drawn without regard to each other: so all
have the same to do. The checkout is cloned into a temporary folder.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).parents[1]
DEFAULT = ["--preset", "mnist5k", "--train.epochs", "1"]


def seconds(folder: Path, workers: int, trials: int, storage: str, arguments: list[str]) -> float:
    """What the sweep takes; its trials are printed."""
    command = [sys.executable, "-m", "pipelines.sweep", *arguments, "--trials", str(trials), "--workers", str(workers)]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
    started = time.perf_counter()
    study = f"benchmark-{uuid.uuid4().hex[:8]}"
    said = subprocess.run(
        [*command, "--storage", storage, "--study", study],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if said.returncode:
        sys.exit(said.stderr)
    ended = [line for line in said.stdout.splitlines() if line.startswith("trial ")]
    took = time.perf_counter() - started
    print(f"{workers} workers: {len(ended)} trials in {took:.1f} s", flush=True)
    return took


def main() -> None:
    """Prints a line a number of workers, and the ratio to the first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--storage", default="", help="a database; a file, if not given")
    parser.add_argument("arguments", nargs="*", help="of the sweep, after --")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
        pull = [sys.executable, "-m", "dvc", "pull", "--quiet", "data.dvc"]
        subprocess.run(pull, cwd=folder, env={**os.environ, "DO_NOT_TRACK": "true"}, check=True)
        storage = given.storage or f"sqlite:///{temporary}/sweeps.db"
        taken = [
            seconds(folder, workers, given.trials, storage, given.arguments or DEFAULT) for workers in given.workers
        ]
    for workers, took in zip(given.workers[1:], taken[1:], strict=True):
        print(f"{workers} workers take {took / taken[0]:.2f} × the time of {given.workers[0]}")


if __name__ == "__main__":
    main()
