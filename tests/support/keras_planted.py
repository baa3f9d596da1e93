"""The networks of torch_planted.py in Keras, each rightly and with mistakes that ports make."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from keras import layers, ops
from planted_rows import IMAGES, ROWS, SEQUENCES

from twintrain.recordings.record import record
from twintrain.recordings.transferring.transfer import transfer


class HardSigmoidOfKeras2(layers.Layer):
    """With the slope that Keras 2 had."""

    def call(self, values):
        return ops.clip(0.2 * values + 0.5, 0, 1)


def images(
    pad=((1, 1), (1, 1)),
    epsilon=1e-3,
    slope=0.1,
    dilation=2,
    capped=True,
    counted=False,
    permuted=True,
    approximate=False,
    bias=True,
):
    x = inputs = layers.Input(IMAGES.shape[1:])
    x = layers.ZeroPadding2D(pad)(x) if pad != "same" else x
    x = layers.Conv2D(6, 3, 2, padding="same" if pad == "same" else "valid", use_bias=bias)(x)
    x = layers.BatchNormalization(epsilon=epsilon)(x)
    x = layers.LeakyReLU(slope)(x)
    x = layers.Conv2D(6, 3, dilation_rate=dilation, padding="same")(x)
    x = layers.ReLU(max_value=6.0 if capped else None)(x)
    if counted:
        x = layers.AveragePooling2D(3, 1)(layers.ZeroPadding2D(1)(x))
    else:
        x = layers.AveragePooling2D(3, 1, padding="same")(x)
    x = layers.Permute((3, 1, 2))(x) if permuted else x
    x = layers.Dense(10)(layers.Flatten()(x))
    x = layers.Activation(lambda values: ops.gelu(values, approximate=approximate))(x)
    return keras.Model(inputs, layers.Activation("tanh")(layers.Dense(10)(x)))


def pools(strides=1, ceil=False):
    return keras.Sequential(
        [
            layers.Input(IMAGES.shape[1:]),
            layers.Conv2D(4, 3, strides, padding="same"),
            layers.MaxPooling2D(3, 2, padding="same" if ceil else "valid"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3),
        ]
    )


def groups(epsilon=1e-5, of_rows=1e-5):
    return keras.Sequential(
        [
            layers.Input(IMAGES.shape[1:]),
            layers.Conv2D(4, 3),
            layers.GroupNormalization(2, epsilon=epsilon),
            layers.GlobalAveragePooling2D(),
            layers.Dense(5),
            layers.LayerNormalization(epsilon=of_rows),
        ]
    )


def activations(alpha=1.0, swish="hard_swish", old=False):
    return keras.Sequential(
        [
            layers.Input(ROWS.shape[1:]),
            layers.Dense(8),
            layers.ELU(alpha),
            layers.Dense(8),
            layers.Activation(swish),
            layers.Dense(8),
            HardSigmoidOfKeras2() if old else layers.Activation("hard_sigmoid"),
            layers.Dense(3),
        ]
    )


def enlarged():
    return keras.Sequential(
        [
            layers.Input(IMAGES.shape[1:]),
            layers.Conv2D(4, 3),
            layers.UpSampling2D(2, interpolation="bilinear"),
            layers.Conv2D(2, 3),
        ]
    )


def chosen(twice=False):
    x = inputs = layers.Input(ROWS.shape[1:])
    x = layers.Dropout(0.5, seed=1)(layers.Dense(6)(x))
    x = layers.Dense(4, activation="softmax" if twice else None)(x)
    return keras.Model(inputs, layers.Softmax()(x))


def recurrent(kind, **options):
    return keras.Sequential([layers.Input(SEQUENCES.shape[1:]), kind(6, **options), layers.Dense(3)])


def attention(causal=False):
    x = inputs = layers.Input(SEQUENCES.shape[1:])
    x = layers.MultiHeadAttention(2, 4)(x, x, use_causal_mask=causal)
    return keras.Model(inputs, layers.Dense(3)(x))


def with_array(kind, at, which, change):
    """Changes an array of the layer number `at` of a kind."""

    def changed(model):
        layer = [each for each in model.layers if isinstance(each, kind)][at]
        arrays = layer.get_weights()
        arrays[which] = change(arrays[which].copy())
        layer.set_weights(arrays)

    return changed


def with_gates_reordered(model):
    """The four gates of all arrays as somebody has them who takes PyTorch's order for another."""
    layer = model.layers[0]
    layer.set_weights(
        [
            array.reshape(*array.shape[:-1], 4, 6)[..., [0, 2, 1, 3], :].reshape(array.shape)
            for array in layer.get_weights()
        ]
    )


def with_forget_gate_at_one(bias):
    bias[6:12] += 1
    return bias


