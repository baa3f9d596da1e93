"""The samples of the machine: an interval that is sane, and an end without a word where they cannot be kept."""

import errno
import time
from pathlib import Path

import pytest

from twintrain.tracking import monitor
from twintrain.tracking.monitor import INTERVAL, Monitor

pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")


class Quick:
    """In place of MLflow's monitors, which take a second to make."""

    def collect_metrics(self) -> None:
        pass

    def aggregate_metrics(self) -> dict[str, float]:
        return {"cpu": 1.0}

    clear_metrics = collect_metrics


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(monitor, "_monitors", lambda: [Quick()])


def samples(seconds):
    """The steps that come in this many seconds."""
    found = []
    with Monitor(lambda metrics, step: found.append((metrics, step))):
        time.sleep(seconds)
    return found


def test_a_sample_of_each_interval_is_handed_on(monkeypatch):
    monkeypatch.setenv(INTERVAL, "0.2")
    found = samples(0.9)
    assert 1 <= len(found) <= 4
    assert found[0] == ({"system/cpu": 1.0}, 0)


def test_what_is_over_before_it_begins_asks_for_no_monitor(monkeypatch):
    monkeypatch.setattr(monitor, "_monitors", lambda: pytest.fail("a short stage has loaded MLflow"))
    with Monitor(lambda *_: pytest.fail("nothing was measured"), after=5.0):
        time.sleep(0.1)


@pytest.mark.parametrize("interval", ["0", "-1", "1e-9", "-inf"])
def test_an_interval_has_a_least(monkeypatch, interval):
    monkeypatch.setenv(INTERVAL, interval)
    assert 1 <= len(samples(0.55)) <= 5


@pytest.mark.parametrize("interval", ["", "inf", "1e300", "5"])
def test_an_interval_that_is_empty_or_long_is_none_of_an_instant(monkeypatch, interval):
    monkeypatch.setenv(INTERVAL, interval)
    assert samples(0.3) == []


@pytest.mark.parametrize("interval", ["abc", "nan", "1s", " "])
def test_an_interval_that_is_no_number_is_one_line(monkeypatch, error_of, interval):
    monkeypatch.setenv(INTERVAL, interval)
    said = f"{INTERVAL}: expected a number of seconds, got {interval!r}; unset it, or mend it"
    assert error_of(Monitor, print) == said


def test_a_full_disk_ends_the_samples_without_a_word(monkeypatch, capfd):
    monkeypatch.setenv(INTERVAL, "0.1")
    tried = []

    def log(_, step):
        tried.append(step)
        if step == 1:
            raise OSError(errno.ENOSPC, "No space left on device", Path("calls.jsonl"))

    with Monitor(log):
        time.sleep(0.6)
    assert tried == [0, 1]
    assert capfd.readouterr() == ("", "")
