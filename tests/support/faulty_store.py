"""A real `mlflow server` on the loopback interface, behind a proxy that does its requests every kind of harm.

    with faulty_store(folder) as store:
        store.fault = read_only             # any function of store_faults, or one of your own
        store.at(12, store.kill)            # kill -9, at the 12th request from now
        ...                                 # something that logs to store.uri
        store.mend()                        # healthy again, the server runs again

Clients only know the proxy's address. A killed server is not reachable there either; it starts again on the same files.
"""

import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from store_faults import HOP_BY_HOP, Answer, Call, Fault, healthy

from twintrain.system.ports import HOST, free_port
from twintrain.tracking.store import environment

START_SECONDS = 180


class TrackingServer:
    """A `mlflow server` with a SQLite store and artifacts in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = f"sqlite:///{folder}/mlflow.db"
        self.artifacts = folder / "artifacts"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it where it does not run, and waits until it answers."""
        if self._process:
            return
        command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", self.database]
        command += ["--artifacts-destination", str(self.artifacts), "--serve-artifacts"]
        command += ["--host", HOST, "--port", str(self.port), "--workers", "1"]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True, cwd=self.folder, env=environment()
            )
        self._wait()

    def kill(self) -> None:
        """kill -9 of all its processes."""
        if self._process:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _wait(self) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process and self._process.poll() is None:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://{HOST}:{self.port}/health", timeout=5).close()
                return
            time.sleep(0.1)
        raise AssertionError(f"mlflow server does not start:\n{(self.folder / 'server.log').read_text('utf-8')}")


class FaultyStore:
    """A server and the proxy before it.

    Attributes:
        fault: what is wrong from the next request on.
        seen: the requests so far, as `POST /api/…`.
        mended: set while nothing is to be late or to hang.
    """

    def __init__(self, server: TrackingServer) -> None:
        self.server = server
        self.fault: Fault = healthy
        self.seen: list[str] = []
        self.mended = threading.Event()
        self.port = free_port()
        self._actions: dict[int, tuple[Callable[[], object], bool]] = {}
        self._lock = threading.RLock()
        self._proxy: _Proxy | None = None

    @property
    def uri(self) -> str:
        """MLFLOW_TRACKING_URI of its clients."""
        return f"http://{HOST}:{self.port}"

    @property
    def is_up(self) -> bool:
        """Whether clients can connect."""
        return self._proxy is not None

    def at(self, number: int, action: Callable[[], object], done: bool = False) -> None:
        """Has something happen at the so-many-th request from now: instead of what it asks for, or after it."""
        with self._lock:
            self._actions[len(self.seen) + number] = action, done

    def start(self) -> None:
        """Starts the server where it is dead, and lets clients connect."""
        self.server.start()
        with self._lock:
            if not self._proxy:
                self._proxy = _Proxy(self)
                threading.Thread(target=self._proxy.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def disconnect(self) -> None:
        """Refuses all connections and ends the open ones, while the server goes on: the network is down."""
        with self._lock:
            proxy, self._proxy = self._proxy, None
        if proxy:
            proxy.shutdown()
            proxy.end_connections()

    def kill(self) -> None:
        """kill -9 of the server."""
        self.server.kill()
        self.disconnect()

    def mend(self) -> None:
        """Ends every fault."""
        with self._lock:
            self._actions.clear()
        self.fault = healthy
        self.mended.set()
        self.start()
        self.mended = threading.Event()

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer | None:
        """What becomes of a request."""
        with self._lock:
            self.seen.append(f"{method} {path}")
            call = Call(self.server.port, self.mended, len(self.seen), method, path, headers, body)
            action, done = self._actions.pop(call.number, (None, False))
        if action and not done:
            action()
            return None
        answer = self.fault(call)
        if action and done:
            action()
        return answer


class _Proxy(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 50

    def __init__(self, store: FaultyStore) -> None:
        self.store = store
        self.connections: set[socket.socket] = set()
        super().__init__((HOST, store.port), _Handler)

    def end_connections(self) -> None:
        self.server_close()
        for connection in list(self.connections):
            _reset(connection)
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for its next request

    def shutdown_request(self, request: socket.socket) -> None:
        """Without a polite end before it, a close is a reset where `_reset` has asked for that."""
        self.close_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is no error of a test."""


class _Handler(BaseHTTPRequestHandler):
    server: _Proxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def _serve(self) -> None:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        answer = self.server.store.answer(self.command, self.path, headers, self._body())
        if answer is None or not self.server.store.is_up:
            _reset(self.connection)
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self._send(answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815 (http.server's names)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _send(self, answer: Answer) -> None:
        if answer.seconds_a_byte:
            mended = self.server.store.mended
            for index in range(len(answer.body)):
                self.wfile.write(answer.body[index : index + 1])
                mended.wait(answer.seconds_a_byte)
            return
        self.wfile.write(answer.body[: answer.cut_after])
        if answer.cut_after is not None:
            _reset(self.connection)
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Prints nothing."""


def _reset(connection: socket.socket) -> None:
    """Has a connection end, when it is closed, as that of a dead process does."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextlib.contextmanager
def faulty_store(folder: Path) -> Iterator[FaultyStore]:
    """Runs a store, healthy at first, with its files in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    store = FaultyStore(TrackingServer(folder))
    store.start()
    try:
        yield store
    finally:
        store.mended.set()
        store.kill()
