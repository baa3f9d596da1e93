"""Which process something belongs to, so that another one can tell whether that still lives."""

import socket
from typing import NamedTuple

import psutil

from twintrain.system.watched import name_of, running


class Owner(NamedTuple):
    """A process of a machine.

    Attributes:
        host: of the machine.
        process: its number and when it started (`watched.name_of`).
    """

    host: str
    process: str

    @classmethod
    def here(cls) -> "Owner":
        """This process."""
        return cls(socket.gethostname(), name_of(psutil.Process()))

    @classmethod
    def parse(cls, text: str) -> "Owner | None":
        """What `str` has written; None for anything else."""
        words = text.split()
        return cls(*words) if len(words) == 2 else None

    def __str__(self) -> str:
        return f"{self.host} {self.process}"

    @property
    def is_of_here(self) -> bool:
        """Whether it is, or was, a process of this machine."""
        return self.host == socket.gethostname()

    def is_dead(self) -> bool:
        """Whether it is known to have ended; of another machine nothing is known."""
        return self.is_of_here and running(self.process) is None
