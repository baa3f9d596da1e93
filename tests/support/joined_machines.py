"""Machines that reach the first of them and nothing else: network namespaces of this one."""

import contextlib
import ctypes
import functools
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

CLONE_NEWNET = 0x40000000
CURRENT = Path("/proc/thread-self/ns/net")
# Of a block for documentation (RFC 5737), which is nobody's.
ADDRESS = "192.0.2.{}"


class Machine:
    """A machine, as long as this process or one that was started there lives.

    Attributes:
        address: by which the machines that are joined with it reach it.
        path: of its namespace, for nsenter.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        with _kept():
            _call("unshare", CLONE_NEWNET)
            self._handle = os.open(CURRENT, os.O_RDONLY)
        self.path = f"/proc/{os.getpid()}/fd/{self._handle}"

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Meanwhile this thread, and what it starts, is on the machine."""
        with _kept():
            _call("setns", self._handle, CLONE_NEWNET)
            yield

    def close(self) -> None:
        """Gives it up."""
        os.close(self._handle)


@functools.cache
def missing() -> str | None:
    """What is lacking; None: nothing."""
    if shutil.which("ip") is None or not CURRENT.exists():
        return "no network namespaces here, or no `ip` to connect them"
    try:
        with joined_machines(2):
            return None
    except (OSError, subprocess.CalledProcessError) as error:
        return f"network namespaces cannot be made or connected here: {error}"


@contextlib.contextmanager
def joined_machines(count: int) -> Iterator[list[Machine]]:
    """Makes so many, each but the first joined with that by a cable."""
    with contextlib.ExitStack() as ends:
        machines = []
        for number in range(count):
            machines.append(Machine(ADDRESS.format(number + 1)))
            ends.callback(machines[-1].close)
            with machines[-1].entered():
                _ip("link", "set", "lo", "up")
        for number, machine in enumerate(machines[1:], start=1):
            _join(machines[0], machine, f"cable{number}")
        yield machines


def _join(first: Machine, other: Machine, cable: str) -> None:
    with first.entered():
        _ip("link", "add", cable, "type", "veth", "peer", "name", cable, "netns", other.path)
    for here, there in ((first, other), (other, first)):
        with here.entered():
            _ip("address", "add", here.address, "peer", there.address, "dev", cable)
            _ip("link", "set", cable, "up")


@contextlib.contextmanager
def _kept() -> Iterator[None]:
    """Has this thread be where it was at the end."""
    before = os.open(CURRENT, os.O_RDONLY)
    try:
        yield
    finally:
        _call("setns", before, CLONE_NEWNET)
        os.close(before)


def _call(name: str, *arguments: int) -> None:
    """Calls a function of the C library: Python has these from 3.12 on."""
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
