"""Records the Keras twins of two PyTorch networks, right ones and such with mistakes: ported_keras_worker.py FOLDER"""

import sys
from pathlib import Path

import keras
import numpy as np
from keras import layers

from twintrain.recordings.record import record


def images(weights, permute=True, slope=0.1, epsilon=1e-3, pads=((1, 1), (1, 1))):
    given = keras.Input((16, 16, 3))
    x = layers.Conv2D(8, 3, padding="same", name="conv1")(given)
    x = layers.BatchNormalization(epsilon=epsilon, name="norm1")(x)
    x = layers.MaxPooling2D()(layers.LeakyReLU(0.1)(x))
    y = layers.ZeroPadding2D(pads)(x)
    y = layers.LeakyReLU(slope, name="leaky2")(layers.DepthwiseConv2D(3, strides=2, name="conv2")(y))
    x = layers.Add()([layers.Conv2D(8, 1, strides=2, name="conv3")(x), y])
    x = layers.Dropout(0.3)(x)
    x = layers.Flatten(name="flatten")(layers.Permute((3, 1, 2))(x) if permute else x)
    x = layers.Dense(16, activation="gelu", name="dense1")(x)
    model = keras.Model(given, layers.Dense(5, activation="softmax", name="dense2")(x))
    orders = {"conv2": (2, 3, 0, 1), "conv1": (2, 3, 1, 0), "conv3": (2, 3, 1, 0), "dense1": (1, 0), "dense2": (1, 0)}
    for name, order in orders.items():
        kernel, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        model.get_layer(name).set_weights([kernel.transpose(order), bias])
    arrays = ("weight", "bias", "running_mean", "running_var")
    model.get_layer("norm1").set_weights([weights[f"norm1.{array}"] for array in arrays])
    return model


def sequences(weights, order=(1, 0, 2)):
    given = keras.Input((7,), dtype="int32")
    x = layers.Embedding(20, 6, name="words")(given)
    x = layers.Bidirectional(layers.LSTM(5, return_sequences=True), name="both")(x)
    x = layers.LayerNormalization(epsilon=1e-5, name="norm")(layers.GRU(4, name="last")(x))
    model = keras.Model(given, layers.Dense(3, name="dense")(x))

    def array(name):
        gates = np.split(weights[f"last.{name}_l0"], 3)
        return np.concatenate([gates[at] for at in order])

    both = []
    for way in ("", "_reverse"):
        w_ih, w_hh, b_ih, b_hh = (
            weights[f"both.{name}_l0{way}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        both += [w_ih.T, w_hh.T, b_ih + b_hh]
    model.get_layer("words").set_weights([weights["words.weight"]])
    model.get_layer("both").set_weights(both)
    biases = np.stack([array("bias_ih"), array("bias_hh")])
    model.get_layer("last").set_weights([array("weight_ih").T, array("weight_hh").T, biases])
    model.get_layer("norm").set_weights([weights["norm.weight"], weights["norm.bias"]])
    model.get_layer("dense").set_weights([weights["dense.weight"].T, weights["dense.bias"]])
    return model


def main(folder):
    inputs, weights = np.load(folder / "inputs.npz"), np.load(folder / "images.npz")
    x = np.moveaxis(inputs["images"], 1, -1)
    ports = {
        "right": {},
        "flatten": {"permute": False},
        "slope": {"slope": 0.3},
        "epsilon": {"epsilon": 1e-5},
        "padding": {"pads": ((0, 1), (0, 1))},
    }
    for name, mistake in ports.items():
        record(images(weights, **mistake), x, to=folder / f"images_{name}.npz")
    weights = np.load(folder / "sequences.npz")
    record(sequences(weights), inputs["sequences"], to=folder / "sequences_right.npz")
    record(sequences(weights, (0, 1, 2)), inputs["sequences"], to=folder / "sequences_gates.npz")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
