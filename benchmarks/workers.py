"""Several workers against one: how far their weights are apart, and how much faster they are.

python benchmarks/workers.py                       both, on all four engines
python benchmarks/workers.py differences torch     of some engines alone
python benchmarks/workers.py speed keras-jax torch
python benchmarks/workers.py shards                why the bits are not those of one worker, and what it would cost

`differences` trains the networks of the tests with 1, 2 and 4 workers, in float64 and float32: 30 steps, of batches
whose rows do not divide. `speed` trains a network
of 4 million weights in batches of 2,048, a processor a worker, by turns with 1 and with 2 workers, on a quiet machine.
`shards` computes a batch at once and in four shards, as any number of workers would have to for the same bits.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "src")]

import numpy as np
from shared_networks import LAYERS
from started_workers import run_together
from worker_process import finish, start_worker

ENGINES = ("torch", "keras", "keras-jax", "keras-torch")
DTYPES = ("float64", "float32")
SIZES = (2, 4)
OPTIMIZERS = ("sgd", "adam")
ROUNDS = 3
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("differences", "speed", "shards"))
    parser.add_argument("engines", nargs="*", help="some of torch, keras, keras-jax, keras-torch")
    arguments = parser.parse_args()
    if unknown := set(arguments.engines) - set(ENGINES):
        parser.error(f"unknown engines: {', '.join(sorted(unknown))}")
    engines = arguments.engines or ENGINES
    with tempfile.TemporaryDirectory() as folder:
        if arguments.what in (None, "differences"):
            print_differences(engines, Path(folder))
        if arguments.what in (None, "speed"):
            print_speeds(engines, Path(folder))
        if arguments.what in (None, "shards"):
            print(finish(start_worker("shards_worker.py", **ONE_THREAD)))


def print_differences(engines: list[str], folder: Path) -> None:
    """The largest difference of a number of the trained network from that of one worker: of two and of four."""
    trainings = [f"{network}|{optimizer}" for network in LAYERS for optimizer in OPTIMIZERS]
    for dtype in DTYPES:
        found = {engine: _differences(engine, dtype, trainings, folder) for engine in engines}
        print(f"\n| {dtype} | {' | '.join(engines)} |\n|---|{'---|' * len(engines)}")
        for training in trainings:
            cells = [" / ".join(f"{size:.0e}" for size in found[engine][training]) for engine in engines]
            print(f"| {training.replace('|', ', ')} | {' | '.join(cells)} |", flush=True)


def _differences(engine: str, dtype: str, trainings: list[str], folder: Path) -> dict[str, list[float]]:
    one, *several = (_trained(engine, dtype, size, trainings, folder) for size in (1, *SIZES))
    keys = {training: f"{training}|weights" for training in trainings}
    return {name: [np.abs(each[key] - one[key]).max() for each in several] for name, key in keys.items()}


def _trained(engine: str, dtype: str, size: int, trainings: list[str], folder: Path) -> dict[str, np.ndarray]:
    out = folder / f"{engine}-{dtype}-{size}"
    run_together("shared_training_worker.py", size, engine, out, dtype, ",".join(trainings))
    with np.load(f"{out}-0.npz") as arrays:
        return dict(arrays)


def print_speeds(engines: list[str], folder: Path) -> None:
    """Samples a second with two workers over those with one, of medians."""
    print("\n| engine | one worker, samples/s | two workers | ratio |\n|---|---|---|---|")
    for engine in engines:
        found: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(ROUNDS):
            for size, speeds in found.items():
                out = folder / f"speed-{engine}"
                run_together("speed_worker.py", size, engine, out, **ONE_THREAD)
                speeds.append(float(np.load(f"{out}-0.npz")["speed"]))
        one, two = (statistics.median(speeds) for speeds in found.values())
        print(f"| {engine} | {one:,.0f} | {two:,.0f} | {two / one:.2f} |", flush=True)


if __name__ == "__main__":
    main()
