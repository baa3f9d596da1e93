"""The vocabulary of layers: one module a family, in the same way in `frameworks/torch/` and `frameworks/keras/`.

Names and arguments are Keras's. Sequences are (steps, channels), images (height, width, channels), kernels
(…, in, out). An argument at null is a convention that the frameworks do not share: `aligned` fills it from ALIGNED,
`native` leaves it to each framework.
"""

from twintrain.models.layers.activation import Activation, Softmax
from twintrain.models.layers.convolution import Conv1D, Conv2D, DepthwiseConv2D, SeparableConv2D
from twintrain.models.layers.core import Dense, Dropout, Embedding, Flatten, Reshape, SpatialDropout
from twintrain.models.layers.layer import Layer
from twintrain.models.layers.nested import Bidirectional, Inception, Residual
from twintrain.models.layers.normalization import BatchNorm, LayerNorm
from twintrain.models.layers.pooling import AvgPool1D, AvgPool2D, GlobalAvgPool, MaxPool1D, MaxPool2D
from twintrain.models.layers.recurrent import GRU, LSTM, SimpleRNN

LAYERS: dict[str, type[Layer]] = {
    "dense": Dense,
    "conv1d": Conv1D,
    "conv2d": Conv2D,
    "depthwise_conv2d": DepthwiseConv2D,
    "separable_conv2d": SeparableConv2D,
    "max_pool1d": MaxPool1D,
    "max_pool2d": MaxPool2D,
    "avg_pool1d": AvgPool1D,
    "avg_pool2d": AvgPool2D,
    "global_avg_pool": GlobalAvgPool,
    "flatten": Flatten,
    "reshape": Reshape,
    "dropout": Dropout,
    "spatial_dropout": SpatialDropout,
    "batch_norm": BatchNorm,
    "layer_norm": LayerNorm,
    "activation": Activation,
    "softmax": Softmax,
    "embedding": Embedding,
    "simple_rnn": SimpleRNN,
    "lstm": LSTM,
    "gru": GRU,
    "bidirectional": Bidirectional,
    "inception": Inception,
    "residual": Residual,
}
