"""Which rows of a batch each worker has, and what the environment says of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twintrain.training.batches import epoch_batches
from twintrain.training.workers.worker import VARIABLES, Worker


@given(st.integers(2, 400), st.integers(2, 90), st.integers(1, 4), st.integers(1, 8))
def test_workers_have_all_rows_of_each_batch_in_order_and_once(rows, batch_size, accumulate, size):
    whole = epoch_batches(rows, batch_size, 0, 0, accumulate)
    if whole.sizes.min() < size:
        return
    shares = [whole.share(Worker(rank, size)) for rank in range(size)]
    for number in range(len(whole)):
        pieces = [share.row_numbers(number, number + 1) for share in shares]
        batch = whole.row_numbers(number, number + 1)
        np.testing.assert_array_equal(np.concatenate(pieces), batch)
        assert [share.firsts[number] for share in shares] == np.cumsum([0, *map(len, pieces)])[:-1].tolist()
        assert max(map(len, pieces)) - min(map(len, pieces)) <= 1
    for share in shares:
        assert share.rows == rows
        np.testing.assert_array_equal(share.steps, whole.steps)
        np.testing.assert_array_equal(share.sizes, whole.sizes)


def test_steps_of_a_share_are_the_share_of_these_steps():
    worker, whole = Worker(1, 3), epoch_batches(51, 8, 0, 0, 2)
    first, last = (whole.share(worker).between(1, 3), whole.between(1, 3).share(worker))
    np.testing.assert_array_equal(first.row_numbers(), last.row_numbers())
    for name in ("starts", "cuts", "steps", "sizes", "firsts"):
        np.testing.assert_array_equal(getattr(first, name), getattr(last, name))


def test_more_workers_than_rows_are_refused(error_of):
    short = epoch_batches(35, 16, 0, 0)
    assert error_of(short.share, Worker(0, 4)) == (
        "the last batch of an epoch has 3 rows for 4 workers; expected one for each at least: fewer train.workers, or "
        "another train.batch_size"
    )
    assert error_of(short.share, Worker(0, 20)).startswith("a batch has 3 rows for 20 workers")


def told(monkeypatch, **values):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def test_a_process_that_is_told_nothing_is_the_only_worker(monkeypatch):
    told(monkeypatch)
    assert Worker.of_environment() == Worker(0, 1, "")


def test_a_worker_tells_another_process_to_be_it(monkeypatch):
    worker = Worker(2, 3, "::1:4567")
    told(monkeypatch, **worker.variables())
    assert Worker.of_environment() == worker


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            {"RANK": "0"},
            "WORLD_SIZE is not set beside RANK; expected all of RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT",
        ),
        (
            {"RANK": "2", "WORLD_SIZE": "2", "MASTER_ADDR": "a", "MASTER_PORT": "1"},
            "RANK=2: expected less than WORLD_SIZE=2",
        ),
        (
            {"RANK": "-1", "WORLD_SIZE": "2", "MASTER_ADDR": "a", "MASTER_PORT": "1"},
            "RANK='-1': expected a whole number",
        ),
        (
            {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "a", "MASTER_PORT": "70000"},
            "MASTER_PORT=70000: expected a port, from 1 to 65535",
        ),
    ],
)
def test_what_cannot_be_is_one_line(monkeypatch, error_of, values, expected):
    told(monkeypatch, **values)
    assert error_of(Worker.of_environment) == expected
