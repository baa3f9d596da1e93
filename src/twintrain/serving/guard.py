"""A guard in front of MLflow's scoring server: what cannot be answered is refused with a reason before it gets there.

It imports nothing of this project, since it runs where a logged model brings its own code along.
"""

import asyncio
import contextlib
import json
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

PATH = "/invocations"
JSON = "application/json"
LONGEST_REASON = 1000
# A client that has sent all of its request reads the answer; one that never ends is cut off.
DISCARD_SECONDS = 5


class Refused(Exception):  # noqa: N818 (an answer, not a fault)
    """Ends in an answer with this status and reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Limits:
    """What a request may take: bytes of its body; seconds to come in, and seconds to be answered."""

    max_bytes: int
    seconds: float


class Guard:
    """An ASGI application in front of MLflow's: reads a request, checks it, and passes on what it has understood."""

    def __init__(self, app: App, understand: Callable[[bytes], bytes], limits: Limits) -> None:
        """Guards an application.

        Args:
            understand: of the body of a request what MLflow gets; raises a ValueError with the reason why not.
        """
        self.app = app
        self.understand = understand
        self.limits = limits

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            if scope["path"] == PATH and scope["method"] == "POST":
                scope, receive = await self._checked(scope, receive)
            status, headers, body = await self._answer(scope, receive)
        except Refused as refused:
            status, headers, body = _answer_of(refused.status, str(refused))
        except Exception:  # whatever it is, it is for the log and not for the client
            traceback.print_exc()
            status, headers, body = _answer_of(500, "the server has failed; its log says why")
        await _send_all(status, headers, body, receive, send)

    async def _checked(self, scope: Message, receive: Receive) -> tuple[Message, Receive]:
        """The request as MLflow gets it: JSON of one form."""
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        _check_headers(headers, self.limits.max_bytes)
        try:
            body = await asyncio.wait_for(_read(receive, self.limits.max_bytes), self.limits.seconds)
        except TimeoutError:
            raise Refused(408, f"the request has not come in within {self.limits.seconds:g} seconds") from None
        try:
            content = await asyncio.to_thread(self.understand, body)
        except ValueError as error:
            raise Refused(400, str(error)) from None
        given = [(b"content-type", JSON.encode()), (b"content-length", str(len(content)).encode())]

        async def receive_content() -> Message:
            return {"type": "http.request", "body": content, "more_body": False}

        return {**scope, "headers": given}, receive_content

    async def _answer(self, scope: Message, receive: Receive) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        start: Message = {}
        body = bytearray()

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                body.extend(message.get("body", b""))

        await self.app(scope, receive, keep)
        if start["status"] < 400:
            return start["status"], start["headers"], bytes(body)
        return _answer_of(start["status"], _reason(start["status"], bytes(body), self.limits))


def _check_headers(headers: dict[bytes, str], max_bytes: int) -> None:
    given = headers.get(b"content-type", "")
    kind, *parameters = [part.strip().lower() for part in given.split(";")]
    if kind != JSON or any(parameter.replace('"', "") not in ("", "charset=utf-8") for parameter in parameters):
        raise Refused(415, f"expected Content-Type: {JSON}, got {given[:100] or 'none'}")
    if headers.get(b"content-encoding", "identity").lower() != "identity":
        raise Refused(415, f"expected JSON as it is, got Content-Encoding: {headers[b'content-encoding'][:100]}")
    length = headers.get(b"content-length", "0")
    if not length.isdecimal() or len(length) > 18 or int(length) > max_bytes:
        raise _too_large(max_bytes)


async def _read(receive: Receive, max_bytes: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "the request has been broken off")
        body += message.get("body", b"")
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
        if not message.get("more_body"):
            return bytes(body)


def _too_large(max_bytes: int) -> Refused:
    return Refused(
        413, f"expected at most {max_bytes:,} bytes; ask for fewer rows at once, or for a file: make predict"
    )


def _reason(status: int, body: bytes, limits: Limits) -> str:
    """Of an error of MLflow's the reason alone: around it stand all the data, and the server's own paths."""
    if status == 504:
        return f"no answer within {limits.seconds:g} seconds; ask for fewer rows at once"
    try:
        error = json.loads(body)
        said = error.get("message") or error.get("detail") or ""
        if status >= 500 or "stack_trace" in error:
            print(f"error {status}: {body.decode(errors='replace')}", file=sys.stderr, flush=True)
            said = ""
    except (ValueError, AttributeError):
        said = ""
    lines = str(said).rpartition("Error: ")[2].strip().splitlines()
    general = "the server has failed; its log says why" if status >= 500 else "the model cannot answer these rows"
    return lines[0] if lines else general


def _answer_of(status: int, reason: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    # Whatever of a request is told again: one line, and nothing that a terminal or a log would obey.
    reason = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in reason)[:LONGEST_REASON]
    body = json.dumps({"error_code": "BAD_REQUEST" if status < 500 else "INTERNAL_ERROR", "message": reason}).encode()
    return status, [(b"content-type", JSON.encode()), (b"content-length", str(len(body)).encode())], body


async def _send_all(status: int, headers: list[tuple[bytes, bytes]], body: bytes, receive: Receive, send: Send) -> None:
    if status in (408, 413):
        # What has not been read yet would be taken for the next request.
        headers = [*headers, (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": status == 413})
    if status == 413:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_discard(receive), DISCARD_SECONDS)
        await send({"type": "http.response.body", "body": b""})


async def _discard(receive: Receive) -> None:
    while (await receive()).get("more_body"):
        pass
