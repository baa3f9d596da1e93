"""Floating-point operations of a forward pass, from the layer list alone."""

import math

from twintrain.models.layers.attention import MultiHeadAttention
from twintrain.models.layers.convolution import ConvTranspose
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
    return sum(map(layer_flops, network.walk()))


def layer_flops(placed: PlacedLayer) -> int:
    """The same of one layer, without the parts of a wrapper."""
    kernels = {name: weight.shape for name, weight in placed.weights().items() if name.endswith("kernel")}
    of_kernels = sum(math.prod(shape) * _applications(placed, name) for name, shape in kernels.items())
    return 2 * placed.times * (of_kernels + _products_of_inputs(placed))


def _applications(placed: PlacedLayer, kernel: str) -> int:
    """How often a kernel is multiplied with: at each step that is read, or each place of the output.

    A transpose does it at each place of its input, and attention with those of keys and values at each of its memory.
    """
    if isinstance(placed.layer, MultiHeadAttention) and kernel.endswith(("key_kernel", "value_kernel")):
        return placed.layer.memory(placed.input_shape)[0]
    if isinstance(placed.layer, Recurrent):
        return placed.input_shape[0]
    if isinstance(placed.layer, ConvTranspose):
        return math.prod(placed.input_shape[:-1])
    return math.prod(placed.output_shape[:-1])


def _products_of_inputs(placed: PlacedLayer) -> int:
    """Multiply-adds without a kernel: attention's scores of all steps by all, and as many to mix the values."""
    if not isinstance(placed.layer, MultiHeadAttention):
        return 0
    steps, of_memory = placed.input_shape[0], placed.layer.memory(placed.input_shape)[0]
    return 2 * steps * of_memory * placed.layer.num_heads * placed.layer.head_size(placed.input_shape)
