"""The process that is timed; benchmarks and the end-to-end tests time real networks."""

import pytest

from twintrain.frameworks.timed_network import TimedNetwork
from twintrain.system import piped_process

FAKE = """
import numpy as np, sys
from pathlib import Path
from twintrain import frameworks
from twintrain.data.parts import Part

ROWS = np.arange(12, dtype="float32").reshape(3, 4)

class Saving:
    FILE_NAME = "model"
    set_threads = staticmethod(lambda count: count + 1)
    @staticmethod
    def load(path):
        assert path == Path("build/train/torch/model"), path
        def predict(rows):
            assert np.array_equal(rows, ROWS[[number % 3 for number in range(len(rows))]]), rows
            if len(rows) == 13:
                raise ValueError("thirteen")
            return rows
        return predict

frameworks.framework_module = lambda *names: Saving
Part.load = classmethod(lambda cls, folder, dtype: Part(ROWS.astype(dtype), np.zeros(3), np.arange(3)))
from twintrain.frameworks import timed_network
timed_network.main(*sys.argv[3:])
"""


@pytest.fixture
def started(monkeypatch):
    """Starts networks whose framework is made up."""
    popen = piped_process.subprocess.Popen

    def start(command, **options):
        python, *rest = command
        return popen([python, "-c", FAKE, *rest], **options)

    def network():
        return TimedNetwork("torch", "build/train/torch", "float32", 2)

    monkeypatch.setattr(piped_process.subprocess, "Popen", start)
    return network


def test_each_call_is_timed_until_there_are_enough_and_the_seconds_are_over(started):
    with started() as network:
        network.wait()
        assert network.threads == 3
        assert len(network.call(1, 0.0, 7)) == 7
        taken = network.call(256, 0.05, 2)
        assert sum(taken) >= 0.05 > sum(taken[:-1])
        assert min(taken) > 0
    assert network._process.returncode == 0


def test_a_process_that_dies_is_one_line_with_its_last_words(started, error_of):
    with started() as network:
        network.wait()
        said = error_of(network.call, 13, 0.0, 1)
    assert said == "PyTorch: the process that is timed has ended: ValueError: thirteen"
