"""Rows that are given in blocks, and augmented ones: the same training wherever the cuts are, in every framework."""

from dataclasses import astuple
from itertools import pairwise

import numpy as np
import pytest
from worker_process import finish, start_worker

from twintrain.data.parts import Converted, Part
from twintrain.settings.sections.training import Augmentation, Train
from twintrain.training.augmentation import augment, draw
from twintrain.training.batches import epoch_batches
from twintrain.training.blocks import Feed, block_steps
from twintrain.training.steps import take_steps
from twintrain.training.workers.worker import Worker

FRAMEWORKS = ("torch", "keras", "keras-jax", "keras-torch")
ROWS = 23
PART = Part(np.random.default_rng(0).random((ROWS, 6, 5, 2), np.float32), np.arange(ROWS) % 3, np.arange(ROWS))
ROW_BYTES = 6 * 5 * 2 * 4
AUGMENTATION = Augmentation(shift=2, rotation=30.0, crop=0.5, flip=0.5, erasing=0.5)
RATES = np.linspace(0.1, 1, 6)


class Recorder:
    """A backend that keeps the batches that it is given."""

    worker = Worker()

    def __init__(self):
        self.loaded, self.batches, self.rates = [], [], []

    def load_rows(self, features, labels):
        self.rows = features, labels
        self.loaded.append(len(labels))

    def train_epoch(self, batches, rates):
        starts, rows = batches.cuts.tolist(), batches.row_numbers()
        self.batches += [tuple(array[rows[a:b]] for array in self.rows) for a, b in pairwise(starts)]
        self.rates += rates.tolist()
        return float(len(rows)), 1.0


def fed(epoch=3, **settings):
    backend = Recorder()
    result = Feed(backend, PART, Train(batch_size=4, seed=5, **settings)).train_steps(epoch, RATES)
    return backend, result


def assert_same_batches(first, second):
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        for array, wanted in zip(one, other, strict=True):
            np.testing.assert_array_equal(array, wanted)


def test_rows_that_fit_are_loaded_once():
    backend = Recorder()
    feed = Feed(backend, PART, Train(batch_size=4, block_bytes=ROWS * ROW_BYTES))
    for epoch in range(3):
        feed.train_steps(epoch, RATES)
    assert backend.loaded == [ROWS]
    assert np.shares_memory(backend.rows[0], PART.features)


@pytest.mark.parametrize(
    ("block_bytes", "loaded"),
    [
        (1, [4, 4, 4, 4, 4, 3]),
        (8 * ROW_BYTES, [8, 8, 7]),
        (11 * ROW_BYTES, [8, 8, 7]),
        (ROWS * ROW_BYTES - 1, [20, 3]),
    ],
)
def test_rows_that_do_not_fit_come_in_blocks_of_whole_steps(block_bytes, loaded):
    whole, _ = fed()
    backend, _ = fed(block_bytes=block_bytes)
    assert backend.loaded == loaded
    assert_same_batches(backend.batches, whole.batches)
    assert backend.rates == whole.rates == RATES.tolist()


def test_batches_that_make_one_step_stay_together():
    batches = epoch_batches(ROWS, 4, 0, 0, accumulate=4)
    assert list(block_steps(batches, 17)) == [(0, 1), (1, 2)]
    assert list(block_steps(batches, 32)) == [(0, 2)]


def test_metrics_of_blocks_are_the_mean_over_their_rows():
    _, (loss, accuracy) = fed(block_bytes=20 * ROW_BYTES)
    assert (loss, accuracy) == (pytest.approx((20 * 20 + 3 * 3) / ROWS, rel=1e-15), 1.0)


@pytest.mark.parametrize("block_bytes", [1, 9 * ROW_BYTES, 2**31])
def test_augmented_batches_are_those_of_their_rows_wherever_blocks_are_cut(block_bytes):
    backend, _ = fed(augmentation=AUGMENTATION, block_bytes=block_bytes)
    order = epoch_batches(ROWS, 4, 5, 3).row_numbers()
    expected = augment(PART.features, draw(np.arange(ROWS), 5, 3), AUGMENTATION)[order]
    np.testing.assert_array_equal(np.concatenate([features for features, _ in backend.batches]), expected)
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in backend.batches]), PART.labels[order])
    assert not np.array_equal(expected, PART.features[order])


def test_first_batch_is_the_one_that_the_first_step_meets():
    for settings in ({}, {"augmentation": AUGMENTATION}):
        backend, _ = fed(**settings)
        feed = Feed(Recorder(), PART, Train(batch_size=4, seed=5, **settings))
        assert_same_batches([feed.first_batch(3)], backend.batches[:1])


