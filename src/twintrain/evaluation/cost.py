"""What saved networks cost in use: the times of their predictions, measured by turns."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import scipy

from twintrain.system import project
from twintrain.system.cpus import OtherWork, usable_cpus
from twintrain.system.stored import DamagedFileError

# Rows at once. The times of a single one decide which of two networks is the cheaper one.
BATCHES = (1, 256)
# The first calls, which also build graphs and fill caches.
WARM_UP_SECONDS, WARM_UP_CALLS = 0.2, 3
# So short that whatever else goes on meets all networks alike.
TURN_SECONDS = 0.01
# Calls at the beginning of a turn that are not counted: caches and threads were the other's.
SETTLING_CALLS = 1
# Of all turns of one network with one batch. Six turns are the fewest that have a 95 % interval.
SECONDS, FEWEST_TURNS, MOST_TURNS = 0.5, 6, 50
# A share of the processors that others may take: a desktop is never quite still.
TOLERATED = 0.125

# How keys of results/metrics.json begin that are measured here, or decided by what was.
MEASURED = ("latency_", "inference_", "winner", "reason")

Turns = dict[str, list[list[float]]]


class Timed(Protocol):
    """A network that takes the time of its own calls (`frameworks.timed_network`)."""

    threads: int

    def call(self, rows: int, seconds: float, calls: int) -> list[float]:
        """The seconds of each of so many calls, and of more until these seconds are over."""


def measured_cost(networks: dict[str, Timed], *processes: int) -> dict[str, Any]:
    """The times of networks and how busy the machine was meanwhile.

    Args:
        processes: in which they run; what these do is not the work of others.

    Returns:
        by name latency_N_ms and latency_N_p95_ms for batches of N rows; latency_1_ratio_ci95: by the name of each other
        network the 95 % interval of the median ratio of two turns with one row, the network's share of the other's;
        inference_device, inference_threads; inference_load, the CPUs that others kept busy; inference_cpus, those that
        there are; inference_loaded, whether there were fewer than others and the threads together wanted.
    """
    others = OtherWork(*processes)
    turns = {rows: take_turns(networks, rows) for rows in BATCHES}
    load, cpus = others.cpus(), len(usable_cpus())
    most = max(network.threads or cpus for network in networks.values())
    state = {
        "inference_load": round(load, 2),
        "inference_cpus": cpus,
        "inference_loaded": is_loaded(load, most, cpus),
    }
    return {
        name: {
            **_latencies(name, turns),
            "latency_1_ratio_ci95": _ratios(name, turns[1]),
            "inference_device": "cpu",
            "inference_threads": network.threads,
            **state,
        }
        for name, network in networks.items()
    }


def figures(measured: dict[str, Any]) -> dict[str, float]:
    """Of what is known of a network the times of its predictions, and with how many threads: what MLflow shows."""
    names = [f"latency_{rows}{end}" for rows in BATCHES for end in ("_ms", "_p95_ms")]
    return {name: measured[name] for name in (*names, "inference_threads") if name in measured}


def without_cost(results: Any) -> Any:
    """Results without what is measured here, which is another figure each time, and without what it decides."""
    if not isinstance(results, dict):
        return results
    return {name: without_cost(found) for name, found in results.items() if not name.startswith(MEASURED)}


def is_loaded(load: float, threads: int, cpus: int) -> bool:
    """Whether threads had to wait for a processor that others had.

    Args:
        load: processors that others kept busy.
        threads: that the network computes with.
        cpus: processors that there are.
    """
    return load + min(threads, cpus) > (1 + TOLERATED) * cpus


def take_turns(networks: dict[str, Timed], rows: int) -> Turns:
    """The seconds of each call, by network and turn; each turn has some."""
    for network in networks.values():
        network.call(rows, WARM_UP_SECONDS, WARM_UP_CALLS)
    turns: Turns = {name: [] for name in networks}
    spent, rounds = 0.0, 0
    while rounds < FEWEST_TURNS or (rounds < MOST_TURNS and spent < SECONDS * len(networks)):
        # Whoever comes second may find the machine warmed up.
        for name in list(networks)[:: -1 if rounds % 2 else 1]:
            calls = networks[name].call(rows, TURN_SECONDS, SETTLING_CALLS + 1)
            turns[name].append(calls[SETTLING_CALLS:])
            spent += sum(calls)
        rounds += 1
    return turns


def _latencies(name: str, turns: dict[int, Turns]) -> dict[str, float]:
    found: dict[str, float] = {}
    for rows, taken in turns.items():
        median, p95 = 1000 * np.percentile(np.concatenate(taken[name]), (50, 95))
        found |= {f"latency_{rows}_ms": round(float(median), 4), f"latency_{rows}_p95_ms": round(float(p95), 4)}
    return found


def _ratios(name: str, turns: Turns) -> dict[str, list[float]]:
    medians = {each: np.array([np.median(calls) for calls in taken]) for each, taken in turns.items()}
    own = medians.pop(name)
    return {each: [round(end, 4) for end in median_interval(own / other)] for each, other in medians.items()}


def median_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """The interval of a median that the sign test leaves, whatever the distribution: two of the values.

    Conover, Practical Nonparametric Statistics (1999), section 3.2.

    Args:
        values: six at least, for 95 %.

    Raises:
        ValueError: there are fewer than it takes.
    """
    found = scipy.stats.quantile_test(values, p=0.5).confidence_interval(confidence)
    if np.isnan(found.low):
        raise ValueError(f"{len(values)} values have no {confidence:.0%} interval of their median")
    return float(found.low), float(found.high)


def forget_if_loaded(path: Path) -> None:
    """Removes costs that were measured beside other work, so that DVC measures them anew; none where that is off."""
    try:
        is_marked = any(found.get("inference_loaded") for found in project.read_json(path).values())
    except FileNotFoundError:
        return
    except DamagedFileError:
        is_marked = True
    if is_marked:
        path.unlink()
