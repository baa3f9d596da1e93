"""The proxy that plants faults before a store; the server behind it is a stand-in that remembers what reached it."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psutil
import pytest
import requests
from faulty_store import FaultyStore
from killed_process import kill_tree
from store_faults import (
    after,
    another_server,
    cuts_answer,
    disk_full,
    drips,
    every,
    fails,
    hangs,
    loses_answer,
    read_only,
    share,
    slow,
)

from twintrain.system.ports import HOST

UPLOAD = "/api/2.0/mlflow-artifacts/artifacts/file"


class StandIn:
    """Starts and is killed like a server; answers `done`."""

    def __init__(self) -> None:
        self.reached: list[tuple[str, bytes]] = []
        self.starts = 0
        reached = self.reached

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                reached.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"done")

            do_PUT = do_GET = do_POST  # noqa: N815 (names of http.server)

            def log_message(self, *_: object) -> None:
                """Prints nothing."""

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def start(self) -> None:
        self.starts += 1

    def kill(self) -> None:
        pass

    def end(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def store() -> Iterator[FaultyStore]:
    server = StandIn()
    store = FaultyStore(server)
    store.start()
    yield store
    store.mended.set()
    store.disconnect()
    server.end()


def post(store: FaultyStore, path: str = "/runs/create", **options) -> requests.Response:
    return requests.post(store.uri + path, data=b"body", timeout=10, **options)


def statuses(store: FaultyStore, number: int) -> list[int]:
    return [post(store).status_code for _ in range(number)]


def test_a_healthy_store_passes_all_on(store):
    assert post(store).text == "done"
    assert requests.post(store.uri + "/chunks", data=iter([b"a", b"bc"]), timeout=10).text == "done"
    assert store.server.reached == [("/runs/create", b"body"), ("/chunks", b"abc")]
    assert store.seen == ["POST /runs/create", "POST /chunks"]


def test_an_error_comes_before_or_after_what_was_asked_for(store):
    store.fault = fails(503)
    assert statuses(store, 1) == [503]
    assert store.server.reached == []
    store.fault = loses_answer(500)
    assert statuses(store, 1) == [500]
    assert len(store.server.reached) == 1
    store.fault = loses_answer(None)
    with pytest.raises(requests.ConnectionError):
        post(store)
    assert len(store.server.reached) == 2


def test_some_requests_fail_and_others_do_not(store):
    store.fault = fails(500, every(3))
    assert statuses(store, 6) == [200, 200, 500, 200, 200, 500]
    store.fault = after(2, fails(500))
    assert statuses(store, 4) == [200, 200, 500, 500]
    store.fault = fails(500, share(0.5, seed=1))
    assert {200, 500} == set(statuses(store, 20))


def test_a_store_that_is_full_or_read_only_refuses_what_it_must(store):
    store.fault = read_only
    assert [post(store).status_code, post(store, "/runs/search").status_code] == [403, 200]
    store.fault = disk_full
    put = requests.put(store.uri + UPLOAD, data=b"bytes", timeout=10)
    assert [put.status_code, post(store).status_code] == [507, 200]
    assert [path for path, _ in store.server.reached] == ["/runs/search", "/runs/create"]


def test_another_server_gives_its_page_to_all(store):
    store.fault = another_server(200)
    assert post(store).text.startswith("<html>")
    assert store.server.reached == []


def test_an_answer_is_cut_in_the_middle(store):
    store.fault = cuts_answer()
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="reset"):
        post(store)
    assert len(store.server.reached) == 1


@pytest.mark.parametrize("fault", [hangs, drips, slow(60)])
def test_a_store_that_is_late_keeps_a_client_waiting_until_it_is_mended(store, fault):
    store.fault = fault
    threading.Timer(0.5, store.mend).start()
    started = time.monotonic()
    try:
        assert post(store).text == "done"
    except requests.ConnectionError:
        assert fault is hangs
    assert 0.4 < time.monotonic() - started < 5
    assert statuses(store, 1) == [200]


@pytest.mark.parametrize("done", [False, True])
def test_a_store_is_killed_at_a_request_and_comes_back(store, done: bool):
    with requests.Session() as client:
        client.post(store.uri, data=b"one", timeout=10)
        store.at(2, store.kill, done)
        client.post(store.uri, data=b"two", timeout=10)
        with pytest.raises(requests.ConnectionError):
            client.post(store.uri, data=b"three", timeout=10)
        with pytest.raises(requests.ConnectionError, match="refused"):
            client.post(store.uri, data=b"four", timeout=10)
        assert [body for _, body in store.server.reached] == [b"one", b"two", b"three"][: 3 if done else 2]
        store.mend()
        assert client.post(store.uri, data=b"five", timeout=10).text == "done"
    assert store.server.starts == 2


def test_a_process_is_killed_with_all_that_it_has_started():
    code = "import subprocess, sys; print(subprocess.Popen(['sleep', '60']).pid, flush=True); input()"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child = int(process.stdout.readline())
    kill_tree(process.pid)
    assert process.wait(10) == -9
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE
