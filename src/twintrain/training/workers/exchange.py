"""One text of each worker to all of them, by TCP: how workers agree on something before a framework lets them."""

import contextlib
import ipaddress
import json
import os
import socket
import time
from dataclasses import dataclass
from typing import Any

from twintrain.errors import UserError

# A worker that has called says its text at once; anybody else must not hold up the others.
SECONDS_TO_SPEAK = 5
SECONDS_BETWEEN_CALLS = 0.1
EXPECTED = "expected all workers to be started, and MASTER_ADDR and MASTER_PORT to be reached by each"
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Meeting:
    """What a worker knows when all have met.

    Attributes:
        texts: of all workers in order of rank.
        host: the address of its host by which the others reach it. The host's own name may not lead there: on many
            machines it stands for the loopback.
    """

    texts: list[str]
    host: str


def collect(size: int, text: str, place: tuple[str, int], seconds: float) -> Meeting:
    """The part of worker 0, which listens and sends the texts of all to the others.

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
        if error:
            answer = {"error": error}
        else:
            answer = {"texts": [texts[rank] for rank in range(size)], "host": _reached_at(connections)}
        for connection in connections:
            with contextlib.suppress(OSError):  # it has gone, and will be missed at the next meeting
                _say(connection, answer)
    return _meeting(answer)


def call(rank: int, size: int, text: str, place: tuple[str, int], seconds: float) -> Meeting:
    """The part of any worker but the first.

    Raises:
        UserError: not all have come within so many seconds, or what they were told does not fit together.
    """
    until = time.monotonic() + seconds
    while True:
        # Until worker 0 listens, and if an earlier meeting has hung up.
        with contextlib.suppress(OSError), socket.create_connection(place, timeout=_left(until)) as connection:
            _say(connection, {"rank": rank, "size": size, "text": text})
            host = _local_end(connection)
            if answer := _heard(connection, _left(until)):
                return _meeting(answer, host)
        if time.monotonic() >= until:
            raise UserError(
                f"worker {rank} has had no answer of worker 0 at {written(*place)} for {seconds:g} seconds; {EXPECTED}"
            )
        time.sleep(SECONDS_BETWEEN_CALLS)


def written(host: str, port: int) -> str:
    """Host and port as one text."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


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
            f"worker 0 cannot listen at {written(*place)}: {os.strerror(error.errno)}; expected a free MASTER_PORT"
        ) from None


def _reached_at(connections: list[socket.socket]) -> str:
    """The address of this host that others have called, from another one if any has."""
    ends = [_local_end(connection) for connection in connections]
    return str(next((end for end in ends if not end.is_loopback), ends[0]))


def _local_end(connection: socket.socket) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    end = ipaddress.ip_address(connection.getsockname()[0])
    return getattr(end, "ipv4_mapped", None) or end


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


def _meeting(answer: Any, host: ipaddress.IPv4Address | ipaddress.IPv6Address | None = None) -> Meeting:
    """What an answer says to a worker that has called from an address of its host."""
    match answer:
        case {"texts": list(texts), "host": str(first)}:
            # By the loopback it has called from the host of worker 0.
            return Meeting(texts, first if host is None or host.is_loopback else str(host))
        case {"error": str(error)}:
            raise UserError(error)
    raise UserError("what answers at MASTER_ADDR and MASTER_PORT is no worker; expected a port of their own")


def _misfit(rank: int, told: int, size: int, is_known: bool) -> str:
    if told != size:
        return f"worker 0 was told WORLD_SIZE={size}, worker {rank} WORLD_SIZE={told}; expected the same for all"
    return f"two workers were told RANK={rank}; expected another for each" if is_known else ""


def _missing(ranks: list[int], place: tuple[str, int], seconds: float) -> str:
    which = f"worker {ranks[0]} has" if len(ranks) == 1 else f"worker {ranks[0]} and {len(ranks) - 1} more have"
    return f"{which} not called worker 0 at {written(*place)} for {seconds:g} seconds; {EXPECTED}"


def _left(until: float) -> float:
    return max(0.01, until - time.monotonic())
