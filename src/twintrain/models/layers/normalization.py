"""Normalisation over the batch and over the last axis."""

from typing import Any, ClassVar

from pydantic import Field

from twintrain.models.layers.layer import Layer, Shape, Weight


class BatchNorm(Layer):
    """Batch normalisation over the last axis (Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167).

    `momentum` is the share of the running statistics that stays at each step. The running variance is the
    unbiased one (divided by n − 1), as in PyTorch.
    """

    ALIGNED: ClassVar[dict[str, Any]] = {"momentum": 0.9, "epsilon": 1e-5}

    momentum: float | None = Field(None, ge=0, lt=1)
    epsilon: float | None = Field(None, gt=0, le=1e6)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        channels = shape[-1:]
        return {
            "gamma": Weight(shape=channels, initializer="ones"),
            "beta": Weight(shape=channels, initializer="zeros"),
            "moving_mean": Weight(shape=channels, initializer="zeros", trainable=False),
            "moving_variance": Weight(shape=channels, initializer="ones", trainable=False),
        }


class LayerNorm(Layer):
    """Layer normalisation of each vector along the last axis (Ba et al. 2016, https://arxiv.org/abs/1607.06450)."""

    ALIGNED: ClassVar[dict[str, Any]] = {"epsilon": 1e-5}

    epsilon: float | None = Field(None, gt=0, le=1e6)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        return {
            "gamma": Weight(shape=shape[-1:], initializer="ones"),
            "beta": Weight(shape=shape[-1:], initializer="zeros"),
        }
