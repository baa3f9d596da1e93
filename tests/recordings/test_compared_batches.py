"""Loops that take the same rows in other batches."""

from dataclasses import replace

import numpy as np
import pytest
from made_trainings import Training

from twintrain.recordings.batches import row_digests
from twintrain.recordings.comparing.diff import diff

IMAGES = np.random.default_rng(3).normal(size=(16, 3, 5, 4))
ORDER = np.random.default_rng(4).permutation(16)


def test_a_row_is_known_again_in_any_layout_and_precision():
    digests = row_digests(IMAGES)
    assert np.array_equal(digests, row_digests(np.moveaxis(IMAGES, 1, -1)))
    assert np.array_equal(digests, row_digests(IMAGES.astype(np.float32).reshape(16, -1)))
    assert np.array_equal(digests[ORDER], row_digests(IMAGES[ORDER]))
    assert np.array_equal(row_digests(np.array([[-0.0]])), row_digests(np.array([[0]])))


def test_no_other_row_is_taken_for_it():
    changed = IMAGES.astype(np.float32)
    changed[:, 0, 0, 0] = np.nextafter(changed[:, 0, 0, 0], np.float32(9))
    assert len({*row_digests(IMAGES), *row_digests(changed)}) == 32
    pixels = np.random.default_rng(0).integers(0, 2, (1000, 20))
    counts = len(np.unique(np.sort(pixels, 1), axis=0))
    assert len(np.unique(row_digests(pixels))) == counts


def loop(framework, batches):
    recording = Training().recorded(framework)
    digests = row_digests(IMAGES)
    arrays = {**recording.arrays}
    for pass_ in recording.passes if batches else ():
        arrays[f"{pass_}/rows"] = digests[np.concatenate(batches)]
        arrays[f"{pass_}/batches"] = np.array([len(each) for each in batches])
    return replace(recording, arrays=arrays, fit=replace(recording.fit, loop=True))


def split(order):
    return [*order.reshape(4, 4)]


def test_rows_that_are_shuffled_otherwise_are_named():
    found = diff(loop("torch", split(np.arange(16))), loop("keras", split(ORDER)))
    assert (found.verdict, found.parts_in, found.cause.mistake) == (
        "different",
        "the batches",
        "rows shuffled otherwise",
    )
    apart = len({0, 1, 2, 3} - {*ORDER[:4]})
    assert f"{apart} of 4 rows of batch 1 are others, and all 16 of 4 batches together are the same" in str(found)
    assert "they part first in the batches" in str(found)


def test_the_first_batch_that_is_another_is_named():
    order = np.arange(16).reshape(4, 4)
    found = diff(loop("torch", [*order]), loop("keras", [*order[[0, 2, 1, 3]]]))
    assert "4 of 4 rows of batch 2 are others, and all 8 of 2 batches together are the same" in found.cause.sentence


@pytest.mark.parametrize(
    ("ours", "theirs", "words"),
    [
        ([0, 1], [0, 1, 2, 3], "PyTorch takes 2 batches, Keras 4; the first 2 are the same"),
        ([0, 1, 2], [0], "PyTorch takes 3 batches, Keras 1; the first is the same"),
        ([0, 1, 1], [0, 2, 3], "Keras takes other rows from batch 2 on; 4 of 4 rows of that batch are others"),
        ([0, 0, 1], [0, 0, 2, 3], "Keras takes other rows from batch 3 on; 4 of 4 rows of that batch are others"),
    ],
    ids=str,
)
def test_fewer_batches_and_other_rows_are_named(ours, theirs, words):
    rows = np.arange(16).reshape(4, 4)
    found = diff(loop("torch", [*rows[ours]]), loop("keras", [*rows[theirs]]))
    assert (found.verdict, found.parts_in, len(found.causes)) == ("different", "the batches", 1), str(found)
    assert words in found.cause.sentence


def test_a_last_batch_of_fewer_rows_is_named():
    batches = split(np.arange(16))
    found = diff(loop("torch", batches), loop("keras", [*batches[:3], batches[3][:2]]))
    assert "from batch 4 on; 2 of 4 rows" in found.cause.sentence


def test_losses_are_compared_as_far_as_both_have_them():
    ours, theirs = (loop(framework, []) for framework in ("torch", "keras"))
    shorter = {f"{pass_}/losses": ours.losses(pass_)[:2] for pass_ in ours.passes}
    longer = {f"{pass_}/losses": np.r_[theirs.losses(pass_)[:1], [9.0, 9.0]] for pass_ in theirs.passes}
    found = diff(*(replace(a, arrays={**a.arrays, **b}) for a, b in ((ours, shorter), (theirs, longer))))
    assert [(row.quantity, row.step) for row in found.training.rows if row.verdict == "different"] == [("losses", 1)]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (split(np.arange(16)), split(np.arange(16))),
        (split(np.arange(16)), split(np.arange(16).reshape(4, 4)[:, ::-1])),
        (split(np.arange(16)), []),
        (split(np.arange(16)), [np.zeros(4, int)] * 4),
    ],
    ids=["the same", "another order within batches", "not recorded", "other rows altogether"],
)
def test_batches_of_the_same_or_of_other_rows_are_no_cause(ours, theirs):
    found = diff(loop("torch", ours), loop("keras", theirs))
    assert (found.verdict, found.causes) == ("same", [])
