"""A tracking server that asks for a login: one that it does not know is told of in a line, without the password."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from own_store import use_store

from twintrain.tracking import connect


class Closed(BaseHTTPRequestHandler):
    """Says that it is up, and lets nobody in."""

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200 if self.path == "/health" else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = answer  # noqa: N815 (http.server's names)

    def log_message(self, *_):
        pass


@pytest.fixture
def address():
    with ThreadingHTTPServer(("127.0.0.1", 0), Closed) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_login_that_the_server_does_not_know_is_a_line(address, monkeypatch):
    use_store(monkeypatch, address)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret")
    with pytest.raises(
        OSError, match="the server knows no such user and password; expected those of one of its users"
    ) as raised:
        connect("Default")
    assert str(raised.value).startswith(f"MLFLOW_TRACKING_URI {address}: ")
    assert "secret" not in str(raised.value)
