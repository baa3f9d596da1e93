import tracemalloc

import numpy as np
import pytest

from twintrain.data.parts import Part

LABELS, INDEX = np.array([1, 0, 1]), np.array([4, 7, 9])


@pytest.mark.parametrize(
    ("stored", "wanted", "loaded"),
    [
        ("float32", "float32", "float32"),
        ("float32", "float64", "float64"),
        ("int64", "float32", "int64"),
        ("int64", "float64", "int64"),
    ],
)
def test_numbers_are_loaded_in_the_wanted_precision_and_codes_as_they_are(stored, wanted, loaded, tmp_path):
    features = np.array([[1, 2], [3, 4], [5, 6]], stored)
    Part(features, LABELS, INDEX).save(tmp_path / "train")
    part = Part.load(tmp_path / "train", wanted)
    assert (part.features.dtype, part.features[:].tolist()) == (np.dtype(loaded), features.tolist())
    assert (part.labels.dtype, part.labels.tolist()) == (np.int64, [1, 0, 1])
    assert (part.index.dtype, part.index.tolist()) == (np.int64, [4, 7, 9])


def test_wider_precision_adds_nothing_to_what_was_stored(tmp_path):
    features = np.array([[0.1], [1 / 3], [2.0]], np.float32)
    Part(features, LABELS, INDEX).save(tmp_path / "train")
    found = Part.load(tmp_path / "train", "float64").features
    assert np.array_equal(found, features.astype(np.float64))
    assert np.array_equal(found[[2, 0]], features[[2, 0]].astype(np.float64))
    assert (found.shape, found.ndim, found.nbytes, len(found)) == ((3, 1), 2, 24, 3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_opened_part_takes_no_memory(dtype, tmp_path):
    """A tenth of what its rows are would be seen."""
    rows = 500_000
    Part(np.ones((rows, 8), np.float32), np.zeros((rows, 1), np.float32), np.arange(rows)).save(tmp_path / "train")
    tracemalloc.start()
    part = Part.load(tmp_path / "train", dtype)
    assert part.features[rows - 1, 7] == 1
    assert tracemalloc.get_traced_memory()[1] < 10_000_000 / 4
    tracemalloc.stop()


def test_length_is_the_number_of_rows():
    assert len(Part(np.zeros((3, 28, 28, 1)), LABELS, INDEX)) == 3
