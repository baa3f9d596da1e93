"""Ports of one machine that lead to those of another, as SSH's tunnels do (docs/team.md)."""

import contextlib
import socket
import threading
from collections.abc import Iterator, Sequence

from joined_machines import Machine

LOOPBACK = "127.0.0.1"


@contextlib.contextmanager
def tunnels(server: Machine, clients: Sequence[Machine], ports: Sequence[int]) -> Iterator[None]:
    """Leads ports of the clients' loopback addresses, over the network, to the same ports of the server's."""
    with contextlib.ExitStack() as ends:
        for port in ports:
            ends.enter_context(_forwarded(server, server.address, LOOPBACK, port))
            for client in clients:
                ends.enter_context(_forwarded(client, LOOPBACK, server.address, port))
        yield


@contextlib.contextmanager
def _forwarded(machine: Machine, here: str, there: str, port: int) -> Iterator[None]:
    """Whoever connects to an address of a machine talks to another that the machine reaches."""
    with machine.entered():
        listening = socket.create_server((here, port))

    def accept() -> None:
        with machine.entered():  # this thread, to its end
            while True:
                try:
                    ours, _ = listening.accept()
                except OSError:
                    return
                theirs = socket.create_connection((there, port))
                for ends in ((ours, theirs), (theirs, ours)):
                    threading.Thread(target=_pump, args=ends, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(2**16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
