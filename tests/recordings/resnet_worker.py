"""resnet18 of torchvision, and one in Keras that takes its weights over: resnet_worker.py FRAMEWORK FOLDER

PyTorch writes FOLDER/torch.npz; Keras reads it, writes FOLDER/keras.npz and FOLDER/told.json.
"""

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np

import twintrain

SIZE = 64
ROWS = np.random.default_rng(0).normal(size=(2, 3, SIZE, SIZE)).astype(np.float32)


def record_torch(folder: Path) -> None:
    import torch
    from torchvision.models import resnet18

    torch.manual_seed(0)
    model = resnet18(weights=None)
    for array in model.buffers():
        if array.is_floating_point():  # statistics that no initializer gives
            array.add_(0.1 * torch.rand_like(array))
    twintrain.record(model, ROWS, to=folder / "torch.npz")


def take_over(folder: Path) -> None:
    model = keras_resnet()
    found = twintrain.transfer(folder / "torch.npz", model)
    (folder / "told.json").write_text(json.dumps(dataclasses.asdict(found)))
    twintrain.record(model, np.moveaxis(ROWS, 1, -1), to=folder / "keras.npz")


def keras_resnet():
    import keras
    from keras import layers

    def conv(x, filters, size, strides=1):
        x = layers.ZeroPadding2D(size // 2)(x) if size > 1 else x
        x = layers.Conv2D(filters, size, strides, use_bias=False)(x)
        return layers.BatchNormalization(epsilon=1e-5)(x)

    given = keras.Input((SIZE, SIZE, 3))
    x = layers.ReLU()(conv(given, 64, 7, 2))
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
    for filters, strides in ((64, 1), (128, 2), (256, 2), (512, 2)):
        for step in (strides, 1):
            short = x if step == 1 and x.shape[-1] == filters else conv(x, filters, 1, step)
            y = conv(layers.ReLU()(conv(x, filters, 3, step)), filters, 3)
            x = layers.ReLU()(layers.Add()([y, short]))
    return keras.Model(given, layers.Dense(1000)(layers.GlobalAveragePooling2D()(x)))


if __name__ == "__main__":
    {"torch": record_torch, "keras": take_over}[sys.argv[1]](Path(sys.argv[2]))
