"""Floating-point operations of a forward pass, from the layer list alone."""

import math

from twintrain.models.layers.recurrent import Recurrent
from twintrain.models.network import Network, PlacedLayer


def flops(network: Network) -> int | None:
    """Operations that one row costs in prediction: 2 for each multiply-add of a matrix product or a convolution.

    What grows with the number of values alone (biases, activations, pools, norms, gates, look-ups in tables) is left
    out, and the zeros of a `same` padding are counted in, as by torch.utils.flop_counter.

    Returns:
        None for a twin of the user's own, whose layers have no list.
    """
    if network.source:
        return None
    return 2 * sum(
        math.prod(weight.shape) * _applications(placed)
        for placed in network.walk()
        for name, weight in placed.weights().items()
        if name.endswith("kernel")
    )


def _applications(placed: PlacedLayer) -> int:
    """How often a kernel is multiplied with: once a step that is read, or once a place of the output."""
    if isinstance(placed.layer, Recurrent):
        return placed.input_shape[0]
    return math.prod(placed.output_shape[:-1])
