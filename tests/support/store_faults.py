"""What can be wrong with a store: functions that are given a request on its way to a server, and say what is answered.

A fault forwards the request or not, and answers what it likes. `When` says which requests it is a fault of.
"""

import http.client
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from twintrain.system.ports import HOST

HOP_BY_HOP = ("connection", "transfer-encoding", "content-length", "host", "keep-alive")


@dataclass(frozen=True)
class Answer:
    """What a client gets."""

    status: int
    body: bytes = b'{"error_code": "INTERNAL_ERROR", "message": "planted"}'
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    seconds_a_byte: float = 0
    cut_after: int | None = None  # bytes of the body; then the connection is reset


@dataclass(frozen=True)
class Call:
    """A request on its way to the server."""

    port: int  # of the server
    mended: threading.Event  # set when nothing is to be late or to hang any more
    number: int  # 1 is the first that the store has seen
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def writes(self) -> bool:
        """Whether the server changes something."""
        return self.method not in ("GET", "HEAD") and not self.path.split("?")[0].endswith("search")

    @property
    def uploads(self) -> bool:
        """Whether it brings the bytes of an artifact."""
        return self.method == "PUT" and "/mlflow-artifacts/" in self.path

    def forward(self) -> Answer | None:
        """The server's own answer; None where it is dead."""
        connection = http.client.HTTPConnection(HOST, self.port)
        try:
            connection.request(self.method, self.path, self.body, self.headers)
            answer = connection.getresponse()
            headers = {name: value for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP}
            return Answer(answer.status, answer.read(), headers)
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()


Fault = Callable[[Call], Answer | None]  # None: the connection ends without an answer
When = Callable[[Call], bool]


def healthy(call: Call) -> Answer | None:
    """No fault."""
    return call.forward()


def hangs(call: Call) -> None:
    """Takes the request and never answers."""
    call.mended.wait()


def drips(call: Call) -> Answer | None:
    """Answers a byte a second."""
    answer = call.forward()
    return answer and Answer(answer.status, answer.body, answer.headers, seconds_a_byte=1)


def slow(seconds: float) -> Fault:
    """Answers each request late."""

    def fault(call: Call) -> Answer | None:
        call.mended.wait(seconds)
        return call.forward()

    return fault


def always(_: Call) -> bool:
    """Of all requests."""
    return True


def writing(call: Call) -> bool:
    """Of all requests that change something."""
    return call.writes


def uploading(call: Call) -> bool:
    """Of all requests that bring the bytes of an artifact."""
    return call.uploads


def every(number: int) -> When:
    """Of each so-many-th request."""
    return lambda call: call.number % number == 0


def share(probability: float, seed: int = 0) -> When:
    """Of some requests, by chance."""
    return lambda call: random.Random(f"{seed} {call.number}").random() < probability


def fails(status: int = 500, when: When = always) -> Fault:
    """An error status, and nothing is done."""
    return lambda call: Answer(status) if when(call) else call.forward()


def loses_answer(status: int | None = 500, when: When = always) -> Fault:
    """What was asked for is done, but the client is told of an error; None: it is told nothing."""

    def fault(call: Call) -> Answer | None:
        answer = call.forward()
        if not when(call):
            return answer
        return Answer(status) if status else None

    return fault


def cuts_answer(when: When = always) -> Fault:
    """What was asked for is done, and the connection reset in the middle of the answer."""

    def fault(call: Call) -> Answer | None:
        answer = call.forward()
        if answer is None or not when(call):
            return answer
        return Answer(answer.status, answer.body, answer.headers, cut_after=len(answer.body) // 2)

    return fault


def after(number: int, fault: Fault) -> Fault:
    """Healthy for so many requests, counted from the first one that this function sees."""
    seen = iter(range(number))
    return lambda call: call.forward() if next(seen, None) is not None else fault(call)


read_only = fails(403, writing)
disk_full = fails(507, uploading)


def another_server(status: int) -> Fault:
    """What listens there is no MLflow, and gives the same page to all."""
    return lambda call: Answer(status, b"<html><body>Hello</body></html>", {"Content-Type": "text/html"})
