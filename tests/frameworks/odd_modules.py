"""Networks with arrays that no known layer has, and what becomes of these: initializer, shape, if it is trained."""

from own_twins import GOOD_KERAS, GOOD_TORCH, source

HEAD = {"dense_0/kernel": ("glorot_uniform", [8, 3], True), "dense_0/bias": ("zeros", [3], True)}


def module(made: str, forward: str = "x", training: str = "pass") -> str:
    """A module that has something beside its last layer, and something that training does."""
    return (
        "class Twin(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        f"        self.dense = nn.Linear(*input_shape, outputs)\n        {made}\n"
        f"    def forward(self, x):\n        if self.training:\n            {training}\n"
        f"        return self.dense({forward})\n\nTwin()"
    )


def dense(number: int, *arrays: str) -> dict[str, tuple[str, list[int], bool]]:
    """Arrays of a square dense layer."""
    of = {"kernel": ("glorot_uniform", [8, 8], True), "bias": ("zeros", [8], True)}
    return {f"dense_{number}/{array}": of[array] for array in arrays}


TORCH = {
    # One array under two names is one array.
    "used twice": (module("self.a = nn.Linear(8, 8)", "self.a(self.a(x))"), {**HEAD, **dense(1, "kernel", "bias")}),
    "two names": (
        module("self.a = self.b = nn.Linear(8, 8)", "self.b(self.a(x))"),
        {**HEAD, **dense(1, "kernel", "bias")},
    ),
    "tied": (
        module("self.a, self.b = nn.Linear(8, 8), nn.Linear(8, 8); self.b.weight = self.a.weight", "self.b(self.a(x))"),
        {**HEAD, **dense(1, "kernel", "bias"), **dense(2, "bias")},
    ),
    "tied to none": (
        module("self.w = nn.Linear(8, 8); self.v = self.w.weight", "self.w(x) @ self.v"),
        {**HEAD, **dense(1, "kernel", "bias")},
    ),
    "list": (
        module("self.ps = nn.ParameterList([torch.randn(8), torch.ones(8)])", "x * self.ps[1] + self.ps[0]"),
        {"own_0/array": ("normal", [8], True), "own_1/array": (1.0, [8], True), **HEAD},
    ),
    "unused": (
        module("self.p = nn.Parameter(torch.randn(4, 5, 6))"),
        {"own_0/array": ("glorot_uniform", [4, 5, 6], True), **HEAD},
    ),
    "empty": (
        module("self.p = nn.Parameter(torch.randn(0, 8))", "torch.cat([x, self.p])"),
        HEAD,
    ),
    "frozen": (
        module("self.p = nn.Parameter(torch.zeros(2, 8), requires_grad=False)", "x + self.p[0]"),
        {"own_0/array": (0.0, [2, 8], False), **HEAD},
    ),
    "number": (
        module("self.p = nn.Parameter(torch.tensor(0.25))", "x * self.p"),
        {"own_0/array": (0.25, [], True), **HEAD},
    ),
    # Running means are matched; constants, counters and what is not saved stay as they are.
    "buffers": (
        module(
            "self.register_buffer('mean', torch.zeros(8)); self.register_buffer('steps', torch.tensor(0)); "
            "self.register_buffer('table', torch.ones(8)); self.register_buffer('t', torch.ones(8), persistent=False)",
            "x * self.table + self.t - self.mean",
            "self.mean = 0.9 * self.mean + 0.1 * x.detach().mean(0); self.steps += 1; self.t += 1",
        ),
        {"own_0/array": (0.0, [8], False), **HEAD},
    ),
    # What gives NaN in training draws nothing at random, and a constant of NaN is none that training changes.
    "not a number": (
        module("self.register_buffer('no', torch.full((8,), torch.nan))", training="x = x * self.no"),
        HEAD,
    ),
    "integers first": (
        "twin = nn.Sequential(nn.Linear(*input_shape, outputs))\n\n"
        "twin[0].register_buffer('first', torch.arange(3))\n\ntwin",
        HEAD,
    ),
    "weight norm": (
        module("self.a = nn.utils.parametrizations.weight_norm(nn.Linear(8, 8))", "self.a(x)"),
        {
            "own_0/array": ("normal", [8], True),
            "own_1/array": ("glorot_uniform", [8, 1], True),
            "own_2/array": ("glorot_uniform", [8, 8], True),
            **HEAD,
        },
    ),
    # Its vectors change whenever its weight is read in training.
    "spectral norm": (
        module("self.a = nn.utils.parametrizations.spectral_norm(nn.Linear(8, 8, bias=False))", "self.a(x)"),
        {
            "own_0/array": ("glorot_uniform", [8, 8], True),
            "own_1/array": ("normal", [8], False),
            "own_2/array": ("normal", [8], False),
            **HEAD,
        },
    ),
    "known with more": (
        "twin = nn.Sequential(nn.Linear(*input_shape, outputs))\n\ntwin[0].more = nn.Parameter(torch.ones(3))\n\ntwin",
        {"own_0/array": (1.0, [3], True), **HEAD},
    ),
    "instance norm": (
        module("self.a = nn.InstanceNorm1d(1, affine=True)", "self.a(x[:, None])[:, 0]"),
        {**HEAD, "group_norm_1/gamma": ("ones", [1], True), "group_norm_1/beta": ("zeros", [1], True)},
    ),
}
KERAS = {
    "used twice": (
        "given = keras.Input(input_shape)\n\ntwice = layers.Dense(8)\n\n"
        "keras.Model(given, layers.Dense(outputs)(twice(twice(given))))",
        {
            **dense(0, "kernel", "bias"),
            "dense_1/kernel": ("glorot_uniform", [8, 3], True),
            "dense_1/bias": ("zeros", [3], True),
        },
    ),
    "frozen": (
        "Sequential([keras.Input(input_shape), layers.EinsumDense('bi,io->bo', 8, trainable=False, bias_axes='o'), "
        "layers.Dense(outputs)])",
        {"own_0/array": ("glorot_uniform", [8, 8], False), "own_1/array": (0.0, [8], False), **HEAD},
    ),
    "number": (
        "given = keras.Input(input_shape)\n\nsteps = layers.Reshape((4, 2))(given)\n\n"
        "steps = layers.Flatten()(layers.Attention(use_scale=True)([steps, steps]))\n\n"
        "keras.Model(given, layers.Dense(outputs)(steps))",
        {"own_0/array": (1.0, [], True), **HEAD},
    ),
    "spectral norm": (
        "Sequential([keras.Input(input_shape), layers.SpectralNormalization(layers.Dense(8)), layers.Dense(outputs)])",
        {
            "own_0/array": ("glorot_uniform", [8, 8], True),
            "own_1/array": ("glorot_uniform", [1, 8], False),
            "own_2/array": (0.0, [8], True),
            **HEAD,
        },
    ),
    "constants": (
        "Sequential([keras.Input(input_shape), layers.Normalization(), layers.Dense(outputs)])",
        HEAD,
    ),
    "cells": (
        "Sequential([keras.Input(input_shape), layers.Reshape((4, 2)), layers.RNN([layers.SimpleRNNCell(8)]), "
        "layers.Dense(outputs)])",
        {
            "own_0/array": ("glorot_uniform", [2, 8], True),
            "own_1/array": ("glorot_uniform", [8, 8], True),
            "own_2/array": (0.0, [8], True),
            **HEAD,
        },
    ),
}
ODD = {"torch": TORCH, "keras": KERAS}


def odd(framework: str, name: str) -> str:
    """The file with such a network."""
    code, _ = ODD[framework][name]
    return source(code, GOOD_KERAS) if framework == "torch" else source(GOOD_TORCH, code)
