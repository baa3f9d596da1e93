import os
from collections import namedtuple

import pytest

from twintrain.system import cpus
from twintrain.system.cpus import OtherWork, usable_cpus

Times = namedtuple("Times", "user nice system idle iowait irq softirq steal guest guest_nice")
Own = namedtuple("Own", "user system children_user children_system iowait")
HERE, WORKER = 0, 7


class Machine:
    """Three CPUs, of which this process may use the last two; a clock."""

    def __init__(self):
        self.now, self.busy, self.idle, self.own = 0.0, [0.0] * 3, [0.0] * 3, {HERE: 0.0, WORKER: 0.0}

    def cpu_times(self, percpu):
        assert percpu
        return [
            Times(busy / 2, busy / 8, busy / 8, idle / 2, idle / 2, 0, busy / 8, busy / 8, busy / 2, 0)
            for busy, idle in zip(self.busy, self.idle, strict=True)
        ]

    def pass_seconds(self, seconds, busy, own=0.0, worker=0.0):
        self.now += seconds
        for cpu, taken in enumerate(busy):
            self.busy[cpu] += taken
            self.idle[cpu] += seconds - taken
        self.own[HERE] += own
        self.own[WORKER] += worker


@pytest.fixture
def machine(monkeypatch):
    made = Machine()

    class Process:
        def __init__(self, pid=HERE):
            self.pid = pid

        def cpu_times(self):
            taken = made.own[self.pid]
            return Own(taken / 2, taken / 2, 5.0, 5.0, 5.0)

    monkeypatch.setattr(cpus.psutil, "cpu_times", made.cpu_times)
    monkeypatch.setattr(cpus.psutil, "Process", Process)
    monkeypatch.setattr(cpus.time, "monotonic", lambda: made.now)
    monkeypatch.setattr(cpus, "usable_cpus", lambda: [1, 2])
    return made


@pytest.mark.parametrize(
    ("busy", "own", "worker", "expected"),
    [
        ((0, 0, 0), 0, 0, 0.0),
        ((4, 0, 0), 0, 0, 0.0),  # a CPU that this process may not use
        ((0, 4, 4), 0, 0, 2.0),
        ((0, 4, 4), 4, 2, 0.5),
        ((0, 3, 1), 1, 1, 0.5),
        ((0, 1, 1), 1.5, 1.5, 0.0),  # clocks that tick apart
    ],
)
def test_work_of_others_is_all_work_less_that_of_ours(machine, busy, own, worker, expected):
    machine.pass_seconds(9, (9, 9, 9), own=3)  # before
    others = OtherWork(WORKER)
    machine.pass_seconds(4, busy, own, worker)
    assert others.cpus() == pytest.approx(expected)


def test_a_process_that_is_not_said_to_be_ours_is_another(machine):
    others = OtherWork()
    machine.pass_seconds(4, (0, 4, 0), worker=4)
    assert others.cpus() == pytest.approx(1.0)


def test_no_time_has_no_work(machine):
    assert OtherWork().cpus() == 0.0


def test_this_machine_answers():
    others = OtherWork(os.getpid())
    assert 0 <= others.cpus() <= len(usable_cpus())


def test_usable_cpus_are_those_of_the_process_else_all(monkeypatch):
    monkeypatch.setattr(cpus.os, "sched_getaffinity", lambda process: {7, 0, 5}, raising=False)
    assert usable_cpus() == [0, 5, 7]
    monkeypatch.delattr(cpus.os, "sched_getaffinity")
    monkeypatch.setattr(cpus.os, "cpu_count", lambda: 3)
    assert usable_cpus() == [0, 1, 2]
