"""Writes what Keras's layers give where they are not PyTorch's: operations_keras_worker.py FILE"""

import json
import sys

import keras
import numpy as np
from keras import layers

TRANSPOSED = [(3, 2, "same"), (2, 2, "same"), (3, 2, "valid"), (2, 3, "valid"), (2, 3, "same"), (5, 3, "same")]


def cases():
    """Name of the operation, options, layer, roles and axes of its weights, shape of its input."""
    dense = {"kernel": "IO", "recurrent_kernel": "IO", "bias": "BC"}
    for size, strides, padding in TRANSPOSED:
        layer = layers.Conv2DTranspose(6, size, strides=strides, padding=padding, bias_initializer="normal")
        options = {"strides": [strides] * 2, "padding": padding, "data_format": "last", "output_padding": None}
        yield "conv_transpose", options, layer, {"kernel": "HWOI", "bias": "C"}, (2, 5, 6, 4)
    for after in (True, False):
        layer = layers.GRU(4, reset_after=after, return_sequences=True, bias_initializer="normal")
        axes = dense if after else {**dense, "bias": "C"}
        yield "gru", {"gates": "zrn", "reset_after": after}, layer, axes, (2, 5, 3)
    backwards = layers.LSTM(4, go_backwards=True, return_sequences=True, bias_initializer="normal")
    options = {"gates": "ifgo", "go_backwards": True, "return_sequences": True}
    yield "lstm", options, backwards, {**dense, "bias": "C"}, (2, 5, 3)
    both = layers.Bidirectional(layers.LSTM(4, bias_initializer="normal"))
    axes = {f"{way}{role}": letters for way in ("", "backward_") for role, letters in {**dense, "bias": "C"}.items()}
    yield "lstm", {"gates": "ifgo", "bidirectional": True, "return_sequences": False}, both, axes, (2, 5, 3)
    for strides in (1, 2, 3):
        layer = layers.AveragePooling2D(3, strides, "same")
        yield "avg_pool", {"size": [3, 3], "strides": [strides] * 2, "padding": "same"}, layer, {}, (2, 8, 9, 3)
    yield "conv", {"padding": "causal", "dilation": [2]}, layers.Conv1D(4, 3, padding="causal", dilation_rate=2), {
        "kernel": "WIO", "bias": "C"}, (2, 9, 3)  # fmt: skip
    options = {"scale": [2, 3], "mode": "bilinear", "data_format": "last"}
    yield "upsample", options, layers.UpSampling2D((2, 3), interpolation="bilinear"), {}, (2, 4, 5, 3)


def main(path):
    keras.config.set_floatx("float64")
    rng, arrays, described = np.random.default_rng(0), {}, []
    for number, (op, options, layer, axes, shape) in enumerate(cases()):
        x = rng.normal(size=shape)
        arrays[f"{number}/input"], arrays[f"{number}/output"] = x, keras.ops.convert_to_numpy(layer(x))
        arrays |= {f"{number}/{role}": array for role, array in zip(axes, layer.get_weights(), strict=True)}
        described.append([op, options, axes])
    np.savez(path, described=json.dumps(described), **arrays)


if __name__ == "__main__":
    main(sys.argv[1])
