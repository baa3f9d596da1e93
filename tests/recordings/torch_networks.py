"""The networks of `recorded_cases.EXPECTED` in PyTorch: a layer, and a function that computes the same."""

import torch
from torch import nn
from torch.nn import functional as F


class Both(nn.Module):
    """Gives what a layer and a function make of the same input."""

    def __init__(self, layer, function=None):
        super().__init__()
        self.layer = layer
        self.function = function

    def forward(self, *values):
        outputs = self.layer(*values) if self.layer else None
        if self.function is None:
            return outputs
        return (outputs, self.function(self.layer, *values))


class Called(nn.Module):
    """A network of a function alone."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.scale = nn.Parameter(torch.ones(1))  # of no use: a model has weights

    def forward(self, values):
        return self.function(values)


class Attending(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, values):
        return self.layer(values, values, values)[0]


def conv(layer, x, function=F.conv2d):
    return function(x, layer.weight, layer.bias, layer.stride, layer.padding, layer.dilation, layer.groups)


def conv_transpose(layer, x):
    return F.conv_transpose2d(x, layer.weight, layer.bias, stride=layer.stride)


def batch_norm(layer, x):
    return F.batch_norm(x, layer.running_mean, layer.running_var, layer.weight, layer.bias)


NETWORKS = {
    "dense": lambda: Both(nn.Linear(4, 3), lambda layer, x: F.linear(x, layer.weight, layer.bias)),
    "conv": lambda: Both(nn.Conv2d(4, 3, 3)),
    "conv_same": lambda: Both(nn.Conv2d(4, 3, 3, padding="same")),
    "conv_strided": lambda: Both(nn.Conv2d(4, 3, 3, stride=(2, 1), padding=(1, 0)), conv),
    "conv_dilated": lambda: Both(nn.Conv2d(4, 3, 2, dilation=2)),
    "conv_groups": lambda: Both(nn.Conv2d(4, 6, 3, groups=2)),
    "conv1d": lambda: Both(nn.Conv1d(4, 3, 2)),
    "depthwise_conv": lambda: Both(nn.Conv2d(4, 8, 3, groups=4), conv),
    "conv_transpose": lambda: Both(nn.ConvTranspose2d(4, 3, 2, stride=2), conv_transpose),
    "batch_norm": lambda: Both(nn.BatchNorm2d(4), batch_norm),
    "layer_norm": lambda: Both(
        nn.LayerNorm(4, eps=1e-3), lambda layer, x: F.layer_norm(x, (4,), layer.weight, layer.bias, 1e-3)
    ),
    "rms_norm": lambda: Both(nn.RMSNorm(4, eps=1e-3), lambda layer, x: F.rms_norm(x, (4,), layer.weight, 1e-3)),
    "group_norm": lambda: Both(
        nn.GroupNorm(2, 4, eps=1e-3), lambda layer, x: F.group_norm(x, 2, layer.weight, layer.bias, 1e-3)
    ),
    "max_pool": lambda: Both(nn.MaxPool2d(2), lambda _, x: F.max_pool2d(x, 2)),
    "avg_pool": lambda: Both(nn.AvgPool2d(2), lambda _, x: F.avg_pool2d(x, 2)),
    "global_avg_pool": lambda: Both(nn.AdaptiveAvgPool2d(1), lambda _, x: x.mean((-2, -1), keepdim=True)),
    "global_max_pool": lambda: Both(nn.AdaptiveMaxPool2d(1), lambda _, x: torch.amax(x, (2, 3), keepdim=True)),
    "adaptive_avg_pool": lambda: Both(nn.AdaptiveAvgPool2d(3), lambda _, x: F.adaptive_avg_pool2d(x, 3)),
    "flatten": lambda: Both(nn.Flatten(), lambda _, x: x.view(x.size(0), -1)),
    "reshape": lambda: Called(lambda x: x.reshape(-1, 4, 5)),
    "permute": lambda: Called(lambda x: x.transpose(1, 2)),
    "relu": lambda: Both(nn.ReLU(), lambda _, x: torch.relu(x)),
    "relu6": lambda: Both(nn.ReLU6(), lambda _, x: F.relu6(x)),
    "leaky_relu": lambda: Both(nn.LeakyReLU(0.1), lambda _, x: F.leaky_relu(x, 0.1)),
    "prelu": lambda: Both(nn.PReLU(4), lambda layer, x: F.prelu(x, layer.weight)),
    "elu": lambda: Both(nn.ELU(0.5), lambda _, x: F.elu(x, alpha=0.5)),
    "selu": lambda: Both(nn.SELU(), lambda _, x: torch.selu(x)),
    "gelu": lambda: Both(nn.GELU(), lambda _, x: F.gelu(x)),
    "gelu_tanh": lambda: Both(nn.GELU("tanh"), lambda _, x: F.gelu(x, approximate="tanh")),
    "silu": lambda: Both(nn.SiLU(), lambda _, x: F.silu(x)),
    "sigmoid": lambda: Both(nn.Sigmoid(), lambda _, x: x.sigmoid()),
    "hard_sigmoid": lambda: Both(nn.Hardsigmoid(), lambda _, x: F.hardsigmoid(x)),
    "hard_swish": lambda: Both(nn.Hardswish(), lambda _, x: F.hardswish(x)),
    "tanh": lambda: Both(nn.Tanh(), lambda _, x: torch.tanh(x)),
    "softmax": lambda: Both(nn.Softmax(dim=1), lambda _, x: F.softmax(x, -1)),
    "log_softmax": lambda: Both(nn.LogSoftmax(dim=1), lambda _, x: x.log_softmax(dim=1)),
    "dropout": lambda: Both(nn.Dropout(0.25), lambda layer, x: F.dropout(x, 0.25, layer.training)),
    "embedding": lambda: Both(nn.Embedding(7, 3), lambda layer, x: F.embedding(x, layer.weight)),
    "rnn": lambda: Both(nn.RNN(4, 3, batch_first=True)),
    "lstm": lambda: Both(nn.LSTM(4, 3, batch_first=True)),
    "gru": lambda: Both(nn.GRU(4, 3, batch_first=True)),
    "bidirectional": lambda: Both(nn.LSTM(4, 3, batch_first=True, bidirectional=True)),
    "attention": Attending,
    "pad": lambda: Both(nn.ZeroPad2d((3, 4, 1, 2)), lambda _, x: F.pad(x, (3, 4, 1, 2))),
    "upsample": lambda: Both(nn.Upsample(scale_factor=2), lambda _, x: F.interpolate(x, scale_factor=2)),
    "add": lambda: Called(lambda x: x + x),
    "multiply": lambda: Called(lambda x: x * x),
    "concatenate": lambda: Called(lambda x: torch.cat([x, x], -1)),
    "identity": lambda: Both(nn.Identity()),
}
