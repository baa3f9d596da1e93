"""The networks of torch_ports.py in Keras, channels last, in the same order; a mistake of ports where one is asked for.

PyTorch pads convolutions by numbers on both sides, and flattens channels first: what Keras's `same` and `Flatten` do
otherwise is written out.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import layers

EPSILON = 1e-5  # of PyTorch's normalizations
WIDTHS = (16, 32, 64)


def resnet18(padded: bool = True) -> keras.Model:
    given = keras.Input((224, 224, 3))
    x = _stem(given, padded)
    for width, strides in ((64, 1), (128, 2), (256, 2), (512, 2)):
        for step in (strides, 1):
            short = x if step == 1 and x.shape[-1] == width else _norm(_conv(x, width, 1, step))
            y = layers.ReLU()(_norm(_conv(x, width, 3, step, padded)))
            x = layers.ReLU()(layers.Add()([_norm(_conv(y, width, 3)), short]))
    return keras.Model(given, layers.Dense(1000)(layers.GlobalAveragePooling2D()(x)))


def resnet50(padded: bool = True) -> keras.Model:
    given = keras.Input((224, 224, 3))
    x = _stem(given, padded)
    for width, strides, blocks in ((64, 1, 3), (128, 2, 4), (256, 2, 6), (512, 2, 3)):
        for block in range(blocks):
            step = strides if block == 0 else 1
            short = _norm(_conv(x, 4 * width, 1, step)) if block == 0 else x
            y = layers.ReLU()(_norm(_conv(x, width, 1)))
            y = layers.ReLU()(_norm(_conv(y, width, 3, step, padded)))
            x = layers.ReLU()(layers.Add()([_norm(_conv(y, 4 * width, 1)), short]))
    return keras.Model(given, layers.Dense(1000)(layers.GlobalAveragePooling2D()(x)))


def mobilenet_v2(padded: bool = True) -> keras.Model:
    given = keras.Input((224, 224, 3))
    x = _relu6(_norm(_conv(given, 32, 3, 2, padded)))
    for wider, width, blocks, strides in (
        *((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2)),
        *((6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)),
    ):
        for block in range(blocks):
            step = strides if block == 0 else 1
            y = x if wider == 1 else _relu6(_norm(_conv(x, wider * x.shape[-1], 1)))
            y = _relu6(_norm(_depthwise(y, step, padded)))
            y = _norm(_conv(y, width, 1))
            x = layers.Add()([x, y]) if step == 1 and x.shape[-1] == width else y
    x = layers.GlobalAveragePooling2D()(_relu6(_norm(_conv(x, 1280, 1))))
    return keras.Model(given, layers.Dense(1000)(layers.Dropout(0.2)(x)))


def keras_mobilenet_v2(own: bool = False) -> keras.Model:
    """Keras's own, which pads and divides otherwise than torchvision's, or that which does not."""
    return keras.applications.MobileNetV2(weights=None, classifier_activation=None) if own else mobilenet_v2()


def vgg11(turned: bool = True) -> keras.Model:
    x = given = keras.Input((224, 224, 3))
    for width in (64, None, 128, None, 256, 256, None, 512, 512, None, 512, 512, None):
        x = layers.ReLU()(_conv(x, width, 3, use_bias=True)) if width else layers.MaxPooling2D()(x)
    x = layers.Flatten()(layers.Permute((3, 1, 2))(x) if turned else x)
    for _ in range(2):
        x = layers.Dropout(0.5)(layers.ReLU()(layers.Dense(4096)(x)))
    return keras.Model(given, layers.Dense(1000)(x))


def transformer(epsilon: float = EPSILON) -> keras.Model:
    given = keras.Input((10, 32))
    x = layers.Add()([given, layers.MultiHeadAttention(4, 8)(given, given)])
    x = layers.LayerNormalization(epsilon=EPSILON)(x)
    y = layers.Dense(32)(layers.ReLU()(layers.Dense(64)(x)))
    return keras.Model(given, layers.LayerNormalization(epsilon=epsilon)(layers.Add()([x, y])))


def u_net(below: bool = True) -> keras.Model:
    given = keras.Input((32, 32, 3))
    first, second, third = WIDTHS
    down1 = _twice(given, first)
    down2 = _twice(layers.MaxPooling2D()(down1), second)
    bottom = _twice(layers.MaxPooling2D()(down2), third)
    x = layers.Conv2DTranspose(second, 2, strides=2)(bottom)
    x = _twice(layers.Concatenate()([down2, x] if below else [x, down2]), second)
    x = layers.Conv2DTranspose(first, 2, strides=2)(x)
    x = _twice(layers.Concatenate()([down1, x]), first)
    return keras.Model(given, layers.Conv2D(1, 1)(x))


def two_inputs(activation: str = "tanh") -> keras.Model:
    image, columns = keras.Input((17, 17, 3)), keras.Input((5,))
    seen = layers.GlobalAveragePooling2D()(layers.ReLU()(layers.Conv2D(8, 3, strides=2)(image)))
    joined = layers.Concatenate()([seen, layers.Activation(activation)(layers.Dense(12)(columns))])
    return keras.Model([image, columns], layers.Dense(4)(joined))


def bidirectional_lstm(gates: str = "sigmoid") -> keras.Model:
    x = given = keras.Input((9, 8))
    for _ in range(2):
        x = layers.Bidirectional(layers.LSTM(6, recurrent_activation=gates, return_sequences=True))(x)
    return keras.Model(given, layers.Dense(3)(layers.GlobalAveragePooling1D()(x)))


def _stem(given: Any, padded: bool) -> Any:
    x = layers.ReLU()(_norm(_conv(given, 64, 7, 2, padded)))
    return layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))  # zeros are the least of what ReLU gives


def _conv(x: Any, width: int, size: int, strides: int = 1, padded: bool = True, use_bias: bool = False) -> Any:
    if size == 1 or strides == 1 or not padded:
        return layers.Conv2D(width, size, strides, padding="same", use_bias=use_bias)(x)
    x = layers.ZeroPadding2D(size // 2)(x)
    return layers.Conv2D(width, size, strides, use_bias=use_bias)(x)


def _depthwise(x: Any, strides: int, padded: bool) -> Any:
    if strides == 1 or not padded:
        return layers.DepthwiseConv2D(3, strides, padding="same", use_bias=False)(x)
    return layers.DepthwiseConv2D(3, strides, use_bias=False)(layers.ZeroPadding2D(1)(x))


def _norm(x: Any) -> Any:
    return layers.BatchNormalization(epsilon=EPSILON)(x)


def _relu6(x: Any) -> Any:
    return layers.ReLU(max_value=6.0)(x)


def _twice(x: Any, width: int) -> Any:
    for _ in range(2):
        x = layers.Conv2D(width, 3, padding="same", activation="relu")(x)
    return x


class Port(NamedTuple):
    """A network that both frameworks have.

    Attributes:
        build: makes it; with `mistake` as arguments, with a mistake of ports.
    """

    build: Callable[..., keras.Model]
    mistake: dict[str, Any]


PORTS = {
    "resnet18": Port(resnet18, {"padded": False}),
    "resnet50": Port(resnet50, {"padded": False}),
    "mobilenet_v2": Port(mobilenet_v2, {"padded": False}),
    "keras_mobilenet_v2": Port(keras_mobilenet_v2, {"own": True}),
    "vgg11": Port(vgg11, {"turned": False}),
    "transformer": Port(transformer, {"epsilon": 1e-3}),
    "u_net": Port(u_net, {"below": False}),
    "two_inputs": Port(two_inputs, {"activation": "relu"}),
    "bidirectional_lstm": Port(bidirectional_lstm, {"gates": "hard_sigmoid"}),
}
