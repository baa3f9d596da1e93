"""The vocabulary of layers: one module a family, in the same way in `frameworks/torch/` and `frameworks/keras/`.

Names and arguments are Keras's. Sequences are (steps, channels), images (height, width, channels), volumes
(depth, height, width, channels), kernels (…, in, out). An argument at null is a convention that the frameworks do not
share: `aligned` fills it from ALIGNED, `native` leaves it to each framework.
"""

from twintrain.models.layers.activation import Activation, Softmax
from twintrain.models.layers.attention import ClassToken, MultiHeadAttention, PositionalEmbedding, TakeStep
from twintrain.models.layers.convolution import (
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    DepthwiseConv2D,
    SeparableConv2D,
)
from twintrain.models.layers.core import Columns, Dense, Dropout, Embedding, Flatten, Reshape, SpatialDropout
from twintrain.models.layers.join import Add, Concatenate, Multiply
from twintrain.models.layers.layer import Layer
from twintrain.models.layers.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RMSNorm, UnitNorm
from twintrain.models.layers.pooling import (
    AvgPool1D,
    AvgPool2D,
    AvgPool3D,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool1D,
    MaxPool2D,
    MaxPool3D,
)
from twintrain.models.layers.recurrent import GRU, LSTM, Bidirectional, SimpleRNN
from twintrain.models.layers.resizing import Cropping, UpSampling2D, ZeroPadding
from twintrain.models.layers.time_distributed import TimeDistributed

LAYERS: dict[str, type[Layer]] = {
    "dense": Dense,
    "conv1d": Conv1D,
    "conv2d": Conv2D,
    "conv3d": Conv3D,
    "conv1d_transpose": Conv1DTranspose,
    "conv2d_transpose": Conv2DTranspose,
    "depthwise_conv2d": DepthwiseConv2D,
    "separable_conv2d": SeparableConv2D,
    "max_pool1d": MaxPool1D,
    "max_pool2d": MaxPool2D,
    "max_pool3d": MaxPool3D,
    "avg_pool1d": AvgPool1D,
    "avg_pool2d": AvgPool2D,
    "avg_pool3d": AvgPool3D,
    "global_max_pool": GlobalMaxPool,
    "global_avg_pool": GlobalAvgPool,
    "zero_padding": ZeroPadding,
    "cropping": Cropping,
    "up_sampling2d": UpSampling2D,
    "flatten": Flatten,
    "reshape": Reshape,
    "dropout": Dropout,
    "spatial_dropout": SpatialDropout,
    "batch_norm": BatchNorm,
    "layer_norm": LayerNorm,
    "group_norm": GroupNorm,
    "instance_norm": InstanceNorm,
    "rms_norm": RMSNorm,
    "unit_norm": UnitNorm,
    "activation": Activation,
    "softmax": Softmax,
    "columns": Columns,
    "embedding": Embedding,
    "multi_head_attention": MultiHeadAttention,
    "positional_embedding": PositionalEmbedding,
    "class_token": ClassToken,
    "take_step": TakeStep,
    "simple_rnn": SimpleRNN,
    "lstm": LSTM,
    "gru": GRU,
    "bidirectional": Bidirectional,
    "time_distributed": TimeDistributed,
    "add": Add,
    "concatenate": Concatenate,
    "multiply": Multiply,
}
