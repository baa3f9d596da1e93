from pathlib import Path

import pytest
from twin_cases import SEQUENCE, case_of, one

from twintrain.models.layers import LAYERS
from twintrain.models.precision import MULTIPLYING, layer_dtypes
from twintrain.settings.sections.precision import array_dtype, epsilon

ENTRIES = [one("conv1d", filters=2, kernel_size=2), "layer_norm", one("lstm", units=3), one("dense", units=4)]


def dtypes(entries, precision):
    return layer_dtypes(case_of(SEQUENCE, entries, outputs=3, seed=0).network, precision)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_layers_that_multiply_compute_in_half_precision_but_for_the_last_one(precision):
    assert dtypes(ENTRIES, precision) == {
        "conv1d_0": precision,
        "layer_norm_1": "float32",
        "lstm_2": "float32",
        "dense_3": precision,
        "flatten_4": "float32",
        "dense_5": "float32",
    }


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_else_all_have_one_precision(precision):
    assert set(dtypes(ENTRIES, precision).values()) == {precision}


def test_half_precision_that_would_change_nothing_is_refused(error_of):
    assert error_of(dtypes, [one("lstm", units=3)], "bfloat16") == (
        "train.dtype: bfloat16 would change nothing, since no layer of case computes in half precision: recurrent "
        "layers and the last one do not; expected float32"
    )


def test_arrays_have_float32_at_least():
    assert [array_dtype(name) for name in ("float64", "float32", "bfloat16", "float16")] == [
        "float64",
        "float32",
        "float32",
        "float32",
    ]
    assert 1 + epsilon("float64") > 1 == 1 + epsilon("float64") / 2


def test_the_document_lists_the_layers_that_compute_in_half_precision():
    kinds = [kind for kind, layer in LAYERS.items() if issubclass(layer, MULTIPLYING)]
    document = Path("docs/precision.md").read_text(encoding="utf-8")
    line = next(line for line in document.splitlines() if line.startswith("| 16 bits |"))
    assert [name.strip("` ") for name in line.split("|")[2].split(",")] == kinds
