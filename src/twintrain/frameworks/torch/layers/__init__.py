"""The vocabulary of layers in PyTorch: one builder a kind, by the families of `models/layers/`."""

from collections.abc import Callable

from torch import nn

from twintrain.frameworks.torch.layers.activation import activation, softmax
from twintrain.frameworks.torch.layers.attention import (
    class_token,
    multi_head_attention,
    positional_embedding,
    take_step,
)
from twintrain.frameworks.torch.layers.convolution import (
    conv1d,
    conv1d_transpose,
    conv2d,
    conv2d_transpose,
    conv3d,
    depthwise_conv2d,
    separable_conv2d,
)
from twintrain.frameworks.torch.layers.core import columns, dense, dropout, embedding, flatten, reshape, spatial_dropout
from twintrain.frameworks.torch.layers.join import add, concatenate, multiply
from twintrain.frameworks.torch.layers.normalization import (
    batch_norm,
    group_norm,
    instance_norm,
    layer_norm,
    rms_norm,
    unit_norm,
)
from twintrain.frameworks.torch.layers.pooling import (
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    global_avg_pool,
    global_max_pool,
    max_pool1d,
    max_pool2d,
    max_pool3d,
)
from twintrain.frameworks.torch.layers.recurrent import bidirectional, gru, lstm, simple_rnn
from twintrain.frameworks.torch.layers.resizing import cropping, up_sampling2d, zero_padding
from twintrain.frameworks.torch.layers.time_distributed import time_distributed
from twintrain.models.network import PlacedLayer

BUILDERS: dict[str, Callable[[PlacedLayer], nn.Module]] = {
    "dense": dense,
    "conv1d": conv1d,
    "conv2d": conv2d,
    "conv3d": conv3d,
    "conv1d_transpose": conv1d_transpose,
    "conv2d_transpose": conv2d_transpose,
    "depthwise_conv2d": depthwise_conv2d,
    "separable_conv2d": separable_conv2d,
    "max_pool1d": max_pool1d,
    "max_pool2d": max_pool2d,
    "max_pool3d": max_pool3d,
    "avg_pool1d": avg_pool1d,
    "avg_pool2d": avg_pool2d,
    "avg_pool3d": avg_pool3d,
    "global_max_pool": global_max_pool,
    "global_avg_pool": global_avg_pool,
    "zero_padding": zero_padding,
    "cropping": cropping,
    "up_sampling2d": up_sampling2d,
    "flatten": flatten,
    "reshape": reshape,
    "dropout": dropout,
    "spatial_dropout": spatial_dropout,
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    "rms_norm": rms_norm,
    "unit_norm": unit_norm,
    "activation": activation,
    "softmax": softmax,
    "columns": columns,
    "embedding": embedding,
    "multi_head_attention": multi_head_attention,
    "positional_embedding": positional_embedding,
    "class_token": class_token,
    "take_step": take_step,
    "simple_rnn": simple_rnn,
    "lstm": lstm,
    "gru": gru,
    "bidirectional": bidirectional,
    "time_distributed": time_distributed,
    "add": add,
    "concatenate": concatenate,
    "multiply": multiply,
}
