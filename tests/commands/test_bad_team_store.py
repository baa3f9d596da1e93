"""A team's store that is given wrongly, or is another: each is one line, within seconds, and nothing is written."""

import os
import shutil
import time
from collections.abc import Iterator

import postgres_server
import pytest
from faulty_server import Fault, FaultyServer, faulty_server
from project_clone import ROOT
from refusals import Refusals
from shipped_experiment import shipped_params

from twintrain.system.ports import free_port

STORE = "MLFLOW_TRACKING_URI"
SECONDS = 30
SECRET = "s3cret"
PAGE = b"<html><body>Hello</body></html>"


@pytest.fixture
def refusals(tmp_path, monkeypatch, capsys) -> Refusals:
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    (tmp_path / "params.yaml").write_text(shipped_params(), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("MLFLOW_TRACKING_", "AWS_", "PG"))]:
        monkeypatch.delenv(name)
    return Refusals(monkeypatch, capsys)


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """The address of a database, with its password."""
    if lacking := postgres_server.missing():
        pytest.skip(lacking)
    with postgres_server.server() as server:
        yield server.database()


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    """What listens where MLflow's server should."""
    with faulty_server() as started:
        yield started


def wrong_password(address: str) -> str:
    return address.replace("s3cret", "s3cretive")


def wrong_database(address: str) -> str:
    return address.rpartition("/")[0] + "/nothing"


def wrong_port(address: str) -> str:
    login, _, _ = address.rpartition(":")
    return f"{login}:{free_port()}/sweeps"


WRONG = [
    (wrong_password, 'password authentication failed for user "tester"'),
    (wrong_database, 'database "nothing" does not exist'),
    (wrong_port, "Connection refused"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("wrong", "said"), WRONG)
@pytest.mark.parametrize("command", ["rollback", "sync", "sweep"])
def test_a_wrong_address_of_a_database_is_one_line(refusals, database, monkeypatch, command, wrong, said):
    address, started = wrong(database), time.monotonic()
    if command == "sweep":
        line = refusals.line("sweep", "--preset", "diabetes_tuned", "--trials", "2", "--storage", address)
        assert line.startswith("--storage postgresql+psycopg://…@127.0.0.1:")
    else:
        monkeypatch.setenv(STORE, address)
        line = refusals.line(command)
        assert "no connection (connection failed: " in line
    assert said in line
    assert SECRET not in line
    assert time.monotonic() - started < SECONDS


ANSWERS = [
    (
        401,
        b"You are not authenticated",
        "the server knows no such user and password; expected those of one of its users",
    ),
    (403, b"Permission denied", "the server does not allow it to this user (HTTP 403)"),
    (503, b"", "the server fails (HTTP 503); its log says why"),
    (404, PAGE, "the server does not know /api/2.0/mlflow/"),
]


@pytest.mark.parametrize(("status", "body", "said"), ANSWERS)
def test_what_a_server_refuses_is_one_line(refusals, server, monkeypatch, status, body, said):
    server.lasting = Fault(status=status, body=body)
    monkeypatch.setenv(STORE, server.url.replace("//", f"//bob:{SECRET}@"))
    started = time.monotonic()
    line = refusals.line("rollback")
    assert line.startswith(f"{STORE} http://…@127.0.0.1:{server.server_port}: {said}")
    assert time.monotonic() - started < SECONDS


def test_a_server_of_another_mlflow_is_one_line(refusals, server, monkeypatch):
    server.files = {"/health": b"OK", "/version": b"2.9.2"}
    monkeypatch.setenv(STORE, server.url)
    assert refusals.line("rollback").startswith(
        f"{STORE} {server.url} is MLflow 2.9.2, which does not know all that 3."
    )
