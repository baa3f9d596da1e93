"""Convolutions in Keras."""

from typing import Any

import keras

from twintrain.frameworks.keras.layers.layer import OF_ARRAYS, Layer, inner_name, padding_word
from twintrain.frameworks.keras.layers.window import padded
from twintrain.models.layers.convolution import Conv, Conv3D, ConvTranspose, KernelWindow
from twintrain.models.network import PlacedLayer


def conv1d(placed: PlacedLayer) -> Layer:
    """Sequences → sequences; `same` pads as TensorFlow does, an odd step after."""
    return _conv(keras.layers.Conv1D, placed, "filters", "groups")


def conv2d(placed: PlacedLayer) -> Layer:
    """Images → images; `same` pads as TensorFlow does, an odd cell after."""
    return _conv(keras.layers.Conv2D, placed, "filters", "groups")


def conv3d(placed: PlacedLayer) -> Layer:
    """Volumes → volumes; `same` as in conv2d."""
    return _conv(keras.layers.Conv3D, placed, "filters", "groups")


def conv1d_transpose(placed: PlacedLayer) -> Layer:
    """Sequences → sequences; of `same`, an odd step is left out after."""
    return _conv_transpose(keras.layers.Conv1DTranspose, keras.layers.Cropping1D, placed)


def conv2d_transpose(placed: PlacedLayer) -> Layer:
    """Images → images; of `same`, an odd cell is left out after."""
    return _conv_transpose(keras.layers.Conv2DTranspose, keras.layers.Cropping2D, placed)


def depthwise_conv2d(placed: PlacedLayer) -> Layer:
    """Images → images, each channel by itself; `same` as in conv2d."""
    return _conv(keras.layers.DepthwiseConv2D, placed, "depth_multiplier")


def separable_conv2d(placed: PlacedLayer) -> Layer:
    """Images → images; `same` as in conv2d."""
    return _conv(keras.layers.SeparableConv2D, placed, "filters", "depth_multiplier")


def _conv(kind: type[keras.Layer], placed: PlacedLayer, *names: str) -> Layer:
    """A convolution of these arguments too, behind a padding that Keras's own do not know."""
    layer: KernelWindow = placed.layer
    told = {name: getattr(layer, name) for name in ("kernel_size", "dilation_rate", "use_bias", *names)}
    if _lacks_strides(layer):
        return _strided(padded(kind(name=inner_name(placed.name, OF_ARRAYS), **told), placed, 0.0), placed)
    if isinstance(layer, Conv3D):
        return _of_volumes(kind, placed, **told)
    conv = kind(name=placed.name, strides=layer.strides, padding=padding_word(placed), **told)
    return conv if conv.padding == "same" or layer.padding == "valid" else padded(conv, placed, 0.0)


def _of_volumes(kind: type[keras.Layer], placed: PlacedLayer, **told: Any) -> Layer:
    """A convolution that is given no cell that its windows leave out, and no stride that it does not take.

    On CPUs, TensorFlow's `same` is wrong in float64 where strides are longer than the window, and oneDNN in float32
    where those of a single channel lead out of the volume.
    """
    layer: Conv3D = placed.layer
    conv = kind(name=placed.name, strides=layer.taken_strides(placed.input_shape), **told)
    cut = (slice(None), *map(slice, layer.reached(placed.input_shape)), slice(None))
    return padded(lambda values: conv(values[cut]), placed, 0.0)


def _conv_transpose(kind: type[keras.Layer], crop: type[keras.Layer], placed: PlacedLayer) -> Layer:
    """One of Keras's own, of whose output is left out what a padding in numbers says."""
    layer: ConvTranspose = placed.layer
    told = {name: getattr(layer, name) for name in ("filters", "kernel_size", "strides", "use_bias")}
    if isinstance(layer.padding, str):
        return kind(padding=layer.padding, name=placed.name, **told)
    everything = kind(name=inner_name(placed.name, OF_ARRAYS), **told)
    # What Keras's `valid` has beyond the last window.
    beyond = [max(stride - window, 0) for stride, window in zip(layer.strides, layer.window, strict=True)]
    sides = layer.sides(placed.input_shape)
    cut = [(before, after + more) for (before, after), more in zip(sides, beyond, strict=True)]
    inner = crop(cut if len(cut) > 1 else cut[0], name=placed.name)
    return lambda values: inner(everything(values))


def _lacks_strides(layer: KernelWindow) -> bool:
    """Whether Keras, which has none of a dilated window, or TensorFlow, of single channels none of two numbers."""
    is_dilated, is_of_all_channels = max(layer.dilation_rate) > 1, isinstance(layer, Conv)
    return max(layer.strides) > 1 if is_dilated else len(set(layer.strides)) > 1 and not is_of_all_channels


def _strided(everywhere: Layer, placed: PlacedLayer) -> Layer:
    """Leaves out of what strides of 1 give what those of the layer do."""
    end = keras.layers.Identity(name=placed.name)
    places = (slice(None), *(slice(None, None, stride) for stride in placed.layer.strides))
    return lambda values: end(everywhere(values)[places])