def with_heads_last(model):
    """Features of all kernels and biases taken as (size, heads), as a wrong reshape has them."""
    layer = model.layers[1]
    layer.set_weights(
        [
            array.reshape(4, 2, 8).swapaxes(0, 1) if array.shape == (2, 4, 8)
            else array.reshape(*array.shape[:-2], 4, 2).swapaxes(-1, -2) if array.ndim > 1
            else array
            for array in layer.get_weights()
        ]
    )  # fmt: skip


def unscaled(model):
    model.layers[1]._inverse_sqrt_key_dim = 1.0


CONV, DENSE, LSTM, GRU = layers.Conv2D, layers.Dense, layers.LSTM, layers.GRU


class Planted(NamedTuple):
    """A network with a mistake.

    Attributes:
        build: makes it.
        network: that of torch_planted.py which it is a port of.
        then: what is done to its weights.
        rows: what is done to its rows.
        training: whether it is run as in training.
    """

    build: Callable[[], keras.Model]
    network: str
    then: Callable[[keras.Model], None] | None = None
    rows: Callable[[np.ndarray], np.ndarray] | None = None
    training: bool = False


def of(build, *, network="", then=None, rows=None, training=False, **options):
    return Planted(lambda: build(**options), network or build.__name__, then, rows, training)


def lstm(**options):
    return recurrent(LSTM, **options)


def gru(**options):
    return recurrent(GRU, **options)


# By what is wrong with them.
PLANTED = {
    "kernel transposed": of(images, then=with_array(DENSE, 1, 0, lambda kernel: kernel.T)),
    "kernel flipped": of(images, then=with_array(CONV, 0, 0, lambda kernel: kernel[::-1, ::-1])),
    "kernel's axes permuted": of(images, then=with_array(CONV, 1, 0, lambda kernel: kernel.swapaxes(0, 1))),
    "rows flattened in another order": of(images, permuted=False),
    "same padding on the other side": of(images, pad="same"),
    "another amount of padding": of(images, pad=((2, 0), (2, 0))),
    "average pooling that counts padding": of(images, counted=True),
    "stride": of(pools, strides=2),
    "dilation": of(images, dilation=1),
    "ceil mode": of(pools, ceil=True),
    "epsilon of batch norm": of(images, epsilon=1e-5),
    "epsilon of group norm": of(groups, epsilon=1e-3),
    "epsilon of layer norm": of(groups, of_rows=1e-3),
    "training mode instead of inference": of(images, training=True),
    "tanh GELU": of(images, approximate=True),
    "slope of leaky ReLU": of(images, slope=0.3),
    "slope of ELU": of(activations, alpha=0.5),
    "hard swish": of(activations, swish="swish"),
    "hard sigmoid of Keras 2": of(activations, old=True),
    "ReLU for ReLU6": of(images, capped=False),
    "a missing bias": of(images, bias=False),
    "gates in another order": of(lstm, then=with_gates_reordered),
    "forget gate at one": of(lstm, then=with_array(LSTM, 0, 2, with_forget_gate_at_one)),
    "hard sigmoid of gates": of(lstm, recurrent_activation="hard_sigmoid"),
    "all steps instead of the last": of(lstm, return_sequences=True),
    "second bias": of(gru, then=with_array(GRU, 0, 2, lambda bias: bias * [[1], [0]])),
    "reset_after": of(gru, reset_after=False),
    "attention unscaled": of(attention, then=unscaled),
    "heads in another order": of(attention, then=with_heads_last),
    "a causal mask": of(attention, causal=True),
    "interpolation aligned at the corners": of(enlarged, network="enlarged_aligned"),
    "softmax twice": of(chosen, twice=True),
    "dropout left on": of(chosen, training=True),
    "rows in another order": of(images, rows=lambda x: x[::-1].copy()),
    "rows scaled": of(images, rows=lambda x: x / 255),
    "BGR": of(images, rows=lambda x: x[..., ::-1].copy()),
}
RIGHT = {
    build.__name__: of(build) for build in (images, pools, groups, activations, enlarged, chosen, lstm, gru, attention)
}
INPUTS = {"activations": ROWS, "chosen": ROWS, **dict.fromkeys(("lstm", "gru", "attention"), SEQUENCES)}


def main(folder, reference):
    for name, each in {**RIGHT, **PLANTED}.items():
        model, x = each.build(), INPUTS.get(each.network, IMAGES)
        transfer(reference / f"{each.network}.npz", model, allow_unmatched=True)
        if each.then:
            each.then(model)
        x = each.rows(x) if each.rows else x
        record(model, x, to=folder / f"{each.network}-{name}.npz", training=each.training)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
