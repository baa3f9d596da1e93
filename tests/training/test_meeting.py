"""Workers meet, or say in one line why not."""

import socket
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from twintrain.errors import UserError
from twintrain.training import meeting
from twintrain.training.meeting import meet
from twintrain.training.workers import Worker


@pytest.fixture
def address():
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    return f"127.0.0.1:{port}"


def outcomes(workers):
    """What each hears: nothing, or why they did not meet."""

    def outcome(worker):
        try:
            return meet(worker)
        except UserError as error:
            return str(error)

    with ThreadPoolExecutor(len(workers)) as pool:
        return list(pool.map(outcome, workers))


def test_none_goes_on_before_all_are_there(address):
    with ThreadPoolExecutor(2) as pool:
        early = [pool.submit(meet, Worker(rank, 3, address)) for rank in (2, 0)]
        assert not wait(early, timeout=0.3).done
        meet(Worker(1, 3, address))
        assert [one.result() for one in early] == [None, None]


def test_the_port_is_free_again(address):
    for _ in range(2):
        assert outcomes([Worker(rank, 2, address) for rank in range(2)]) == [None, None]


def test_workers_that_do_not_come_are_named(monkeypatch, address):
    monkeypatch.setattr(meeting, "SECONDS_TO_MEET", 0.5)
    first, second = outcomes([Worker(0, 4, address), Worker(2, 4, address)])
    assert first == f"{address}: of 4 workers these did not come within 0.5 s: 1, 3"
    assert second.startswith(f"{address}: worker 0 ")


def test_a_first_worker_that_is_not_there_is_named(monkeypatch, address):
    monkeypatch.setattr(meeting, "SECONDS_TO_MEET", 0.3)
    (said,) = outcomes([Worker(1, 2, address)])
    assert said == f"{address}: worker 0 was not met within 0.3 s: Connection refused"


def test_workers_of_other_trainings_are_refused(address):
    first, _ = outcomes([Worker(0, 2, address), Worker(1, 3, address)])
    assert first == f"{address}: worker 1 of 3 came to worker 0 of 2"


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        (said,) = outcomes([Worker(0, 2, f"127.0.0.1:{port}")])
    assert said == f"MASTER_PORT={port}: Address already in use; expected a free port"
