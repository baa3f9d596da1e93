"""One text of each worker to all of them, by TCP: how workers agree on something before a framework lets them."""

import contextlib
import json
import os
import socket
import time
from typing import Any

from twintrain.errors import UserError

# A worker that has called says its text at once; anybody else must not hold up the others.
SECONDS_TO_SPEAK = 5
SECONDS_BETWEEN_CALLS = 0.1
EXPECTED = "expected all workers to be started, and MASTER_ADDR and MASTER_PORT to be reached by each"
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def collect(size: int, text: str, place: tuple[str, int], seconds: float) -> list[str]:
    """The texts of all workers in order of rank: the part of worker 0, which listens and sends them to the others.

    Nothing listens there any more before the first of them is answered.

    Raises:
        UserError: see `call`, which raises the same; or it cannot listen there.
    """
    until, texts, error = time.monotonic() + seconds, {0: text}, ""
    with contextlib.ExitStack() as open_calls:
        connections = []
        with _listening(place) as server:
            while len(texts) < size and not error:
                server.settimeout(_left(until))
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    error = _missing(sorted(set(range(size)) - texts.keys()), place, seconds)
                    break
                match _heard(connection, min(SECONDS_TO_SPEAK, _left(until))):
                    case {"rank": int(rank), "size": int(told), "text": str(said)}:
                        connections.append(open_calls.enter_context(connection))
                        error = _misfit(rank, told, size, rank in texts)
                        texts[rank] = said
                    case _:
                        connection.close()
        answer = {"error": error} if error else {"texts": [texts[rank] for rank in range(size)]}
        for connection in connections:
            with contextlib.suppress(OSError):  # it has gone, and will be missed at the next meeting
                _say(connection, answer)
    return _texts(answer)


def call(rank: int, size: int, text: str, place: tuple[str, int], seconds: float) -> list[str]:
    """The texts of all workers in order of rank: the part of any worker but the first.

    Raises:
        UserError: not all have come within so many seconds, or what they were told does not fit together.
    """
    until = time.monotonic() + seconds
    while True:
        # Until worker 0 listens, and if an earlier meeting has hung up.
        with contextlib.suppress(OSError), socket.create_connection(place, timeout=_left(until)) as connection:
            _say(connection, {"rank": rank, "size": size, "text": text})
            if answer := _heard(connection, _left(until)):
                return _texts(answer)
        if time.monotonic() >= until:
            raise UserError(
                f"worker {rank} has had no answer of worker 0 at {_written(place)} for {seconds:g} seconds; {EXPECTED}"
            )
        time.sleep(SECONDS_BETWEEN_CALLS)


def free_address(place: tuple[str, int], is_there: bool) -> str:
    """Host and port of this process that nothing listens at yet, for those who reach it the way it reaches a place.

    Args:
        is_there: whether the place is on this very host.
    """
    host, port = place
    if not is_there:
        family, *_, target = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as route:
            route.connect(target)  # sends nothing
            host = route.getsockname()[0]
    with socket.create_server(("", 0)) as found:
        return _written((host, found.getsockname()[1]))


def _listening(place: tuple[str, int]) -> socket.socket:
    host, port = place
    try:
        if host in LOOPBACK:
            return socket.create_server(place, family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        # The name of a service need not be an address of this machine.
        dual = socket.has_dualstack_ipv6()
        return socket.create_server(("", port), family=socket.AF_INET6 if dual else socket.AF_INET, dualstack_ipv6=dual)
    except OSError as error:
        raise UserError(
            f"worker 0 cannot listen at {_written(place)}: {os.strerror(error.errno)}; expected a free MASTER_PORT"
        ) from None


def _heard(connection: socket.socket, seconds: float) -> Any:
    """The object in one line of JSON; None where none comes, so that it is no worker."""
    connection.settimeout(seconds)
    try:
        with connection.makefile(encoding="utf-8") as lines:
            return json.loads(lines.readline())
    except (OSError, ValueError):
        return None


def _say(connection: socket.socket, what: dict[str, Any]) -> None:
    connection.sendall(f"{json.dumps(what)}\n".encode())


def _texts(answer: Any) -> list[str]:
    match answer:
        case {"texts": list(texts)}:
            return texts
        case {"error": str(error)}:
            raise UserError(error)
    raise UserError("what answers at MASTER_ADDR and MASTER_PORT is no worker; expected a port of their own")


def _misfit(rank: int, told: int, size: int, is_known: bool) -> str:
    if told != size:
        return f"worker 0 was told WORLD_SIZE={size}, worker {rank} WORLD_SIZE={told}; expected the same for all"
    return f"two workers were told RANK={rank}; expected another for each" if is_known else ""


def _missing(ranks: list[int], place: tuple[str, int], seconds: float) -> str:
    which = f"worker {ranks[0]} has" if len(ranks) == 1 else f"worker {ranks[0]} and {len(ranks) - 1} more have"
    return f"{which} not called worker 0 at {_written(place)} for {seconds:g} seconds; {EXPECTED}"


def _left(until: float) -> float:
    return max(0.01, until - time.monotonic())


def _written(place: tuple[str, int]) -> str:
    host, port = place
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
