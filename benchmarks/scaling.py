"""A model of what workers gain: a step is computing, cut among them, and one sum of all gradients.

python benchmarks/scaling.py    measures, and prints what the model predicts up to 1,000 workers

With N workers a step takes C / N + 2 (N − 1) L + 2 (N − 1) / N · B / W, as a ring sums (Patarasu and Yuan 2009):
C seconds of computing, L seconds a message, B bytes of gradients, W bytes a second between two workers. C is that of
one worker, a thread, on a network of 4 million weights in batches of 2,048; L and W are fitted to sums of two workers
here, and then taken as those of a network. It stops holding where batch norm adds two sums a layer, where a worker has
so few rows that its products are slow, and where machines are not alike: the slowest is waited for.
"""

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "tests/frameworks"), str(ROOT / "src")]

import numpy as np
from speed_worker import BATCH_SIZE, UNITS
from started_workers import run_together

WEIGHTS = 784 * UNITS + UNITS**2 + UNITS * 10 + 2 * UNITS + 10
SIZES = (2, 4, 8, 16, 64, 256, 1000)
# Seconds a message, and bytes a second: what is usual between machines of one hall.
NETWORKS = {"10 Gbit/s Ethernet": (50e-6, 1.25e9), "200 Gbit/s InfiniBand": (5e-6, 25e9)}


def main() -> None:
    """Prints the table."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        here, computing = measured_sums(Path(folder)), measured_step(Path(folder))
    networks = {"this machine": here, **NETWORKS}
    print(f"a step of one worker: {computing * 1e3:.0f} ms; {WEIGHTS * 4 / 1e6:.0f} MB of gradients")
    print("\n| between workers | a message, µs | GB/s |\n|---|---|---|")
    for name, (latency, width) in networks.items():
        print(f"| {name} | {latency * 1e6:.0f} | {width / 1e9:.2f} |")
    print(f"\n| workers | {' | '.join(networks)} |\n|---|{'---|' * len(networks)}")
    for size in SIZES:
        gains = [computing / step_seconds(size, computing, *each) for each in networks.values()]
        print(f"| {size} | {' | '.join(f'{gain:.1f} ×' for gain in gains)} |")


def step_seconds(size: int, computing: float, latency: float, width: float) -> float:
    """Seconds of a step of so many workers."""
    messages, share = 2 * (size - 1), 2 * (size - 1) / size
    return computing / size + messages * latency + share * WEIGHTS * 4 / width


def measured_sums(folder: Path) -> tuple[float, float]:
    """Seconds a message and bytes a second of two workers here: their sum is 2 L + bytes / W."""
    run_together("sum_worker.py", 2, folder / "sums.npz", OMP_NUM_THREADS="1")
    with np.load(folder / "sums.npz") as found:
        sizes, seconds = found["bytes"], found["seconds"]
    return float(seconds[0]) / 2, float((sizes[-1] - sizes[0]) / (seconds[-1] - seconds[0]))


def measured_step(folder: Path) -> float:
    """Seconds of a step of the only worker."""
    run_together("speed_worker.py", 1, "torch", folder / "speed", OMP_NUM_THREADS="1")
    return BATCH_SIZE / float(np.load(folder / "speed-0.npz")["speed"])


if __name__ == "__main__":
    main()
