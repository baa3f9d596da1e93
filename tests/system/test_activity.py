"""What long work says while it lasts: plain lines, and a live one on a terminal."""

import os
import pty
import subprocess
import sys
import time

import pytest
from project_clone import ROOT

from twintrain.system import activity
from twintrain.system.activity import Activity, duration

# Two steps of half a second each.
WORK = """
import time
from twintrain.system.activity import Activity

with Activity("verify", 2) as activity:
    activity.begin("the rows [of both]")
    time.sleep(0.7)
    activity.begin("the records")
    time.sleep(0.7)
print("done")
"""


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7505, "2 h 5 min")]
)
def test_duration(seconds, said):
    assert duration(seconds) == said


def test_a_step_is_a_line_and_a_long_one_more_with_the_time_and_how_far(capsys, monkeypatch):
    monkeypatch.setattr(activity, "PLAIN_SECONDS", 0.2)
    with Activity("verify", 2) as shown:
        shown.begin("the rows")
        shown.begin("the records")
        shown.detail("PyTorch done")
        give_up = time.monotonic() + 20
        said = ""
        while said.count("\n") < 4 and time.monotonic() < give_up:
            time.sleep(0.05)
            said += capsys.readouterr().out
    first, second, *ticks = said.splitlines()
    assert (first, second) == ("verify 1/2: the rows", "verify 2/2: the records")
    assert len(ticks) >= 2
    assert set(ticks) <= {f"verify 2/2: the records: PyTorch done, {seconds} s" for seconds in range(20)}


def test_a_short_step_is_one_line_and_nothing_is_said_after_the_end(capsys):
    with Activity("convert") as shown:
        shown.begin("the model is read")
    assert capsys.readouterr().out == "convert: the model is read\n"
    assert not shown._ticking.is_alive()


def test_steps_that_are_alike_tell_how_long_the_rest_takes(capsys, monkeypatch):
    now = 1000.0
    monkeypatch.setattr(activity.time, "monotonic", lambda: now)
    with Activity("family", 4, alike=True) as shown:
        shown.begin("a")
        now += 30
        shown.begin("b")
        now += 10
        shown.begin("c")
    assert capsys.readouterr().out.splitlines() == [
        "family 1/4: a",
        "family 2/4: b; about 1 min 30 s left",
        "family 3/4: c; about 40 s left",
    ]


def test_on_a_terminal_it_is_one_line_that_goes():
    leader, follower = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "TERM": "xterm", "COLUMNS": "80"}
    process = subprocess.Popen([sys.executable, "-c", WORK], stdout=follower, env=environment)
    os.close(follower)
    said = b""
    while True:
        try:
            said += os.read(leader, 4096)
        except OSError:  # the other end is closed
            break
    os.close(leader)
    assert process.wait() == 0
    text = said.decode()
    assert "verify 1/2: the rows [of both], 0 s" in text
    assert "verify 2/2: the records, " in text
    assert text.endswith("\x1b[2Kdone\r\n")  # the live line is gone before
