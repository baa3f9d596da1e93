"""Workers tell each other one text, or in one line why they cannot."""

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from twintrain.errors import UserError
from twintrain.system.ports import HOST, free_port
from twintrain.training.workers import exchange
from twintrain.training.workers.worker import Worker

TOGETHER = "expected all workers to be started, and MASTER_ADDR and MASTER_PORT to be reached by each"


@pytest.fixture
def address():
    return f"{HOST}:{free_port()}"


def outcomes(workers, seconds=20.0):
    """What each worker hears, or what its error says; worker 0 comes last."""

    def outcome(worker):
        try:
            return worker.exchange(f"text of {worker.rank}", seconds)
        except UserError as error:
            return str(error)

    with ThreadPoolExecutor(len(workers)) as threads:
        found = [threads.submit(outcome, worker) for worker in reversed(workers)]
    return [future.result() for future in reversed(found)]


def test_all_hear_the_texts_of_all_in_order_and_can_meet_again(address):
    workers = [Worker(rank, 5, address) for rank in range(5)]
    for _ in range(3):
        assert outcomes(workers) == [[f"text of {rank}" for rank in range(5)]] * 5


def test_the_only_worker_hears_itself():
    assert Worker().exchange("text") == ["text"]


def test_texts_are_any(address):
    text = "two\nlines, \N{GREEK SMALL LETTER MU} and \0"
    with ThreadPoolExecutor(1) as thread:
        called = thread.submit(Worker(1, 2, address).exchange, "")
        assert Worker(0, 2, address).exchange(text) == called.result() == [text, ""]


def test_nothing_listens_when_they_part(address):
    outcomes([Worker(rank, 2, address) for rank in range(2)])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(place_of(address))


def place_of(address):
    host, _, port = address.rpartition(":")
    return host, int(port)


def test_who_is_no_worker_holds_up_nobody(address, monkeypatch):
    monkeypatch.setattr(exchange, "SECONDS_TO_SPEAK", 0.2)

    def stranger(said):
        for _ in range(100):
            try:
                with socket.create_connection(place_of(address)) as connection:
                    connection.sendall(said)
                    return connection.recv(1) if not said else b""
            except OSError:
                time.sleep(0.01)
        raise AssertionError("nobody listens")

    first = ThreadPoolExecutor(1).submit(Worker(0, 2, address).exchange, "a")
    for said in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\xff\n", b'{"rank": "1"}\n', b"[]\n"):
        stranger(said)
    assert Worker(1, 2, address).exchange("b") == first.result() == ["a", "b"]


@pytest.mark.parametrize(
    ("workers", "expected"),
    [
        (
            [(0, 2), (1, 3)],
            "worker 0 was told WORLD_SIZE=2, worker 1 WORLD_SIZE=3; expected the same for all",
        ),
        ([(0, 3), (1, 3), (1, 3)], "two workers were told RANK=1; expected another for each"),
    ],
)
def test_what_does_not_fit_together_is_told_to_all(address, workers, expected):
    assert set(outcomes([Worker(*worker, address) for worker in workers])) == {expected}


def test_who_does_not_come_is_named_to_all(address):
    came = [Worker(0, 3, address), Worker(2, 3, address)]
    started = time.monotonic()
    first, _ = outcomes(came, 0.5)
    assert first == f"worker 1 has not called worker 0 at {address} for 0.5 seconds; {TOGETHER}"
    assert time.monotonic() - started < 5
    (first,) = outcomes([Worker(0, 9, address)], 0.1)
    assert first == f"worker 1 and 7 more have not called worker 0 at {address} for 0.1 seconds; {TOGETHER}"


@pytest.mark.parametrize("address", ["127.0.0.1:9", "nowhere.invalid:9"])
def test_a_first_worker_that_cannot_be_reached_is_one_line(address):
    (found,) = outcomes([Worker(1, 2, address)], 0.3)
    assert found == f"worker 1 has had no answer of worker 0 at {address} for 0.3 seconds; {TOGETHER}"


def test_something_else_at_the_port_is_one_line(address):
    def answer(server):
        connection, _ = server.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(json.dumps({"texts": None}).encode() + b"\n")

    with socket.create_server(place_of(address)) as server:
        threading.Thread(target=answer, args=(server,)).start()
        assert outcomes([Worker(1, 2, address)]) == [
            "what answers at MASTER_ADDR and MASTER_PORT is no worker; expected a port of their own"
        ]
        assert outcomes([Worker(0, 2, address)]) == [
            f"worker 0 cannot listen at {address}: Address already in use; expected a free MASTER_PORT"
        ]


def test_on_one_host_they_reach_each_other_by_the_loopback(address):
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(lambda rank: Worker(rank, 2, address).host(), range(2))) == ["127.0.0.1"] * 2
