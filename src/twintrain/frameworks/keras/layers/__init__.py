"""The vocabulary of layers in Keras: one builder a kind, by the families of `models/layers/`."""

from collections.abc import Callable

from twintrain.frameworks.keras.layers.activation import activation, softmax
from twintrain.frameworks.keras.layers.convolution import conv1d, conv2d, depthwise_conv2d, separable_conv2d
from twintrain.frameworks.keras.layers.core import dense, dropout, embedding, flatten, reshape, spatial_dropout
from twintrain.frameworks.keras.layers.layer import Layer
from twintrain.frameworks.keras.layers.nested import bidirectional, inception, residual
from twintrain.frameworks.keras.layers.normalization import batch_norm, layer_norm
from twintrain.frameworks.keras.layers.pooling import avg_pool1d, avg_pool2d, global_avg_pool, max_pool1d, max_pool2d
from twintrain.frameworks.keras.layers.recurrent import gru, lstm, simple_rnn
from twintrain.models.network import PlacedLayer

BUILDERS: dict[str, Callable[[PlacedLayer], Layer]] = {
    "dense": dense,
    "conv1d": conv1d,
    "conv2d": conv2d,
    "depthwise_conv2d": depthwise_conv2d,
    "separable_conv2d": separable_conv2d,
    "max_pool1d": max_pool1d,
    "max_pool2d": max_pool2d,
    "avg_pool1d": avg_pool1d,
    "avg_pool2d": avg_pool2d,
    "global_avg_pool": global_avg_pool,
    "flatten": flatten,
    "reshape": reshape,
    "dropout": dropout,
    "spatial_dropout": spatial_dropout,
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "activation": activation,
    "softmax": softmax,
    "embedding": embedding,
    "simple_rnn": simple_rnn,
    "lstm": lstm,
    "gru": gru,
    "bidirectional": bidirectional,
    "inception": inception,
    "residual": residual,
}
