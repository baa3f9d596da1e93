"""The same network ported to Keras, recorded: python in_keras.py    reads weights.npz, writes keras.npz

It has the two mistakes that ports of such networks have most.
"""

import keras
import numpy as np
from keras import layers

import twintrain

model = keras.Sequential(
    [
        layers.Input((16, 16, 3)),
        layers.Conv2D(8, 3, strides=2, padding="same"),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Conv2D(16, 3, padding="same"),
        layers.Activation("gelu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(5),
    ]
)
weights = np.load("weights.npz")
first, norm, second, dense = (model.layers[place] for place in (0, 1, 3, 6))
for layer, name in ((first, "0"), (second, "3")):
    layer.set_weights([weights[f"{name}.weight"].transpose(2, 3, 1, 0), weights[f"{name}.bias"]])
norm.set_weights([weights[f"1.{name}"] for name in ("weight", "bias", "running_mean", "running_var")])
dense.set_weights([weights["7.weight"].T, weights["7.bias"]])
images = np.random.default_rng(0).normal(size=(4, 3, 16, 16)).astype("float32")
twintrain.record(model, images.transpose(0, 2, 3, 1), to="keras.npz")
