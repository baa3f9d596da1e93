"""The networks of `recorded_cases.EXPECTED` in Keras: a layer, and a function that computes the same.

A function is looked up when it is called, as models do: `ops.tanh` in `call`.
"""

# ruff: noqa: PLW0108
import keras
from keras import layers, ops


class Both(keras.Model):
    """Gives what a layer and a function make of the same input."""

    def __init__(self, layer, function=None):
        super().__init__()
        self.layer = layer
        self.function = function

    def call(self, values):
        outputs = self.layer(values)
        return outputs if self.function is None else (outputs, self.function(values))


class Joined(keras.Model):
    """What a layer and a function make of the same input, twice."""

    def __init__(self, layer, function):
        super().__init__()
        self.layer = layer
        self.function = function

    def call(self, values):
        return self.layer([values, values]), self.function(values, values)


class Attending(keras.Model):
    def __init__(self):
        super().__init__()
        self.layer = layers.MultiHeadAttention(2, 2)

    def call(self, values):
        return self.layer(values, values)


NETWORKS = {
    "dense": lambda: Both(layers.Dense(3)),
    "conv": lambda: Both(layers.Conv2D(3, 3)),
    "conv_same": lambda: Both(layers.Conv2D(3, 3, padding="same")),
    "conv_strided": lambda: Both(layers.Conv2D(3, 3, strides=(2, 1), padding="same")),
    "conv_dilated": lambda: Both(layers.Conv2D(3, 2, dilation_rate=2)),
    "conv_groups": lambda: Both(layers.Conv2D(6, 3, groups=2)),
    "conv1d": lambda: Both(layers.Conv1D(3, 2)),
    "depthwise_conv": lambda: Both(layers.DepthwiseConv2D(3, depth_multiplier=2)),
    "conv_transpose": lambda: Both(layers.Conv2DTranspose(3, 2, strides=2)),
    "batch_norm": lambda: Both(layers.BatchNormalization(momentum=0.9, epsilon=1e-5)),
    "layer_norm": lambda: Both(layers.LayerNormalization()),
    "rms_norm": lambda: Both(layers.RMSNormalization(epsilon=1e-3)),
    "group_norm": lambda: Both(layers.GroupNormalization(2)),
    "max_pool": lambda: Both(layers.MaxPooling2D(2), lambda x: ops.max_pool(x, 2, 2)),
    "avg_pool": lambda: Both(layers.AveragePooling2D(2), lambda x: ops.average_pool(x, 2, 2)),
    "global_avg_pool": lambda: Both(
        layers.GlobalAveragePooling2D(keepdims=True), lambda x: ops.mean(x, (1, 2), keepdims=True)
    ),
    "global_max_pool": lambda: Both(
        layers.GlobalMaxPooling2D(keepdims=True), lambda x: ops.max(x, axis=(1, 2), keepdims=True)
    ),
    "adaptive_avg_pool": lambda: Both(layers.AdaptiveAveragePooling2D(3)),
    "flatten": lambda: Both(layers.Flatten(), lambda x: ops.reshape(x, (x.shape[0], -1))),
    "reshape": lambda: Both(layers.Reshape((4, 5)), lambda x: ops.reshape(x, (-1, 4, 5))),
    "permute": lambda: Both(layers.Permute((2, 1)), lambda x: ops.transpose(x, (0, 2, 1))),
    "relu": lambda: Both(layers.ReLU(), lambda x: keras.activations.relu(x)),
    "relu6": lambda: Both(layers.ReLU(max_value=6), lambda x: ops.relu6(x)),
    "leaky_relu": lambda: Both(layers.LeakyReLU(0.1), lambda x: ops.leaky_relu(x, negative_slope=0.1)),
    "prelu": lambda: Both(layers.PReLU(shared_axes=[1, 2])),
    "elu": lambda: Both(layers.ELU(0.5), lambda x: ops.elu(x, 0.5)),
    "selu": lambda: Both(layers.Activation("selu"), lambda x: ops.selu(x)),
    "gelu": lambda: Both(layers.Activation("gelu"), lambda x: ops.gelu(x, approximate=False)),
    "gelu_tanh": lambda: Both(
        layers.Activation(lambda x: ops.gelu(x, approximate=True)), lambda x: ops.gelu(x, approximate=True)
    ),
    "silu": lambda: Both(layers.Activation("silu"), lambda x: ops.swish(x)),
    "sigmoid": lambda: Both(layers.Activation("sigmoid"), lambda x: ops.sigmoid(x)),
    "hard_sigmoid": lambda: Both(layers.Activation("hard_sigmoid"), lambda x: ops.hard_sigmoid(x)),
    "hard_swish": lambda: Both(layers.Activation("hard_swish"), lambda x: ops.hard_silu(x)),
    "tanh": lambda: Both(layers.Activation("tanh"), lambda x: ops.tanh(x)),
    "softmax": lambda: Both(layers.Softmax(), lambda x: ops.softmax(x)),
    "log_softmax": lambda: Both(layers.Activation("log_softmax")),
    "dropout": lambda: Both(layers.Dropout(0.25)),
    "embedding": lambda: Both(layers.Embedding(7, 3)),
    "rnn": lambda: Both(layers.SimpleRNN(3)),
    "lstm": lambda: Both(layers.LSTM(3)),
    "gru": lambda: Both(layers.GRU(3)),
    "bidirectional": lambda: Both(layers.Bidirectional(layers.LSTM(3, return_sequences=True))),
    "attention": Attending,
    "pad": lambda: Both(layers.ZeroPadding2D(((1, 2), (3, 4))), lambda x: ops.pad(x, ((0, 0), (1, 2), (3, 4), (0, 0)))),
    "upsample": lambda: Both(layers.UpSampling2D(2)),
    "add": lambda: Joined(layers.Add(), lambda x, y: x + y),
    "multiply": lambda: Joined(layers.Multiply(), lambda x, y: ops.multiply(x, y)),
    "concatenate": lambda: Joined(layers.Concatenate(), lambda x, y: ops.concatenate([x, y], -1)),
    "identity": lambda: Both(layers.Identity()),
}
