"""Arrays of an archive as maps of its file."""

import tracemalloc

import numpy as np
import pytest

from twintrain.system.stored import load_arrays

RNG = np.random.default_rng(0)
ARRAYS = {
    "index": np.arange(500),
    "probability": RNG.random((500, 3)),
    "turned": np.asfortranarray(RNG.random((4, 5))),
    "words": np.array(["a", "bcd"]),
    "none": np.empty((0, 2)),
}


@pytest.fixture
def path(tmp_path):
    np.savez(tmp_path / "arrays.npz", **ARRAYS)
    return tmp_path / "arrays.npz"


def test_mapped_arrays_are_those_that_are_read(path):
    mapped, read = load_arrays(path, mapped=True), load_arrays(path)
    assert list(mapped) == list(ARRAYS)
    for name, array in mapped.items():
        np.testing.assert_array_equal(array, read[name])
        assert (array.dtype, type(array)) == (read[name].dtype, np.ndarray)


def test_mapped_arrays_take_no_memory_and_cannot_be_written(tmp_path):
    np.savez(tmp_path / "large.npz", rows=np.zeros((1_000_000, 2)))
    tracemalloc.start()
    found = load_arrays(tmp_path / "large.npz", mapped=True)["rows"]
    assert tracemalloc.get_traced_memory()[1] < 1_600_000
    tracemalloc.stop()
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 1


def test_a_changed_byte_is_damage(path, error_of):
    content = bytearray(path.read_bytes())
    place = content.find(ARRAYS["probability"].tobytes())
    content[place + 1000] ^= 1
    path.write_bytes(content)
    assert "other bytes in probability.npy than were written" in error_of(load_arrays, path, mapped=True)


def test_what_cannot_be_mapped_is_said(path, error_of):
    np.savez_compressed(path, index=np.arange(3))
    assert "got index.npy compressed" in error_of(load_arrays, path, mapped=True)
    np.savez(path, index=np.array([{}], object))
    assert "got objects, which only a pickle can hold" in error_of(load_arrays, path, mapped=True)
