"""Addresses of databases for studies: which there can be, what is said of others, and that no password is shown."""

import importlib.util
import socket
import time

import pytest

from twintrain.sweeping import storage
from twintrain.sweeping.storage import EXPECTED, check_storage, open_storage, shown

SECRET = "s3cret"


@pytest.fixture
def with_driver(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: name == "psycopg" or find(name, *rest))


@pytest.mark.usefixtures("with_driver")
@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
def test_postgresql_is_spoken_to_through_psycopg(scheme):
    assert check_storage(f"{scheme}://me:{SECRET}@db:5432/sweeps") == f"postgresql+psycopg://me:{SECRET}@db:5432/sweeps"


@pytest.mark.usefixtures("with_driver")
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("sweeps.db", f"--storage: sweeps.db; {EXPECTED}"),
        (
            f"postgres://me:{SECRET}@db/sweeps",
            f"--storage: postgres://…@db/sweeps; did you mean 'postgresql'?; {EXPECTED}",
        ),
        (f"mysql://me:{SECRET}@db/sweeps", f"--storage: mysql://…@db/sweeps; {EXPECTED}"),
        (f"postgresql+psycopg2://me:{SECRET}@db/s", f"--storage: postgresql+psycopg2://…@db/s; {EXPECTED}"),
        (f"postgresql://me:{SECRET}@db", "--storage: postgresql://…@db names no host, port and database; "),
        (f"postgresql://me:{SECRET}@db:99999/s", "--storage: postgresql://…@db:99999/s names no host, port and"),
        (f"postgresql://me:{SECRET}/x@db/s", "--storage: postgresql://…@db/s names no host, port and database"),
        (f"postgresql://db/ s?password={SECRET}", "--storage: postgresql://db/ s names no host, port and database"),
        ("sqlite:///", f"--storage: sqlite:/// names no file; {EXPECTED}"),
        ("sqlite:///:memory:", f"--storage: sqlite:///:memory: names no file; {EXPECTED}"),
        ("sqlite://sweeps.db", f"--storage: sqlite://sweeps.db names no file; {EXPECTED}"),
        ("sqlite:///none/sweeps.db", "--storage: the folder none is missing; make it, or give another one; "),
        ("sqlite:///conf", "--storage: conf is no file; "),
        ("sqlite:///params.yaml", "params.yaml is no database, or damaged; "),
    ],
)
def test_an_address_that_names_no_database_is_refused(project, error_of, address, said):
    found = error_of(check_storage, address)
    assert found.startswith(said)
    assert SECRET not in found
    assert sorted(path.name for path in project.iterdir()) == ["conf", "params.yaml"]


def test_a_driver_that_is_not_installed_is_asked_for(monkeypatch, error_of):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert error_of(check_storage, "postgresql://db/sweeps") == (
        "--storage: PostgreSQL needs psycopg, which is not installed; "
        "type: python -m pip install -r requirements-sweep.txt"
    )


def test_an_address_is_shown_without_login_and_options():
    assert shown(f"postgresql://me:{SECRET}@db/sweeps?password={SECRET}") == "postgresql://…@db/sweeps"
    assert shown("sqlite:///sweeps.db") == "sqlite:///sweeps.db"


def test_nobody_at_the_port_is_told_at_once(error_of):
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        said = error_of(open_storage, f"postgresql+psycopg://me:{SECRET}@127.0.0.1:{port}/sweeps")
    assert said.startswith(f"--storage postgresql+psycopg://…@127.0.0.1:{port}/sweeps: no connection (")
    assert said.endswith("; expected a PostgreSQL server that is up, a database that exists and a user who may use it")
    assert SECRET not in said
    assert "\n" not in said


def test_a_server_that_never_answers_is_not_waited_for(error_of, monkeypatch):
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    monkeypatch.setitem(storage.CONNECTION, "connect_timeout", 2)
    started = time.monotonic()
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        address = f"postgresql+psycopg://me:{SECRET}@127.0.0.1:{deaf.getsockname()[1]}/sweeps"
        assert "no connection (" in error_of(open_storage, address)
    assert time.monotonic() - started < 20
