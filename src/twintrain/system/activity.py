"""Says of long work what is running, how far it is and how long it takes: a live line on a terminal, else plain lines.

with Activity("verify", 2) as activity:
    activity.begin("PyTorch and Keras record what they compute")    # verify 1/2: PyTorch and Keras record …
    …                                                               # verify 1/2: …, 10 s
    activity.begin("their records are compared")                    # verify 2/2: …
"""

import threading
import time
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner

PLAIN_SECONDS = 10.0  # between two lines of a step, where there is no terminal
LIVE_SECONDS = 0.5


class Activity:
    """Steps of a command that come one after another; use as a context, and from one thread.

    Each step is a line at its beginning. While it lasts, a line every PLAIN_SECONDS has the time since then; on a
    terminal there is one line alone, which goes when the work ends.
    """

    def __init__(self, title: str, steps: int | None = None, alike: bool = False) -> None:
        """Says nothing yet.

        Args:
            title: what runs, such as the name of the command.
            steps: how many there are; None: nobody knows.
            alike: they take about as long as each other, so that those before tell how long the rest takes.
        """
        self._title, self._steps, self._alike = title, steps, alike
        self._console = Console()
        self._number, self._what, self._detail = 0, "", ""
        self._started = self._step_started = time.monotonic()
        self._ended = threading.Event()
        self._ticking = threading.Thread(target=self._tick, daemon=True)
        self._spinner = Spinner("dots")
        self._live = Live(self._spinner, console=self._console, transient=True) if self._console.is_terminal else None

    def __enter__(self) -> Self:
        self._started = self._step_started = time.monotonic()
        if self._live:
            self._live.start()
        self._ticking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._ticking.join()
        if self._live:
            self._live.stop()

    def begin(self, what: str) -> None:
        """Says that the next step begins, and what is done in it."""
        self._number += 1
        self._what, self._detail, self._step_started = what, "", time.monotonic()
        self._show(left=self._left())

    def detail(self, text: str) -> None:
        """Has the next lines of the step say how far it is."""
        self._detail = text

    def line(self) -> str:
        """What a line of the present step says now."""
        seconds = time.monotonic() - self._step_started
        return f"{self._head()}{f': {self._detail}' if self._detail else ''}, {duration(seconds)}"

    def _head(self) -> str:
        number = f" {self._number}/{self._steps}" if self._steps else ""
        return f"{self._title}{number}: {self._what}"

    def _left(self) -> str:
        """How long the present step and all after it take, if those before tell."""
        done = self._number - 1
        if not (self._alike and self._steps and done):
            return ""
        seconds = (self._step_started - self._started) / done * (self._steps - done)
        return f"; about {duration(seconds)} left"

    def _show(self, left: str = "") -> None:
        if self._live:
            self._update()
        else:
            print(f"{self._head()}{left}", flush=True)

    def _update(self) -> None:
        self._spinner.update(text=escape(self.line() + self._left()))

    def _tick(self) -> None:
        told = self._started
        while not self._ended.wait(LIVE_SECONDS if self._live else PLAIN_SECONDS / 100):
            now = time.monotonic()
            if not self._what:
                continue
            if self._live:
                self._update()
            elif now - max(told, self._step_started) >= PLAIN_SECONDS:
                print(self.line(), flush=True)
                told = now


def duration(seconds: float) -> str:
    """A time as people say it: `12 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return "{} h {} min".format(*divmod(minutes, 60))
