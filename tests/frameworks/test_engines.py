"""Keras on JAX and on PyTorch: layers and models are PyTorch's own, to float64.

A sixth of the rows, drawn once: compiling all takes minutes, and is benchmarks/engines.py.
"""

import random

import pytest
from engine_rows import ENGINES, TOLERANCES, Results, differences, made_of
from twin_cases import LAYER_CASES, MODEL_CASES

pytestmark = pytest.mark.slow

ALL = [*LAYER_CASES, *MODEL_CASES]
DRAWN = sorted(random.Random(0).sample(ALL, len(ALL) // 6))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return made_of(DRAWN, tmp_path_factory.mktemp("engines"))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", DRAWN)
def test_keras_on_another_library_is_the_same(results: Results, engine: str, name: str):
    for what, difference in differences(results, engine, name).items():
        assert difference <= TOLERANCES[what], what
