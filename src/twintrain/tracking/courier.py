"""A thread that brings what this process logs to MLflow's store, while the process goes on with its work.

The process waits for it at the beginning of a run, for its id, and at the end, for what is still on its way, and never
longer than the budget allows. A store that fails is tried again, one that hangs is left hanging: nothing that computes
stands behind it.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from twintrain.system.passwords import without_password
from twintrain.tracking.budget import Budget
from twintrain.tracking.delivery import Delivery
from twintrain.tracking.delivery_errors import NotYetError, UnknownRunError
from twintrain.tracking.journal import Journal
from twintrain.tracking.reasons import reason_of
from twintrain.tracking.store import is_local, open_client, store_uri

PATIENCE = 3  # failures in a row after which nobody waits, though the courier goes on trying
PAUSES = (0.1, 0.3, 1.0, 2.0)  # seconds before it is tried again
LAZY_SECONDS = 1.0  # lines that nobody waits for are brought together
END_SECONDS = 0.2  # that a thread with nothing to do takes to end, at most

_hanging: list[threading.Thread] = []


def hangs() -> bool:
    """Whether a call to the store still hangs in this process, which Python would wait for."""
    return any(thread.is_alive() for thread in _hanging)


class Courier:
    """Delivers journals.

    Attributes:
        failure: what the store, or MLflow itself, has said last; None while all goes well.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.failure: str | None = None
        self._uri = store_uri(Path.cwd())
        self._changed = threading.Condition()
        self._deliveries: dict[str, Delivery] = {}
        self._questions: list[_Question] = []
        self._afterwards: list[Callable[[Any], Any]] = []
        self._look: Callable[[], Any] | None = None
        self._failures = 0
        self._is_postponed = False
        self._waiters = 0
        self._brought = self._looked = 0.0
        self._is_closing = False
        self._client: Any = None
        self._thread = self._started() if budget.left else None

    def _started(self) -> threading.Thread | None:
        try:
            # Here, since a store that is a file is made in its own folder, and a process has one folder.
            self._client = open_client()
        except Exception as error:  # whatever MLflow, its database or an import throws
            self.failure = reason_of(error)
            return None
        thread = threading.Thread(target=self._work, name="courier", daemon=True)
        thread.start()
        return thread

    @property
    def reasons(self) -> list[str]:
        """Why the store does not have all: what it refuses, and how it failed last."""
        refused = {reason for delivery in self._deliveries.values() for reason in delivery.refused.values()}
        return [*sorted(map(reason_of, refused)), *([self.failure] if self.failure else [])]

    @property
    def is_behind(self) -> bool:
        """Whether the store lacks anything, or fails."""
        return self._thread is None or self.failure is not None or bool(self._unfinished())

    def take(self, journal: Journal) -> None:
        """Adds a journal, which this process may go on writing."""
        with self._changed:
            self._deliveries[journal.key] = Delivery(journal, self._client)
            self._changed.notify_all()

    def wait_for(self, journal: Journal, number: int) -> dict[str, Any]:
        """Waits for the store's answer to a line; empty if there is none in time."""
        delivery = self._deliveries[journal.key]
        self._wait(lambda: number in journal.confirmed or number in delivery.refused)
        return journal.confirmed.get(number, {})

    def wait(self, is_told: bool = True) -> None:
        """Waits until the store has all that was said so far; the user is told, once, if it does not in time.

        What other threads say meanwhile is not waited for: there may be more of it each time.
        """
        said = [(delivery, len(delivery.journal.calls)) for delivery in self._unfinished()]

        def is_behind() -> bool:
            return any(self._lacks(delivery, number) for delivery, number in said)

        self._wait(lambda: not is_behind())
        if is_told and (self.reasons or is_behind()):
            self._warn()

    def ask(self, question: Callable[[Any], Any]) -> Any:
        """What a function of the client returns; None if it fails, or not in time."""
        asked = _Question(question)
        with self._changed:
            self._questions.append(asked)
            self._changed.notify_all()
        self._wait(lambda: asked.is_answered)
        return asked.answer

    def afterwards(self, action: Callable[[Any], Any]) -> None:
        """Calls a function of the client once, when nothing else is to be done; whether it fails is no matter."""
        with self._changed:
            self._afterwards.append(action)
            self._changed.notify_all()

    def look_for_more(self, look: Callable[[], Any]) -> None:
        """Calls a function once a second, which may find more journals to take."""
        self._look = look

    @contextlib.contextmanager
    def taking(self) -> Iterator[None]:
        """Meanwhile nobody else takes journals, so that whoever waits then waits for all that were there."""
        with self._changed:
            yield

    def close(self) -> None:
        """Lets the thread end; one that hangs is left behind, see `hangs`."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        if self._thread is None:
            self._release()
            return
        self._thread.join(END_SECONDS)
        if self._thread.is_alive():
            _hanging.append(self._thread)

    def _warn(self) -> None:
        if self._is_postponed:  # whoever brings what it waits for says why that is not there
            return
        reasons = self.reasons
        if not self.budget.is_first_to_say():
            return
        reason = reasons[-1] if reasons else f"no answer within {self.budget.seconds:g} s in all"
        print(
            f"warning: MLflow at {without_password(self._uri)} does not have all that was logged ({reason}); "
            "it is kept, and make sync brings it there",
            file=sys.stderr,
        )

    def _wait(self, done: Callable[[], bool]) -> None:
        if self._thread is None:
            return
        started = time.monotonic()
        with self._changed:
            self._waiters += 1
            self._changed.notify_all()
            try:
                while not done() and self._failures < PATIENCE and time.monotonic() - started < self.budget.left:
                    self._changed.wait(0.1)
            finally:
                self._waiters -= 1
        # A file answers at once: where it takes longer, the machine is busy, not the store.
        if self._failures or not is_local(self._uri):
            self.budget.spend(started)

    def _unfinished(self) -> list[Delivery]:
        """Those that are not there as far as they go; one that the store has whole is finished when it is removed."""
        return [each for each in list(self._deliveries.values()) if each.is_due]

    def _lacks(self, delivery: Delivery, number: int) -> bool:
        """Whether lines before a number are not there, or a journal that is there whole is to be removed."""
        if self._deliveries.get(delivery.journal.key) is not delivery:
            return False
        lacking = (line < number and line not in delivery.refused for line in delivery.journal.waiting)
        return delivery.journal.is_delivered or any(lacking)

    def _is_due(self) -> bool:
        if self._questions or (self._afterwards and not self._failures):
            return True
        if self._look and time.monotonic() - self._looked >= LAZY_SECONDS:
            return True
        is_lazy = not self._waiters and time.monotonic() - self._brought < LAZY_SECONDS
        return not is_lazy and bool(self._unfinished())

    def _work(self) -> None:
        while self._is_wanted():
            try:
                self._step()
            except Exception as error:  # whatever MLflow, its server or the network throws
                self._failures, self.failure = self._failures + 1, reason_of(error)
                self._is_postponed = isinstance(error, NotYetError)
            else:
                self._failures, self.failure, self._is_postponed = 0, None, False
            with self._changed:
                self._changed.notify_all()
        self._release()

    def _release(self) -> None:
        """Leaves what the store has not got to whoever comes next."""
        for delivery in self._deliveries.values():
            delivery.journal.release()

    def _is_wanted(self) -> bool:
        """Waits until something is to be done; False where the process wants nothing more."""
        with self._changed:
            if self._failures:
                pause = PAUSES[min(self._failures, len(PAUSES)) - 1]
                self._changed.wait_for(lambda: self._is_closing, pause)
                return not self._is_closing
            while not self._is_due():
                if self._is_closing:
                    return False
                self._changed.wait(LAZY_SECONDS)
            return True

    def _step(self) -> None:
        """Answers the questions, and brings what the journals have."""
        if self._look:
            self._looked = time.monotonic()
            self._look()
        while self._questions:
            self._answer(self._questions[0])
            self._questions.pop(0)
        unfinished, postponed = self._unfinished(), []
        for delivery in unfinished:
            try:
                self._deliver(delivery)
            except NotYetError as error:  # it needs one that comes later
                postponed.append(error)
        self._brought = time.monotonic()
        if postponed and len(postponed) == len(unfinished):
            raise postponed[0]
        while self._afterwards and not self._unfinished():
            with contextlib.suppress(Exception):
                self._afterwards.pop()(self._client)

    def _answer(self, asked: "_Question") -> None:
        try:
            asked.answer = asked.ask(self._client)
        except Exception:
            asked.tries += 1
            if asked.tries < PATIENCE:
                raise  # it stays the first one
        asked.is_answered = True

    def _deliver(self, delivery: Delivery) -> None:
        journal = delivery.journal
        if not journal.hold():  # another process does it
            self._deliveries.pop(journal.key)
            return
        try:
            delivery.run()
        except UnknownRunError as error:
            print(f"note: this store has no run {error}, made elsewhere; nothing is added to it", file=sys.stderr)
        else:
            if not journal.is_delivered:
                return
        self._deliveries.pop(journal.key)
        journal.remove()


class _Question:
    """Something that is asked of the store."""

    def __init__(self, ask: Callable[[Any], Any]) -> None:
        self.ask = ask
        self.answer: Any = None
        self.is_answered = False
        self.tries = 0
