import time

import numpy as np
import pytest

from twintrain.evaluation import cost
from twintrain.evaluation.cost import inference_cost, inference_threads, latency
from twintrain.report.statements import cells

ROWS = np.arange(12.0).reshape(3, 4)


class Clock:
    """A clock that predictions alone move on, by the seconds that they are given to take."""

    def __init__(self, seconds):
        self.now, self.left, self.calls = 0.0, iter(seconds), []

    def __call__(self):
        return self.now

    def predict(self, rows):
        self.calls.append(rows)
        self.now += next(self.left)
        return rows


@pytest.fixture
def clock(monkeypatch):
    def start(seconds):
        clock = Clock(seconds)
        monkeypatch.setattr(cost.time, "perf_counter", clock)
        return clock

    return start


def test_latency_is_the_median_and_the_95th_percentile_after_the_warm_up(clock):
    warm_up = [0.9, 0.1, 0.1, 0.1, 0.1]
    # 21 calls take up the half second. The middle one takes 12 ms, the 20th 60, all together a mean of 24.
    calls = np.array([*range(2, 12), 12, *range(13, 21), 60, 232])
    started = clock([*warm_up, *np.random.default_rng(0).permutation(calls) / 1000, 9.0])
    assert latency(started.predict, ROWS) == pytest.approx((12.0, 60.0))


def test_slow_network_is_called_a_few_times_all_the_same(clock):
    started = clock([2.0] * 100)
    assert latency(started.predict, ROWS) == pytest.approx((2000.0, 2000.0))
    assert len(started.calls) == 2 * cost.FEWEST


def test_fast_network_is_called_so_often_and_no_more(clock):
    started = clock([1e-6] * 1000)
    latency(started.predict, ROWS)
    assert len(started.calls) == 2 * cost.MOST


def test_cost_is_of_batches_of_1_and_256_rows_and_of_the_file(clock, tmp_path):
    (tmp_path / "model").write_bytes(b"12345")
    started = clock([1.0] * 10 + [3.0] * 10)
    assert inference_cost(started.predict, ROWS, tmp_path / "model", 2) == {
        "file_bytes": 5,
        "latency_1_ms": 1000.0,
        "latency_1_p95_ms": 1000.0,
        "latency_256_ms": 3000.0,
        "latency_256_p95_ms": 3000.0,
        "inference_device": "cpu",
        "inference_threads": 2,
    }
    one, many = started.calls[0], started.calls[-1]
    assert np.array_equal(one, ROWS[:1])
    assert many.shape == (256, 4)
    assert np.array_equal(many[:7], ROWS[[0, 1, 2, 0, 1, 2, 0]])


def test_latency_of_a_sleep_is_its_length():
    median, p95 = latency(lambda rows: time.sleep(0.02), ROWS)
    assert 20 <= median <= p95
    assert median < 30


def test_threads_are_those_of_the_experiment_then_of_openmp_then_all(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert inference_threads(2) == 2
    assert inference_threads(None) == 3
    monkeypatch.setattr(cost.os, "sched_getaffinity", lambda process: {0, 5, 6, 7}, raising=False)
    for given in ("", "many"):
        monkeypatch.setenv("OMP_NUM_THREADS", given)
        assert inference_threads(None) == 4


def test_table_shows_what_each_costs():
    found = {
        "seconds_to_best": 1.234,
        "peak_memory_mib": 1012.8,
        "peak_device_memory_mib": 33.6,
        "flops": 194464,
        "file_bytes": 94349,
        "latency_1_ms": 0.11519,
        "latency_1_p95_ms": 0.15234,
        "latency_256_ms": 12.01,
        "latency_256_p95_ms": 15.0,
        "inference_threads": 2,
    }
    assert cells({"PyTorch": found}) == [
        ["to best epoch, s", "1.23"],
        ["peak memory, MiB", "1,013"],
        ["of the GPU, MiB", "34"],
        ["FLOPs a row", "194,464"],
        ["saved file, bytes", "94,349"],
        ["latency, 1 row, ms", "0.115"],
        ["p95, 1 row, ms", "0.152"],
        ["latency, 256 rows, ms", "12"],
        ["p95, 256 rows, ms", "15"],
        ["latency, threads", "2"],
    ]
