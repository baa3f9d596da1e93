"""Ports of this machine: which are free."""

import socket

from twintrain.errors import UserError

# No other machine reaches it.
HOST = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen there."""
    return _refused(port) is None


def check_port(port: int) -> None:
    """Raises a UserError with a free port where this one is taken or not for everybody."""
    if error := _refused(port):
        raise UserError(f"port {port} cannot be had ({error.strerror}); a free one: --port {free_port()}")


def free_port() -> int:
    """A port that nobody listens on at the moment, at any address of this machine."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


def _refused(port: int) -> OSError | None:
    """Why no server could listen there."""
    with socket.socket() as probe:
        # As servers do, or the port would seem taken for a minute after one has ended.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return error
    return None
