"""Arrays that do not begin with the same numbers are named before anything that follows from them."""

import numpy as np
import pytest

from twintrain.verification.causes import find_causes
from twintrain.verification.checks import Check
from twintrain.verification.records import INITIAL, OUTPUTS, Record

FAILED = [Check(OUTPUTS, "keras", "float64", 1.0, 1e-12, "twin.token / einsum_dense")]


@pytest.mark.parametrize("token", [np.zeros(3), np.full(3, 0.5)])
def test_an_array_that_one_alone_makes_constant_is_named(tmp_path, token):
    for framework, array in (("torch", token), ("keras", np.arange(3.0))):
        arrays = {"dense_0/kernel": np.ones(3), "own_0/array": array}
        record = Record(dict.fromkeys(arrays, (3,)), {INITIAL: arrays})
        record.save(tmp_path / f"{framework}-float64.npz")
    assert find_causes(tmp_path, ["torch", "keras"], FAILED, {}) == {
        "keras": [
            "own_0/array (1 of 2 arrays): Keras begins with other numbers than PyTorch; an array that one network "
            "makes constant stays so, so make it constant in both, or none"
        ]
    }
