"""Initial weights, drawn once without any framework and loaded into both twins."""

import math

import numpy as np

from twintrain.models.layers import Weight
from twintrain.models.network import Network


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
    """Draws one array; uniform ones from ± limit.

    glorot_uniform: √(6 / (fan_in + fan_out)), Glorot and Bengio 2010, eq. 16. he_uniform: √(6 / fan_in), He et
    al. 2015, eq. 10. fan_in_uniform: 1 / √fan_in, PyTorch's default for linear and convolution layers, kernel and
    bias. uniform: 0.05, Keras's default for embeddings. normal: mean 0, deviation 1, PyTorch's for embeddings.
    """
    match weight.initializer:
        case "zeros":
            return np.zeros(weight.shape)
        case "ones":
            return np.ones(weight.shape)
        case "normal":
            return rng.normal(size=weight.shape)
        case "glorot_uniform":
            limit = math.sqrt(6 / (weight.fan_in + weight.fan_out))
        case "he_uniform":
            limit = math.sqrt(6 / weight.fan_in)
        case "fan_in_uniform":
            limit = 1 / math.sqrt(weight.fan_in)
        case "uniform":
            limit = 0.05
    return rng.uniform(-limit, limit, size=weight.shape)
