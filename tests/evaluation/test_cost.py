import json

import numpy as np
import pytest
from scipy.stats import binom, quantile_test

from twintrain.evaluation import cost
from twintrain.evaluation.cost import (
    figures,
    forget_if_loaded,
    is_loaded,
    measured_cost,
    median_interval,
    take_turns,
    without_cost,
)
from twintrain.evaluation.decision import cheaper_one
from twintrain.report.statements import cells

REPEATS = 20


class Network:
    """A network on a made-up clock: each call takes a row's seconds, times what chance and other work make of them."""

    def __init__(self, seconds, threads=2, noise=0.0, rng=None):
        self.seconds, self.threads, self.noise = seconds, threads, noise
        self.rng = rng or np.random.default_rng(0)
        self.calls = []

    def call(self, rows, seconds, calls):
        self.calls.append((rows, seconds, calls))
        taken = []
        while len(taken) < calls or sum(taken) < seconds:
            taken.append(self.seconds * rows**0.5 * self.rng.lognormal(0, self.noise))
        return taken


@pytest.fixture(autouse=True)
def others(monkeypatch):
    """Others on a machine of two CPUs: so many of them are busy."""

    class Others:
        load = 0.0

        def __init__(self, *processes):
            pass

        def cpus(self):
            return Others.load

    monkeypatch.setattr(cost, "OtherWork", Others)
    monkeypatch.setattr(cost, "usable_cpus", lambda: [0, 1])
    return Others


def test_latencies_are_medians_and_percentiles_of_all_calls_of_1_and_256_rows():
    found = measured_cost({"torch": Network(0.001), "keras": Network(0.002, threads=0)})
    assert found["torch"] == {
        "latency_1_ms": 1.0,
        "latency_1_p95_ms": 1.0,
        "latency_256_ms": 16.0,
        "latency_256_p95_ms": 16.0,
        "latency_1_ratio_ci95": {"keras": [0.5, 0.5]},
        "inference_device": "cpu",
        "inference_threads": 2,
        "inference_load": 0.0,
        "inference_cpus": 2,
        "inference_loaded": False,
    }
    assert found["keras"]["latency_1_ratio_ci95"] == {"torch": [2.0, 2.0]}
    assert found["keras"]["inference_threads"] == 0


def test_a_network_alone_has_times_and_nobody_to_be_compared_with():
    found = measured_cost({"torch": Network(0.001)})
    assert (found["torch"]["latency_1_ms"], found["torch"]["latency_1_ratio_ci95"]) == (1.0, {})


def test_first_call_of_a_turn_and_the_warm_up_are_not_counted():
    class Cold(Network):
        def call(self, rows, seconds, calls):
            _, *rest = super().call(rows, seconds, calls)
            return [9.0, *rest]

    turns = take_turns({"a": Cold(0.001), "b": Cold(0.001)}, 1)
    assert {seconds for taken in turns.values() for turn in taken for seconds in turn} == {0.001}


