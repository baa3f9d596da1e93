import itertools

import numpy as np
import pytest

from twintrain.models.dropout_masks import keep_mask, layer_key, mix, next_key

SHAPE = (200, 250)


def kept(rate=0.3, seed=0, number=0, call=0, shape=SHAPE):
    return keep_mask(shape, rate, next_key(layer_key(seed, number), call))


def lowbias32(x):
    """As its author writes it in C, with unsigned integers of 32 bits (https://nullprogram.com/blog/2018/07/31/)."""
    with np.errstate(over="ignore"):
        x = np.uint32(x)
        x ^= x >> np.uint32(16)
        x *= np.uint32(0x7FEB352D)
        x ^= x >> np.uint32(15)
        x *= np.uint32(0x846CA68B)
        x ^= x >> np.uint32(16)
    return int(x)


@pytest.mark.parametrize("value", [0, 1, 2, 0x7FFFFFFF, 0x80000000, 0xDEADBEEF, 0xFFFFFFFF])
def test_hash_is_lowbias32_for_numbers_and_arrays(value):
    assert mix(value) == lowbias32(value)
    assert mix(np.array([value], dtype=np.int64)).tolist() == [lowbias32(value)]


def test_an_element_does_not_depend_on_the_rows_after_it():
    np.testing.assert_array_equal(kept(shape=(5, 250)), kept()[:5])
    np.testing.assert_array_equal(kept(shape=(50, 10, 100)).ravel(), kept().ravel())


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("seed", [0, 1, 2**40 + 3])
def test_rate_is_within_five_standard_deviations(rate, seed):
    deviation = np.sqrt(rate * (1 - rate) / np.prod(SHAPE))
    for number, call in itertools.product(range(3), repeat=2):
        assert abs((~kept(rate, seed, number, call)).mean() - rate) <= 5 * deviation


def test_rows_and_columns_are_dropped_evenly():
    dropped = ~kept()
    for axis, size in enumerate(SHAPE):
        assert np.abs(dropped.mean(axis=axis) - 0.3).max() < 5 * np.sqrt(0.3 * 0.7 / size)


@pytest.mark.parametrize("what", ["seed", "number", "call"])
def test_masks_of_other_seeds_layers_and_calls_are_uncorrelated(what):
    masks = [kept(**{what: value}).ravel() for value in range(6)]
    # The correlation of n independent pairs has a standard deviation of 1 / √n.
    for first, second in itertools.combinations(masks, 2):
        assert abs(np.corrcoef(first, second)[0, 1]) < 5 / np.sqrt(first.size)


@pytest.mark.parametrize("shift", [1, 2, 250, 251])
def test_neighbours_are_uncorrelated(shift):
    mask = kept().ravel()
    assert abs(np.corrcoef(mask[shift:], mask[:-shift])[0, 1]) < 5 / np.sqrt(mask.size)


def test_long_seeds_count_beyond_32_bits():
    assert layer_key(1, 0) != layer_key(1 + 2**32, 0)
