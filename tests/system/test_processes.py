"""Groups of processes: all of one has ended when `end_group` returns, and it does return."""

import subprocess
import sys
import time

import psutil
import pytest

from twintrain.system.processes import end_group

# A leader that ends at once when it is asked to, and a child that takes its time or does not listen at all.
LEADER = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE, text=True)
print(child.pid, child.stdout.readline(), flush=True)
child.wait()
"""
SLOW = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1), sys.exit()))
print("ready", flush=True)
time.sleep(600)
"""
DEAF = SLOW.replace("lambda *_: (time.sleep(1), sys.exit())", "signal.SIG_IGN")


def start(child: str) -> tuple[subprocess.Popen, psutil.Process]:
    command = [sys.executable, "-c", LEADER, child]
    leader = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, process_group=0)
    pid, ready = leader.stdout.readline().split()
    assert ready == "ready"
    return leader, psutil.Process(int(pid))


def has_ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(("child", "seconds"), [(SLOW, 30), (DEAF, 0.5)], ids=["slow", "deaf"])
def test_a_child_that_outlives_the_leader_has_ended_too(child, seconds):
    leader, process = start(child)
    with leader.stdout:
        end_group(leader, seconds)
    assert has_ended(process)
    assert leader.returncode < 0


def test_a_group_whose_leader_has_ended_before_is_ended():
    leader, process = start(SLOW)
    with leader.stdout:
        leader.kill()
        leader.wait()
        assert not has_ended(process)
        end_group(leader, 30)
    assert has_ended(process)


def test_a_dead_process_that_nobody_waits_for_is_not_waited_for():
    leader, _ = start(SLOW)
    dead = subprocess.Popen([sys.executable, "-c", ""], process_group=leader.pid)
    with leader.stdout:
        while psutil.Process(dead.pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.05)
        began = time.monotonic()
        end_group(leader, 60)
    assert time.monotonic() - began < 30
    dead.wait()
