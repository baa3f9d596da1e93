"""Trains MobileNetV2 on the digits 0 to 4 as anybody might: python -m examples.course.pretrained torch|keras FILE

A script in PyTorch, of torchvision's parts, or in Keras, that knows nothing of this project's networks; what it leaves
is a file of weights, `.pth` or `.weights.h5`. The form is that of conf/models/mobilenet_v2_small.yaml.
"""

import sys
from typing import Any

import numpy as np

from examples.course.trainings import experiment

# Channels and stride of each block, which is widened four times, and whether there is a way past it.
BLOCKS = (
    *((16, 1, False), (16, 1, True)),
    *((24, 2, False), (24, 1, True), (24, 1, True)),
    *((40, 2, False), (40, 1, True), (40, 1, True)),
)
STEM, LAST, WIDER, CLASSES = 16, 160, 4, 5
EPOCHS, BATCH_SIZE, RATE, SEED = 8, 64, 0.003, 0


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Images, float32 (rows, 28, 28, 1), and labels."""
    _, _, parts = experiment("digits_low")
    return parts["train"].features.astype(np.float32), parts["train"].labels


def in_torch(path: str) -> None:
    """Trains, and saves a state_dict."""
    import torch
    from torch import nn
    from torchvision.models.mobilenetv2 import InvertedResidual
    from torchvision.ops.misc import Conv2dNormActivation

    torch.manual_seed(SEED)
    blocks, channels = [Conv2dNormActivation(1, STEM, stride=2, activation_layer=nn.ReLU6)], STEM
    for wanted, stride, is_residual in BLOCKS:
        blocks.append(InvertedResidual(channels, wanted, stride, WIDER))
        blocks[-1].use_res_connect, channels = is_residual, wanted
    blocks.append(Conv2dNormActivation(channels, LAST, kernel_size=1, activation_layer=nn.ReLU6))
    model = nn.Sequential()
    model.features = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    model.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(LAST, CLASSES))
    images, labels = map(torch.from_numpy, digits())
    images = images.permute(0, 3, 1, 2)
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(images)).split(BATCH_SIZE):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images[batch]), labels[batch]).backward()
            optimizer.step()
    torch.save(model.state_dict(), path)


def in_keras(path: str) -> None:
    """Trains, and saves the weights."""
    import keras
    from keras import layers

    def normed(values: Any, layer: Any) -> Any:
        return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(layer(values))

    keras.utils.set_random_seed(SEED)
    given = keras.Input((28, 28, 1))
    stem = layers.Conv2D(STEM, 3, strides=2, use_bias=False)
    values = layers.ReLU(6)(normed(layers.ZeroPadding2D(1)(given), stem))
    for channels, stride, is_residual in BLOCKS:
        before = values
        values = layers.ReLU(6)(normed(values, layers.Conv2D(WIDER * values.shape[-1], 1, use_bias=False)))
        filtered = layers.DepthwiseConv2D(3, strides=stride, use_bias=False)
        values = layers.ReLU(6)(normed(layers.ZeroPadding2D(1)(values), filtered))
        values = normed(values, layers.Conv2D(channels, 1, use_bias=False))
        values = layers.Add()([values, before]) if is_residual else values
    values = layers.ReLU(6)(normed(values, layers.Conv2D(LAST, 1, use_bias=False)))
    values = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(values))
    model = keras.Model(given, layers.Dense(CLASSES)(values))
    model.compile(keras.optimizers.Adam(RATE), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(*digits(), batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0)
    model.save_weights(path)


if __name__ == "__main__":
    {"torch": in_torch, "keras": in_keras}[sys.argv[1]](sys.argv[2])
