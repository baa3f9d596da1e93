import dataclasses
import hashlib
import itertools

import numpy as np
import pytest
from made_recordings import Network
from rewritten_recordings import message, rewritten

from twintrain.errors import UserError
from twintrain.recordings.archive import load
from twintrain.recordings.comparing.diff import diff
from twintrain.recordings.perturbing import perturbed
from twintrain.recordings.samples import SAMPLE, Digest, checked_limit, chosen_limit, kept, kept_shape, places

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(2, 64, 112, 112), (64, 3, 7, 7), (5, 1, 900), (2048, 1000), (10_000,), (3, 3, 3)])
def test_a_sample_is_the_same_wherever_the_axes_lie(shape):
    array = RNG.normal(size=shape)
    sample = kept(array, SAMPLE)
    assert sample.shape == kept_shape(shape, SAMPLE)
    assert sample.size <= SAMPLE
    assert sample.size == array.size or sample.size > SAMPLE / 16
    for order in itertools.permutations(range(len(shape))):
        assert np.array_equal(kept(array.transpose(order), SAMPLE), sample.transpose(order))
    flat = array.reshape([length for length in shape if length > 1])
    assert np.array_equal(kept(flat, SAMPLE).ravel(), sample.ravel())


def test_a_sample_of_a_sample_is_the_sample():
    sample = kept(RNG.normal(size=(100, 100)), SAMPLE)
    assert kept(sample, SAMPLE) is sample
    assert kept(sample, None) is sample


def test_places_are_the_same_for_ever_and_have_both_ends():
    rows, columns = places((300, 70))
    assert (rows[0], rows[-1], columns[0], columns[-1], len(rows), len(columns)) == (0, 299, 0, 69, 64, 64)
    assert (rows[:6].tolist(), int(rows.sum()), int(columns.sum())) == ([0, 17, 18, 23, 33, 36], 8825, 2174)


def test_whole_arrays_are_left_as_they_are():
    array = np.zeros((64, 64))
    assert kept(array, SAMPLE) is array
    assert kept(array, None) is array


def test_a_weight_is_perturbed_alike_for_ever():
    moved = perturbed("conv.weight", np.ones(8), 0.5)
    assert moved.tolist() == [1.5, 1.5, 1.5, 1.5, 0.5, 0.5, 0.5, 0.5]
    assert not np.array_equal(moved, perturbed("other.weight", np.ones(8), 0.5))


def test_limit_is_as_large_as_the_budget_lets_it_be():
    assert chosen_limit([(10_000, 24)] * 10) is None
    assert chosen_limit([]) is None
    sizes = [(100_000, 24)] * 20 + [(1_000_000, 24)] * 40
    limit = chosen_limit(sizes)
    assert 100_000 <= limit < 1_000_000
    assert sum(width * (size if size <= limit else SAMPLE) for size, width in sizes) < 80_000_000
    assert chosen_limit([(100_000, 24)] * 1000) == SAMPLE


@pytest.mark.parametrize("limit", [0, SAMPLE - 1, 1e6, "all"])
def test_limit_that_is_none(limit):
    with pytest.raises(UserError, match=r"limit: expected a whole number of elements from 4096 on, got "):
        checked_limit(limit)


def large_network(framework, mistakes=None, passes=("float64", "float64 perturbed")):
    """Convolutions, batch norms and sums of larger images."""
    net = Network(framework, mistakes, passes)
    x = net.image(22, 22, 3)
    x = net.conv("conv1", x, (3, 3, 3, 24))
    x = net.batch_norm("bn1", x, 24)
    first = x = net.plain("leaky1", "leaky_relu", x, negative_slope=0.1)
    x = net.conv("conv2", x, (3, 3, 24, 24))
    x = net.batch_norm("bn2", x, 24)
    x = net.plain("gelu2", "gelu", x, approximate=False)
    x = net.plain("sum", "add", x, first)
    x = net.pool("pool", "max_pool", x)
    x = net.plain("mean", "global_avg_pool", x, **net.format)
    x = net.dense("dense", x, (24, 3))
    return net.maker.recording(x)


def sampled(recording, limit=SAMPLE):
    """The recording as it would have been written with a limit."""
    whole = {f"tensor/{number}" for number in recording.inputs}
    arrays, digests = {}, {}
    for name, array in recording.arrays.items():
        pass_, _, rest = name.partition("/")
        arrays[name] = array if pass_ == "weight" or rest in whole else kept(array, limit)
        if arrays[name] is not array:
            digests.setdefault(pass_, {})[rest] = Digest.of(array)
    return dataclasses.replace(recording, arrays=arrays, digests=digests, limit=limit)


