"""An HTTP server on the loopback interface that serves bytes from memory, with faults on request."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Fault:
    """What is wrong with one answer."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    cut_after: int | None = None  # bytes of the body
    wait: float = 0  # seconds, after `cut_after` bytes or before the body
    announced: bool = True  # whether there is a Content-Length
    ranges: bool = True  # whether Range is obeyed
    held_until: threading.Event | None = None  # after `wait`


class FaultyServer(ThreadingHTTPServer):
    """Serves `files` by path. Each request uses up one of `faults`; then `lasting`, if any, is wrong each time."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.lasting: Fault | None = None
        self.etag: str | None = '"1"'
        self.requests: list[tuple[str, str | None, str | None]] = []  # path, Range, If-Range

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no error of a test."""


class _Handler(BaseHTTPRequestHandler):
    server: FaultyServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.close_connection = True
        asked = self.headers.get("Range"), self.headers.get("If-Range")
        self.server.requests.append((self.path, *asked))
        fault = self.server.faults.pop(0) if self.server.faults else self.server.lasting or Fault()
        content = self.server.files.get(self.path)
        if fault.status is not None or content is None:
            return self._send(fault.status or 404, fault.body or b"no", fault)
        content = content if fault.body is None else fault.body
        if asked[0] and fault.ranges and asked[1] in (None, self.server.etag):
            return self._send_range(content, int(asked[0].removeprefix("bytes=").removesuffix("-")), fault)
        return self._send(200, content, fault)

    def _send_range(self, content: bytes, start: int, fault: Fault) -> None:
        if start >= len(content):
            return self._send(416, b"", fault, {"Content-Range": f"bytes */{len(content)}"})
        span = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return self._send(206, content[start:], fault, {"Content-Range": span})

    def _send(self, status: int, body: bytes, fault: Fault, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        etag = {"ETag": self.server.etag} if self.server.etag else {}
        length = {"Content-Length": str(len(body))} if fault.announced else {}
        for name, value in {"Connection": "close", **etag, **length, **(headers or {}), **fault.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: fault.cut_after])
        self.wfile.flush()
        if fault.wait:
            time.sleep(fault.wait)
        if fault.held_until:
            fault.held_until.wait(60)

    def log_message(self, *_: object) -> None:
        """Prints nothing."""


@contextmanager
def faulty_server() -> Iterator[FaultyServer]:
    """Runs a server for as long as the context lasts."""
    server = FaultyServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
