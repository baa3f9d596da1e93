"""Several processes that train one network together, each on its rows of every batch.

Who starts them tells each which it is, by the names of torchrun (https://docs.pytorch.org/docs/stable/elastic/run.html):
RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT in its environment. How they add up their gradients is a framework's own
business: `frameworks/*/collectives.py`.
"""

import os
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from twintrain.errors import UserError, shown
from twintrain.training.workers import exchange
from twintrain.training.workers.exchange import Meeting

# For which a worker waits for another one in a sum. Validation is such a wait, since one worker does it for all.
SECONDS_TO_ANSWER = 300
# Within which all must have been started and have found each other.
SECONDS_TO_MEET = 25
Rows = TypeVar("Rows", int, np.ndarray)
VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


class LostWorkerError(UserError):
    """Another worker of the training has ended, or does not answer: started again, all may go on."""


@dataclass(frozen=True)
class Worker:
    """One of the processes of a training.

    Attributes:
        rank: its number, from 0; that of rank 0 alone logs and writes.
        size: how many there are.
        address: host and port where they meet, which is on the host of rank 0.
    """

    rank: int = 0
    size: int = 1
    address: str = ""

    @classmethod
    def of_environment(cls) -> "Worker":
        """What the environment says; the only worker where it says nothing.

        Raises:
            UserError: it says a part, or what cannot be.
        """
        given = {name: os.environ[name] for name in VARIABLES if name in os.environ}
        if "WORLD_SIZE" not in given and "RANK" not in given:
            return cls()
        if missing := [name for name in VARIABLES if name not in given]:
            raise UserError(
                f"{missing[0]} is not set beside {', '.join(given)}; expected all of {', '.join(VARIABLES)}"
            )
        rank, size, port = (_number(name, given[name]) for name in ("RANK", "WORLD_SIZE", "MASTER_PORT"))
        if rank >= size:
            raise UserError(f"RANK={rank}: expected less than WORLD_SIZE={size}")
        if not 0 < port < 2**16:
            raise UserError(f"MASTER_PORT={port}: expected a port, from 1 to {2**16 - 1}")
        return cls(rank, size, f"{given['MASTER_ADDR']}:{port}")

    @property
    def is_alone(self) -> bool:
        return self.size == 1

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def variables(self) -> dict[str, str]:
        """The environment that tells a process that it is this one."""
        host, port = self._place()
        return dict(zip(VARIABLES, (str(self.rank), str(self.size), host, str(port)), strict=True))

    def exchange(self, text: str, seconds: float = SECONDS_TO_MEET) -> list[str]:
        """The texts of all workers in order of rank, once each has given its own.

        They meet at the address, where nothing listens any more when this returns.

        Raises:
            UserError: not all have come within so many seconds, or what they were told does not fit together.
        """
        return [text] if self.is_alone else self._meet(text, seconds).texts

    def host(self) -> str:
        """The address of this host by which the other workers reach it, once all have met.

        Raises:
            UserError: as of `exchange`.
        """
        return self._meet("", SECONDS_TO_ANSWER).host

    def share(self, rows: Rows) -> tuple[Rows, Rows]:
        """The first of its rows of a batch, and the one after its last: as many as the others have, but for one.

        Args:
            rows: of the batch, or int64 (batches,) of many.
        """
        return rows * self.rank // self.size, rows * (self.rank + 1) // self.size

    def _meet(self, text: str, seconds: float) -> Meeting:
        if self.is_first:
            return exchange.collect(self.size, text, self._place(), seconds)
        return exchange.call(self.rank, self.size, text, self._place(), seconds)

    def _place(self) -> tuple[str, int]:
        host, _, port = self.address.rpartition(":")
        return host, int(port)


def check_masks(draws_own: bool) -> None:
    """Raises a UserError where several workers would draw their dropout masks alike for other rows."""
    if draws_own:
        raise UserError(
            "dropout with masks of the framework's own gives others on several workers; expected train.workers: 1, "
            "or masks: shared"
        )


def _number(name: str, text: str) -> int:
    if not text.isdecimal():
        raise UserError(f"{name}={shown(text)}: expected a whole number")
    return int(text)