def test_networks_take_turns_and_who_is_first_changes():
    order = []

    class Noted(Network):
        def call(self, rows, seconds, calls):
            order.append(self.threads)
            return super().call(rows, seconds, calls)

    take_turns({"a": Noted(0.3, threads=1), "b": Noted(0.3, threads=2), "c": Noted(0.3, threads=3)}, 1)
    assert order == [1, 2, 3, *([1, 2, 3, 3, 2, 1] * (cost.FEWEST_TURNS // 2))]


@pytest.mark.parametrize(("seconds", "turns"), [(2.0, cost.FEWEST_TURNS), (1e-4, cost.MOST_TURNS), (0.02, 13)])
def test_turns_end_when_their_time_is_over(seconds, turns):
    network = Network(seconds)
    assert len(take_turns({"a": network}, 1)["a"]) == turns
    assert network.calls == [
        (1, cost.WARM_UP_SECONDS, cost.WARM_UP_CALLS),
        *([(1, cost.TURN_SECONDS, cost.SETTLING_CALLS + 1)] * turns),
    ]


def winners(factor, load, others):
    """Whom 20 measurements name, of a network and one that costs some times as much."""
    others.load = load
    rng = np.random.default_rng(13)
    # On a busy machine each call may wait for its turn, and the one with more threads waits for each of them.
    slower, noise = (60, 1.5) if load > 1 else (1, 0.2)

    def measured():
        networks = {
            "torch": Network(0.001 * slower, noise=noise, rng=rng),
            "keras": Network(0.001 * factor, noise=noise, rng=rng),
        }
        return measured_cost(networks)

    return [cheaper_one(measured()) for _ in range(REPEATS)]


def test_a_planted_difference_of_2_times_is_named_19_times_of_20(others):
    assert winners(2.0, 0.1, others).count("torch") >= 19
    assert winners(0.5, 0.1, others).count("keras") >= 19


def test_of_two_that_cost_alike_nobody_is_named(others):
    assert winners(1.0, 0.1, others) == [None] * REPEATS


def test_beside_other_work_nobody_is_named_however_large_the_difference(others):
    assert winners(2.0, 2.0, others) == [None] * REPEATS


@pytest.mark.parametrize(
    ("load", "threads", "cpus", "loaded"),
    [
        (0.2, 2, 2, False),  # a desktop that is never quite still
        (0.3, 2, 2, True),
        (1.0, 1, 2, False),
        (2.0, 1, 2, True),
        (1.9, 16, 16, False),
        (2.1, 16, 16, True),
        (0.1, 64, 16, False),  # more threads than CPUs were asked for, not by others
    ],
)
def test_loaded_is_a_machine_on_which_threads_have_to_wait_for_others(load, threads, cpus, loaded):
    assert is_loaded(load, threads, cpus) is loaded


def test_threads_of_the_librarys_choice_are_counted_as_all(others):
    others.load = 1.0
    assert not measured_cost({"torch": Network(0.001, threads=1)})["torch"]["inference_loaded"]
    assert measured_cost({"keras-jax": Network(0.001, threads=0)})["keras-jax"]["inference_loaded"]


@pytest.mark.parametrize("count", [6, 7, 11, 12, 20, 50, 101])
def test_interval_of_a_median_is_that_of_the_sign_test(count):
    values = np.random.default_rng(count).lognormal(size=count)
    expected = quantile_test(values, p=0.5).confidence_interval(0.95)
    assert median_interval(values) == (expected.low, expected.high)
    # So many values may be left out at either end: fewer lie on one side of the median by chance in 2.5 % at most.
    outside = max(few for few in range(count) if binom.cdf(few, count, 0.5) <= 0.025)
    assert median_interval(values) == (np.sort(values)[outside], np.sort(values)[count - 1 - outside])


def test_five_values_have_no_interval():
    with pytest.raises(ValueError, match="5 values have no 95% interval"):
        median_interval([1.0, 2.0, 3.0, 4.0, 5.0])


@pytest.mark.parametrize(("load", "kept"), [(0.0, True), (2.0, False)])
def test_what_was_measured_beside_other_work_is_forgotten(others, tmp_path, load, kept):
    others.load = load
    path = tmp_path / "cost.json"
    forget_if_loaded(path)  # nothing was measured yet
    path.write_text(json.dumps(measured_cost({"torch": Network(0.001)})))
    forget_if_loaded(path)
    assert path.exists() is kept


def test_what_is_damaged_is_forgotten_too(tmp_path):
    path = tmp_path / "cost.json"
    path.write_text("{")
    forget_if_loaded(path)
    assert not path.exists()


def test_results_that_differ_in_cost_alone_are_the_same_without_it():
    def results(milliseconds, winner, accuracy=0.9):
        comparison = {"winner": winner, "reason": f"{winner} is cheaper", "margin": 0.01}
        found = {"eval_acc": accuracy, "latency_1_ms": milliseconds, "inference_load": 2 - milliseconds}
        return {"dataset": "d", "torch": found, "comparison": comparison, "further_comparisons": {"k": comparison}}

    assert without_cost(results(1.0, "torch")) == without_cost(results(0.5, "keras"))
    assert without_cost(results(1.0, "torch")) != without_cost(results(1.0, "torch", accuracy=0.8))


def test_figures_are_times_and_threads():
    found = measured_cost({"torch": Network(0.001)})["torch"]
    assert list(figures(found)) == [
        *("latency_1_ms", "latency_1_p95_ms", "latency_256_ms", "latency_256_p95_ms", "inference_threads")
    ]
    assert figures({"eval_acc": 0.9}) == {}


def test_table_shows_what_each_costs():
    found = {
        "seconds_to_best": 1.234,
        "train_load": 0.04,
        "peak_memory_mib": 1012.8,
        "peak_device_memory_mib": 33.6,
        "flops": 194464,
        "file_bytes": 94349,
        "latency_1_ms": 0.11519,
        "latency_1_p95_ms": 0.15234,
        "latency_256_ms": 12.01,
        "latency_256_p95_ms": 15.0,
        "inference_threads": 2,
        "inference_load": 1.94,
    }
    assert cells({"PyTorch": found}) == [
        ["to best epoch, s", "1.23"],
        ["training, CPUs of others", "0.0"],
        ["peak memory, MiB", "1,013"],
        ["of the GPU, MiB", "34"],
        ["FLOPs a row", "194,464"],
        ["saved file, bytes", "94,349"],
        ["latency, 1 row, ms", "0.115"],
        ["p95, 1 row, ms", "0.152"],
        ["latency, 256 rows, ms", "12"],
        ["p95, 256 rows, ms", "15"],
        ["latency, threads", "2"],
        ["latency, CPUs of others", "1.9"],
    ]
