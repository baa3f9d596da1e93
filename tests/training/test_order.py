"""The order of an epoch of more rows than a window has, which none of the shipped data sets is."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twintrain.training import order as module
from twintrain.training.batches import epoch_batches
from twintrain.training.order import PAGE_ROWS, WINDOW_PAGES, Order
from twintrain.training.workers.worker import Worker

WINDOW = PAGE_ROWS * WINDOW_PAGES


@pytest.fixture
def small_windows(monkeypatch):
    """Windows of four pages of four rows."""
    monkeypatch.setattr(module, "PAGE_ROWS", 4)
    monkeypatch.setattr(module, "WINDOW_PAGES", 4)


def all_of(order):
    return order[np.arange(len(order))]


@pytest.mark.parametrize("rows", [1, 2, 1000, PAGE_ROWS + 1, 70_000])
def test_rows_of_one_window_are_permuted_as_a_whole(rows):
    expected = np.random.default_rng([3, 7]).permutation(rows)
    np.testing.assert_array_equal(all_of(Order(rows, 3, 7)), expected)


@pytest.mark.usefixtures("small_windows")
def test_each_row_comes_once_whatever_the_number_of_rows():
    for rows, epoch in itertools.product(range(1, 90), range(3)):
        assert sorted(all_of(Order(rows, 1, epoch)).tolist()) == list(range(rows))


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("rows", [17, 64, 65, 67, 200])
def test_windows_are_of_whole_pages_in_numbers_that_differ_by_one(rows):
    windows, bounds = Order(rows, 0, 0)._windows
    found = all_of(Order(rows, 0, 0))
    assert {len(pages) for pages in windows} <= {len(windows[-1]), len(windows[-1]) + 1}
    for pages, (low, high) in zip(windows, itertools.pairwise(bounds), strict=True):
        assert sorted(set(found[low:high] // 4)) == pages.tolist()


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize(("seed", "epoch"), [(0, 1), (1, 0)])
def test_another_seed_or_epoch_deals_other_pages_and_orders_windows_otherwise(seed, epoch):
    first, other = Order(320, 0, 0), Order(320, seed, epoch)
    assert first._windows[0][0].tolist() != other._windows[0][0].tolist()
    within = [np.argsort(np.argsort(order._window(0))).tolist() for order in (first, other)]
    assert within[0] != within[1]
    assert np.argsort(np.argsort(first._window(1))).tolist() != within[0]


@given(st.lists(st.integers(0, 99), unique=True).map(sorted))
def test_rows_at_some_places_are_those_of_all(places):
    whole = all_of(Order(100, 2, 5))
    np.testing.assert_array_equal(Order(100, 2, 5)[np.array(places, np.int64)], whole[places])


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("workers", [1, 2, 3, 5])
def test_batches_of_any_number_of_workers_are_the_same_rows_over_windows(workers):
    whole = epoch_batches(150, 13, 0, 0)
    shares = [whole.share(Worker(rank, workers)) for rank in range(workers)]
    for number in range(len(whole)):
        pieces = [share.row_numbers(number, number + 1) for share in shares]
        np.testing.assert_array_equal(np.concatenate(pieces), whole.row_numbers(number, number + 1))


@pytest.mark.usefixtures("small_windows")
def test_an_epoch_goes_on_at_a_step_where_it_would_have_been():
    whole = epoch_batches(150, 13, 0, 0, accumulate=2)
    pieces = [whole.between(step, step + 1).row_numbers() for step in range(len(whole.steps) - 1)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole.row_numbers())


def test_batches_of_a_sorted_file_are_mixed():
    """Three windows of a file whose second third alone is of class 1: each has a third, but for the chance of pages."""
    rows = 5 * WINDOW // 2
    order = Order(rows, 0, 0)
    pages = len(order._windows[0][0])
    deviation = np.sqrt(1 / 3 * 2 / 3 / pages)
    for start in order._windows[1][:-1].tolist():
        is_second = order[np.arange(start, start + 64 * 1024)] * 3 // rows == 1
        assert abs(is_second.mean() - 1 / 3) < 4 * deviation
        # Within a window, batches differ as those of rows that were drawn one by one.
        shares = is_second.reshape(-1, 64).mean(axis=1)
        expected = np.sqrt(shares.mean() * (1 - shares.mean()) / 64)
        assert shares.std() == pytest.approx(expected, rel=0.1)


def test_rows_of_a_window_come_in_any_order():
    order = Order(2 * WINDOW, 0, 0)
    ranks = np.argsort(np.argsort(order._window(1)))
    assert abs(np.corrcoef(ranks, np.arange(len(ranks)))[0, 1]) < 4 / np.sqrt(len(ranks))
    # Of neighbours one page in a thousand is the same, as in a permutation.
    pages = order._window(1)[: 2**17] // PAGE_ROWS
    assert (pages[1:] == pages[:-1]).mean() == pytest.approx(1 / WINDOW_PAGES, abs=4 / np.sqrt(2**17 * WINDOW_PAGES))
