"""Which process something belongs to, so that another one can tell whether that still lives."""

import os
import socket
from typing import NamedTuple

import psutil

SAME_START = 1.0  # seconds; clocks of a system are read with that error at most


class Owner(NamedTuple):
    """A process of a machine: a number alone is given to another process sooner or later."""

    host: str
    pid: int
    started: float

    @classmethod
    def here(cls) -> "Owner":
        """This process."""
        return cls(socket.gethostname(), os.getpid(), round(psutil.Process().create_time(), 2))

    @classmethod
    def parse(cls, text: str) -> "Owner | None":
        """What `str` has written; None for anything else."""
        try:
            host, pid, started = text.split()
            return cls(host, int(pid), float(started))
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.host} {self.pid} {self.started}"

    def is_dead(self) -> bool:
        """Whether it is known to have ended; of another machine nothing is known."""
        if self.host != socket.gethostname():
            return False
        try:
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.started) > SAME_START or process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True
