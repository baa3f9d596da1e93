"""Leaves what a stage logs to the command above it, which brings it to the store.

To load MLflow takes longer than most stages do. A command has it loaded, and looks once a second for what stages that
have ended left in their journals; so does the next command, should this one be killed. A stage that must know what the
store calls its run has a courier of its own.
"""

import os
from typing import Any

from twintrain.tracking.courier import Courier
from twintrain.tracking.journal import Journal
from twintrain.tracking.owner import Owner

COURIER = "TWINTRAIN_COURIER"  # the process that brings what stages log


def is_brought_by_another() -> bool:
    """Whether a command above this process brings what it logs."""
    return os.environ.get(COURIER, here := str(Owner.here())) != here


class HandOver:
    """Stands where a courier stands, and never has an answer of the store."""

    is_behind = True

    def __init__(self) -> None:
        self._journals: list[Journal] = []

    def take(self, journal: Journal) -> None:
        """Adds a journal, which this process writes until `close`."""
        self._journals.append(journal)

    def wait_for(self, journal: Journal, number: int) -> dict[str, Any]:
        """What is known of the store's answer to a line: nothing."""
        return {}

    def wait(self, is_told: bool = True) -> None:
        """Returns at once: whoever brings it waits, and tells."""

    def ask(self, question: Any) -> None:
        """What a function of the client returns: nothing."""

    def close(self) -> None:
        """Lets the command take the journals."""
        for journal in self._journals:
            journal.release()


AnyCourier = Courier | HandOver
