"""Which layers of a network compute in half precision: one rule for all frameworks, none of whose own lists is used.

In half precision (`train.dtype: bfloat16` or `float16`) a layer that multiplies by kernels rounds what it is given and
its kernels to 16 bits, multiplies, and gives its sums in 16 bits. All else computes in float32, as do the last layer,
which gives the logits, and the loss (Micikevicius et al. 2018). What only picks or moves numbers (max pools, ReLU,
changes of shape) gives the same numbers in either.

Recurrent layers multiply too, and compute in float32 nevertheless: they round their state again in every step, and
each library does so at other places (PyTorch after a whole step, Keras after each of its operations).
"""

from twintrain.errors import UserError
from twintrain.models.layers.attention import MultiHeadAttention
from twintrain.models.layers.convolution import Conv, ConvTranspose, DepthwiseConv2D, SeparableConv2D
from twintrain.models.layers.core import Dense
from twintrain.models.network import Network
from twintrain.settings.sections.precision import HALF, array_dtype

MULTIPLYING = (Dense, Conv, ConvTranspose, DepthwiseConv2D, SeparableConv2D, MultiHeadAttention)


def layer_dtypes(network: Network, precision: str) -> dict[str, str]:
    """The dtype that each layer of a network computes in, by its name; those of a wrapper's parts are the wrapper's.

    Raises:
        UserError: half precision, and no layer computes in it.
    """
    found = {placed.name: array_dtype(precision) for placed in network.layers}
    if precision in HALF:
        multiplying = [placed.name for placed in network.layers if isinstance(placed.layer, MULTIPLYING)]
        found |= {name: precision for name in multiplying if name != network.output}
        if precision not in found.values():
            raise UserError(
                f"train.dtype: {precision} would change nothing, since no layer of {network.model} computes in half "
                "precision: recurrent layers and the last one do not; expected float32"
            )
    return found
