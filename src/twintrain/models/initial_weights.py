"""Initial weights, drawn once without any framework and loaded into both twins."""

import math
from collections.abc import Callable

import numpy as np

from twintrain.models.layers.layer import Weight
from twintrain.models.network import Network

# glorot: variance 2 / (fan_in + fan_out), Glorot and Bengio 2010, eq. 12 and 16; he: 2 / fan_in, He et al. 2015, eq.
# 10; lecun: 1 / fan_in, LeCun et al. 1998, eq. 16. A uniform draw from ± limit has the variance limit² / 3.
# fan_in_uniform is PyTorch's default for linear and convolution layers, kernel and bias; uniform is Keras's for
# embeddings, normal PyTorch's. Keras truncates normal draws at two deviations and widens what is left to the same
# variance; PyTorch does not, and neither do we.
CONSTANTS = {"zeros": 0.0, "ones": 1.0}
LIMITS: dict[str, Callable[[Weight], float]] = {
    "uniform": lambda weight: 0.05,
    "fan_in_uniform": lambda weight: 1 / math.sqrt(weight.fan_in),
    "glorot_uniform": lambda weight: math.sqrt(6 / (weight.fan_in + weight.fan_out)),
    "he_uniform": lambda weight: math.sqrt(6 / weight.fan_in),
    "lecun_uniform": lambda weight: math.sqrt(3 / weight.fan_in),
}
DEVIATIONS: dict[str, Callable[[Weight], float]] = {
    "normal": lambda weight: 1.0,
    "glorot_normal": lambda weight: math.sqrt(2 / (weight.fan_in + weight.fan_out)),
    "he_normal": lambda weight: math.sqrt(2 / weight.fan_in),
    "lecun_normal": lambda weight: math.sqrt(1 / weight.fan_in),
}


def draw_weights(network: Network, seed: int) -> dict[str, np.ndarray]:
    """Draws the arrays of a network whose initializer is known: all in `aligned`, the written ones in `native`.

    The arrays depend on the seed and on their place in the network alone, not on the order of the draws: each
    has a generator of its own.

    Returns:
        float64 arrays by name, kernels as (…, in, out).
    """
    weights = network.weights()
    generators = np.random.SeedSequence(seed).spawn(len(weights))
    return {
        name: _draw(weight, np.random.default_rng(generator))
        for (name, weight), generator in zip(weights.items(), generators, strict=True)
        if weight.initializer is not None
    }


def _draw(weight: Weight, rng: np.random.Generator) -> np.ndarray:
    """Draws one array; the gates of a recurrent layer stand side by side in its last axis."""
    if weight.initializer == "orthogonal":
        sizes = (math.prod(weight.shape[:-1]), weight.shape[-1] // weight.gates)
        gates = [_orthogonal(*sizes, rng) for _ in range(weight.gates)]
        return np.concatenate(gates, axis=1).reshape(weight.shape)
    array = _fill(weight, rng)
    if weight.gate_of_ones is not None:
        np.split(array, weight.gates, axis=-1)[weight.gate_of_ones][:] = 1
    return array


def _fill(weight: Weight, rng: np.random.Generator) -> np.ndarray:
    if isinstance(weight.initializer, float):
        return np.full(weight.shape, weight.initializer)
    if weight.initializer in CONSTANTS:
        return np.full(weight.shape, CONSTANTS[weight.initializer])
    if weight.initializer in DEVIATIONS:
        return rng.normal(0, DEVIATIONS[weight.initializer](weight), size=weight.shape)
    limit = LIMITS[weight.initializer](weight)
    return rng.uniform(-limit, limit, size=weight.shape)


def _orthogonal(rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """Orthonormal columns, or rows if there are fewer of them (Saxe et al. 2013, https://arxiv.org/abs/1312.6120).

    The signs of R make Q uniform over all such matrices (Mezzadri 2007, https://arxiv.org/abs/math-ph/0609050).
    """
    tall = rng.normal(size=(max(rows, columns), min(rows, columns)))
    orthonormal, triangular = np.linalg.qr(tall)
    orthonormal *= np.sign(np.diag(triangular))
    return orthonormal if rows >= columns else orthonormal.T
