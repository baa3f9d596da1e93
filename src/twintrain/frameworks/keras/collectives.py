"""What the workers of a training compute together in Keras: sums of gradients and of statistics over all of them.

Sums are the same to the bit on all workers, and so the weights stay the same. Keras's own `synchronized=True` takes the
mean over workers, which is another where their shares are not equally large, and a variance that loses digits.
"""

import functools
import math
from collections.abc import Sequence
from itertools import accumulate, pairwise

import keras
from keras import KerasTensor, ops

from twintrain.errors import UserError
from twintrain.frameworks.keras.engines import engine_module
from twintrain.frameworks.keras.modules import walk
from twintrain.training.workers.worker import Worker


def join(worker: Worker, device: str) -> None:
    """Meets the other workers."""
    if not worker.is_alone:
        engine_module().join(worker, device)


def sum_arrays(arrays: Sequence[KerasTensor]) -> list[KerasTensor]:
    """The sums over all workers of arrays of one type, in one message."""
    total = sum_over_workers(ops.concatenate([ops.reshape(array, (-1,)) for array in arrays]))
    # What a graph of TensorFlow does not know of the gradient of a matrix product, it counts as it runs.
    shapes = [ops.shape(array) for array in arrays]
    cuts = pairwise(accumulate(map(math.prod, shapes), initial=0))
    return [ops.reshape(total[start:end], shape) for (start, end), shape in zip(cuts, shapes, strict=True)]


def sum_over_workers(values: KerasTensor) -> KerasTensor:
    """The sum of an array over all workers, any shape → the same, through which gradients flow.

    What goes back is the sum of their gradients, since the loss of each depends on it.
    """
    return engine_module().sum_over_workers(values)


def share_statistics(model: keras.Model) -> None:
    """Has the batch norms of a network take the statistics of all workers; else they are what they were."""
    for layer in walk(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            # Of this very layer, so that it is still saved as Keras's own.
            layer._moments = functools.partial(_shared_moments, layer)


def _shared_moments(
    layer: keras.layers.BatchNormalization, values: KerasTensor, mask: KerasTensor | None
) -> tuple[KerasTensor, KerasTensor]:
    """Mean and biased variance of each channel over the rows of all workers."""
    if mask is not None:
        raise UserError("batch norm of masked steps cannot be shared by workers; expected train.workers: 1, or no mask")
    axes, channels = layer._reduction_axes, values.shape[layer.axis]
    rows = ops.cast(ops.size(values) // channels, values.dtype)
    total = sum_over_workers(ops.concatenate([ops.sum(values, axes), ops.reshape(rows, (1,))]))
    mean, count = total[:-1] / total[-1], total[-1]
    shape = [channels if axis == layer.axis % len(values.shape) else 1 for axis in range(len(values.shape))]
    centered = values - ops.reshape(mean, shape)
    return mean, sum_over_workers(ops.sum(ops.square(centered), axes)) / count
