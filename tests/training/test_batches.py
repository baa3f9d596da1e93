import numpy as np
import pytest

from twintrain.training.batches import epoch_batches


def sizes(rows, batch_size):
    return np.diff(epoch_batches(rows, batch_size, seed=0, epoch=0).cuts).tolist()


@pytest.mark.parametrize("batch_size", [1, 2, 7, 64, None])
@pytest.mark.parametrize("rows", [1, 2, 15, 64, 65])
def test_every_row_comes_once(rows, batch_size):
    batches = epoch_batches(rows, batch_size, seed=0, epoch=0)
    assert sorted(batches.row_numbers()) == list(range(rows))
    assert (batches.cuts[0], batches.cuts[-1]) == (0, rows)
    assert (np.diff(batches.cuts) > 0).all()
    assert (batches.row_numbers().dtype, batches.cuts.dtype) == (np.int64, np.int64)


@pytest.mark.parametrize(
    ("rows", "batch_size", "expected"),
    [
        (10, 5, [5, 5]),
        (10, 4, [4, 4, 2]),
        (10, 10, [10]),
        (10, 64, [10]),
        (10, None, [10]),
        (3, 1, [1, 1, 1]),
        (1, 4, [1]),
    ],
)
def test_rows_are_cut_into_batches(rows, batch_size, expected):
    assert sizes(rows, batch_size) == expected
    assert len(epoch_batches(rows, batch_size, seed=0, epoch=0)) == len(expected)


@pytest.mark.parametrize(("rows", "batch_size", "expected"), [(9, 4, [4, 5]), (5, 4, [5]), (7, 2, [2, 2, 3])])
def test_last_single_row_joins_the_batch_before(rows, batch_size, expected):
    assert sizes(rows, batch_size) == expected


def test_seed_and_epoch_alone_decide_the_order():
    np.random.seed(1)
    first = epoch_batches(100, 10, seed=3, epoch=7).row_numbers()
    np.random.seed(2)
    assert np.array_equal(epoch_batches(100, 25, seed=3, epoch=7).row_numbers(), first)


@pytest.mark.parametrize(("seed", "epoch"), [(3, 8), (4, 7), (7, 3)])
def test_another_seed_or_epoch_gives_another_order(seed, epoch):
    first = epoch_batches(100, 10, seed=3, epoch=7).row_numbers()
    assert not np.array_equal(epoch_batches(100, 10, seed, epoch).row_numbers(), first)


def test_first_rows_of_many_epochs_are_spread_evenly():
    first = [epoch_batches(4, 2, seed=0, epoch=epoch).row_numbers(0, 1)[0] for epoch in range(2000)]
    assert np.bincount(first) / 2000 == pytest.approx([0.25] * 4, abs=0.04)
