"""Ports of the team's store: a stranger who listens there meanwhile is told of, and is not taken for a service."""

import socket
import threading

import pytest

from twintrain.tracking.services import site
from twintrain.tracking.services.mlflow_server import MlflowServer
from twintrain.tracking.services.postgres import Postgres
from twintrain.tracking.services.s3 import S3
from twintrain.tracking.services.site import Site

GREETING = b"\x00\x00\x18\x04\x00\x00\x00\x00\x00"  # as HTTP/2 begins


@pytest.fixture
def port():
    """Of a server that speaks something else."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer():
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1024)
                    connection.sendall(GREETING)

        threading.Thread(target=answer, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("server", [S3, MlflowServer])
def test_somebody_else_on_a_port_is_no_service_and_named(server, port, tmp_path, error_of):
    found = server(Site(tmp_path, {server.name: port}))
    assert not found.is_up()
    assert error_of(found.start) == (
        f"{server.title}: another program listens on port {port}; end that, or write another port into "
        f"{tmp_path}/services.json"
    )


def test_somebody_else_on_the_port_of_postgresql_is_named(port, tmp_path, error_of):
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    (tmp_path / "postgres/data").mkdir(parents=True)
    found = Postgres(Site(tmp_path, {"postgres": port}))
    assert not found.is_up()
    assert error_of(found.start).startswith(f"PostgreSQL: another program listens on port {port}; ")


def test_where_a_port_is_taken_a_later_one_is_and_stays(port, tmp_path, monkeypatch):
    monkeypatch.setattr(site, "PORTS", {"s3": port})
    monkeypatch.setattr(site, "ANYBODYS", 65536)
    first = Site.of(tmp_path)
    assert first.ports["s3"] > port
    assert (first.ports["s3"] - port) % 10 == 0
    assert Site.of(tmp_path) == first