def test_steps_are_taken_through_blocks_as_well():
    whole, blocks = Recorder(), Recorder()
    for backend, changes in ((whole, {}), (blocks, {"block_bytes": 1})):
        train = Train(batch_size=4, epochs=9, **changes)
        take_steps(backend, train, PART, 0, 4)
        take_steps(backend, train, PART, 4, 15)
    assert len(whole.rates) == 15
    assert_same_batches(blocks.batches, whole.batches)


def test_rows_are_read_in_the_order_of_the_file():
    """A disk reads ahead; rows that come as they were shuffled would each be a read of its own."""
    asked = []

    class Watched(np.ndarray):
        def __getitem__(self, rows):
            if isinstance(rows, np.ndarray):
                asked.append(rows.tolist())
            return np.asarray(self)[rows]

    Feed(Recorder(), Part(PART.features.view(Watched), PART.labels, PART.index), Train(block_bytes=1)).first_batch(0)
    assert sorted(asked[0]) == asked[0]
    assert len(asked[0]) == ROWS


def test_rows_of_another_precision_are_converted_a_block_at_a_time():
    wide = Part(PART.features.astype(np.float64), PART.labels, PART.index)
    expected, found = Recorder(), Recorder()
    for backend, part in ((expected, wide), (found, Part(Converted(PART.features, "float64"), *astuple(PART)[1:]))):
        Feed(backend, part, Train(batch_size=4, block_bytes=9 * 2 * ROW_BYTES)).train_steps(3, RATES)
    assert found.loaded == expected.loaded == [8, 8, 7]
    assert {features.dtype for features, _ in found.batches} == {np.dtype(np.float64)}
    assert_same_batches(found.batches, expected.batches)


def test_rows_of_a_memory_map_are_read_a_block_at_a_time(tmp_path):
    np.save(tmp_path / "rows.npy", PART.features)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    whole, _ = fed()
    backend = Recorder()
    settings = Train(batch_size=4, seed=5, block_bytes=1)
    Feed(backend, Part(mapped, PART.labels, PART.index), settings).train_steps(3, RATES)
    assert_same_batches(backend.batches, whole.batches)


# In every framework


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What each framework made of the trainings of block_worker.py."""
    folder = tmp_path_factory.mktemp("blocks")
    found = {}
    for framework in FRAMEWORKS:
        finish(start_worker("block_worker.py", framework, folder / f"{framework}.npz"))
        found[framework] = dict(np.load(folder / f"{framework}.npz"))
    return found


def trained(results, framework, name):
    """All arrays and validation losses of a training."""
    return {
        key.partition("|")[2]: array
        for key, array in results[framework].items()
        if key.startswith(f"{name}|") and ("/" in key or key.endswith("val_loss"))
    }


@pytest.mark.slow
@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("a step a block", "whole"),
        ("two steps a block", "whole"),
        ("gradients logged", "whole"),
        ("augmented, a step a block", "augmented"),
        ("augmented, interrupted", "augmented"),
    ],
)
def test_training_is_the_same_to_the_bit_wherever_blocks_are_cut(results, framework, name, whole):
    expected, found = trained(results, framework, whole), trained(results, framework, name)
    assert len(expected) > 10
    for key, array in expected.items():
        np.testing.assert_array_equal(found[key], array, err_msg=key)
    losses = [results[framework][f"{each}|train_loss"] for each in (name, whole)]
    np.testing.assert_allclose(*losses, rtol=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("framework", FRAMEWORKS[1:])
@pytest.mark.parametrize("name", ["whole", "augmented"])
def test_twins_stay_twins(results, framework, name):
    expected, found = trained(results, "torch", name), trained(results, framework, name)
    for key, array in expected.items():
        np.testing.assert_allclose(found[key], array, rtol=0, atol=1e-9, err_msg=key)


@pytest.mark.slow
@pytest.mark.parametrize("framework", FRAMEWORKS[1:])
def test_gradient_norms_are_the_same(results, framework):
    expected, found = (results[name]["gradients logged|first_layer_gradient_norm"] for name in ("torch", framework))
    assert (expected > 0).all()
    assert len(expected) == 3
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.slow
def test_augmented_training_is_another(results):
    whole, augmented = (trained(results, "torch", name)["val_loss"] for name in ("whole", "augmented"))
    assert np.abs(whole - augmented).max() > 1e-3


@pytest.mark.slow
def test_blocks_of_any_size_are_one_graph_of_tensorflow(results):
    assert {int(results["keras"][f"{name}|graphs"]) for name in ("whole", "a step a block", "augmented")} == {1}
