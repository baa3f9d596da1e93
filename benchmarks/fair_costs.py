"""Whom the measured cost names, again and again: of the networks in build/train, and of one beside its own double.

python benchmarks/fair_costs.py        20 times as the machine is, then 20 times beside a busy loop on every CPU
python benchmarks/fair_costs.py 5      5 times each

In a project whose networks are trained (`make run`). Costs that differ by a tenth for sure name the cheaper network;
what is measured on a busy machine names nobody. The double does everything twice: it costs 2 times as much.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from twintrain.evaluation.cost import Timed, measured_cost
from twintrain.evaluation.decision import cheaper_one
from twintrain.frameworks.threads import inference_threads
from twintrain.frameworks.timed_network import TimedNetwork
from twintrain.settings.params import load_params
from twintrain.settings.sections.precision import array_dtype
from twintrain.system import project
from twintrain.system.cpus import usable_cpus

REPEATS = 20
BUSY = "while True: pass"


class Double:
    """A network that does everything twice."""

    def __init__(self, single: TimedNetwork) -> None:
        self.single = single

    @property
    def threads(self) -> int:
        return self.single.threads

    def call(self, rows: int, seconds: float, calls: int) -> list[float]:
        taken = self.single.call(rows, seconds, 2 * calls)
        return [sum(taken[place : place + 2]) for place in range(0, len(taken) - 1, 2)]


def named(networks: dict[str, TimedNetwork | Double], processes: list[int], as_double: bool) -> str:
    """Who is the cheaper one, with the ratio and what others did."""
    timed: dict[str, Timed] = dict(networks)
    found = measured_cost(timed, *processes)
    first, second = found
    low, high = found[first]["latency_1_ratio_ci95"][second]
    winner = cheaper_one(found) or "nobody"
    load = found[first]["inference_load"]
    kind = "planted 2 times" if as_double else "networks"
    print(f"  {kind}: {winner:8} {first} / {second} {low:.2f} to {high:.2f}, others {load:.2f} CPUs", flush=True)
    return winner


def measure(start: Callable[[str], TimedNetwork], frameworks: list[str], as_double: bool) -> str:
    """One measurement with processes of its own, as the stage has them."""
    with ExitStack() as processes:
        started = [processes.enter_context(start(name)) for name in frameworks]
        for network in started:
            network.wait()
        networks: dict[str, TimedNetwork | Double] = dict(zip(frameworks, started, strict=True))
        if as_double:
            networks = {"single": started[0], "double": Double(started[1])}
        return named(networks, [network.process for network in started], as_double)


def main(repeats: int) -> None:
    params = load_params()
    threads = inference_threads(params.train.threads)
    frameworks = params.frameworks[:2]

    def start(name: str) -> TimedNetwork:
        return TimedNetwork(name, project.TRAIN / name, array_dtype(params.train.dtype), threads)

    for is_busy in (False, True):
        print("beside a busy loop on every CPU" if is_busy else "as the machine is")
        loops = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in usable_cpus()] if is_busy else []
        try:
            networks = Counter(measure(start, frameworks, False) for _ in range(repeats))
            planted = Counter(measure(start, [frameworks[0]] * 2, True) for _ in range(repeats if not is_busy else 0))
        finally:
            for loop in loops:
                loop.kill()
                loop.wait()
        print(f"  of {repeats} times: {dict(networks)}; planted 2 times: {dict(planted) or 'not tried'}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else REPEATS)