def test_samples_are_saved_and_loaded(tmp_path):
    recording = sampled(large_network("torch"))
    recording.save(tmp_path / "a.npz")
    loaded = load(tmp_path / "a.npz")
    assert loaded.limit == SAMPLE
    assert loaded.digests == recording.digests
    whole = large_network("torch").tensor("float64", 2)
    digest = loaded.digests["float64"]["tensor/2"]
    assert digest[1:] == pytest.approx((whole.mean(), whole.std(), np.abs(whole).max()), rel=1e-12)
    assert digest.sha256 == hashlib.sha256(whole.tobytes()).hexdigest()
    assert loaded.tensor("float64", 2).size <= SAMPLE < whole.size
    assert np.array_equal(loaded.tensor("float64", 0), large_network("torch").tensor("float64", 0))
    rewritten(tmp_path / "a.npz", lambda header: header.update(limit=None))
    assert "has 'float64/tensor/1' of shape " in message(tmp_path / "a.npz")
    rewritten(tmp_path / "a.npz", lambda header: header.update(limit=7))
    assert "has a damaged header: limit: expected " in message(tmp_path / "a.npz")


MISTAKES = {
    "nothing": {},
    "slope": {"leaky1": {"hidden": {"options": {"negative_slope": 0.3}}}},
    "epsilon": {"bn2": {"options": {"epsilon": 1e-5}}},
    "gelu": {"gelu2": {"hidden": {"options": {"approximate": True}}}},
    "padding": {"conv2": {"options": {"padding": [[0, 2], [0, 2]]}}},
    "first padding": {"conv1": {"options": {"padding": [[0, 2], [0, 2]]}}},
    "a pool": {"pool": {"hidden": {"op": "avg_pool", "options": {"count_include_pad": False}}}},
    "strides": {"pool": {"options": {"strides": [1, 1]}}},
    "input": {"input": lambda x: x[..., ::-1].copy()},
}


@pytest.mark.parametrize("name", MISTAKES)
@pytest.mark.parametrize("sides", [(sampled, sampled), (sampled, lambda each: each), (lambda each: each, sampled)])
def test_samples_tell_what_whole_arrays_tell(name, sides):
    recordings = large_network("torch"), large_network("keras", MISTAKES[name])
    expected = diff(*recordings)
    found = diff(*(side(each) for side, each in zip(sides, recordings, strict=True)))
    assert found.verdict == expected.verdict
    assert [row.name for row in found.layers] == [row.name for row in expected.layers]
    if name == "nothing":
        computed = {row.name for row in found.layers if row.alone is not None}
        assert {"conv1", "bn1", "leaky1", "bn2", "gelu2", "sum"} <= computed
        assert "conv2" not in computed
        return
    assert (found.first.name, np.isfinite(found.first.error)) == (expected.first.name, name != "strides")
    # Of what takes several numbers, samples do not tell why, but for what the recordings themselves say.
    assert (found.cause and found.cause.finding) == (None if name == "a pool" else expected.cause.finding)
    rows = zip(found.layers, expected.layers, strict=True)
    assert all(row.error <= whole.error * (1 + 1e-9) or whole.error < 1e-12 for row, whole in rows)


def test_the_worst_place_is_that_in_the_whole_array():
    def spoiled(array):
        array = array.copy()
        array[:, -1, -1, -1] += 9.0
        return array

    first, last = large_network("torch"), large_network("torch", {"gelu2": {"after": spoiled}})
    found = next(row for row in diff(sampled(first), sampled(last)).layers if row.name == "gelu2")
    assert (found.verdict, found.place[1:]) == ("different", (23, 21, 21))


def test_what_a_sample_misses_its_digest_tells():
    missed = next(place for place in range(22) if place not in places((6, 24, 22, 22))[2])

    def spoiled(array):
        array = array.copy()
        array[:, :, missed] += 9.0
        return array

    first, last = large_network("torch"), large_network("torch", {"gelu2": {"after": spoiled}})
    found = next(row for row in diff(sampled(first), sampled(last)).layers if row.name == "gelu2")
    assert found.error > 0.01
