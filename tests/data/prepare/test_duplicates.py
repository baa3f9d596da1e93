"""Test rows that stand among the training rows too: counted by hashes, against sets of the rows themselves."""

import numpy as np
import pytest

from twintrain.data.prepare import duplicates
from twintrain.data.prepare.duplicates import Duplicates, find_duplicates, sentences


def counted_by_sets(features, targets, train, test):
    """The same by comparing rows one by one."""
    rows = [tuple(row.ravel().tolist()) for row in features]
    goals = [None] * len(rows) if targets is None else [tuple(np.ravel(target).tolist()) for target in targets]
    known = {rows[i] for i in train}
    pairs = {(rows[i], goals[i]) for i in train}
    same = sum((rows[i], goals[i]) in pairs for i in test)
    return Duplicates(len(test), same, sum(rows[i] in known for i in test) - same)


KINDS = {
    "whole numbers in float64": (lambda rng: rng.integers(-2, 3, (400, 4)).astype(np.float64), 3),
    "one column": (lambda rng: rng.integers(0, 200, (400, 1)).astype(np.float64), 2),
    "codes": (lambda rng: rng.integers(0, 4, (400, 5)), 2),
    "images of an odd number of float32": (lambda rng: rng.integers(0, 2, (400, 3, 3, 1)).astype(np.float32) / 255, 2),
    "sequences": (lambda rng: rng.integers(0, 2, (400, 3, 2)).astype(np.float32), 3),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_counts_are_those_of_comparing_all_rows(kind, seed, monkeypatch):
    monkeypatch.setattr(duplicates, "CACHED_WORDS", 64)  # so that rows are hashed in several goes
    rng = np.random.default_rng(seed)
    make, classes = KINDS[kind]
    features, targets = make(rng), rng.integers(0, classes, 400)
    order = rng.permutation(400)
    train, test = np.sort(order[:300]), np.sort(order[300:])
    for wanted in (targets, targets[:, None].astype(np.float64), None):
        found = find_duplicates(features, wanted, train, test)
        assert found == counted_by_sets(features, wanted, train, test)
    assert found.same > 0


def test_targets_alone_tell_rows_apart():
    features, targets = np.ones((4, 3)), np.array([0, 0, 0, 1])
    assert find_duplicates(features, targets, np.array([0, 1]), np.array([2, 3])) == Duplicates(2, 1, 1)


def test_a_copy_in_another_place_of_the_row_is_no_copy():
    features = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [-0.0, 0, 1]])
    assert find_duplicates(features, None, np.array([0, 1, 2]), np.array([3])) == Duplicates(1, 1, 0)
    assert find_duplicates(features, None, np.array([0, 1]), np.array([2, 3])) == Duplicates(2, 0, 0)


def test_rows_that_differ_in_one_bit_have_other_hashes():
    """A million near neighbours: numbers whose low bits are zeros, as whole numbers in float64 have them."""
    side = np.arange(1000, dtype=np.float64)
    features = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    even = np.arange(0, len(features), 2)
    assert find_duplicates(features, None, even, even + 1).same == 0


def test_what_is_said_has_the_figures_and_a_remedy():
    assert sentences(Duplicates(30, 0, 0)) == []
    first, second = sentences(Duplicates(30, 24, 1))
    assert first == (
        "24 of 30 test rows (80.0%) have a training row's features and target: their scores tell what was learned by "
        "heart; take copies out of the data, or keep them in one part by split.group"
    )
    assert second.startswith("1 of 30 test rows (3.3%) has a training row's features and another target: no network")
