"""Normalisation over the batch, over places, and over the last axis."""

import math
from typing import Any, ClassVar

from pydantic import Field

from twintrain.errors import UserError
from twintrain.models.layers.layer import Layer, Padding, Positive, Shape, Weight, expect_rank


class BatchNorm(Layer):
    """Batch normalisation over the last axis (Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167).

    `momentum` is the share of the running statistics that stays at each step. The running variance is the
    unbiased one (divided by n − 1), as in PyTorch.

    Attributes:
        scale: whether there is a gamma.
        center: whether there is a beta.
    """

    ALIGNED: ClassVar[dict[str, Any]] = {"momentum": 0.9, "epsilon": 1e-5}

    momentum: float | None = Field(None, ge=0, lt=1)
    epsilon: float | None = Field(None, gt=0, le=1e6)
    scale: bool = True
    center: bool = True

    def weights(self, shape: Shape) -> dict[str, Weight]:
        channels = shape[-1:]
        affine = {"gamma": self.scale, "beta": self.center}
        return {
            **{name: weight for name, weight in gamma_and_beta(shape).items() if affine[name]},
            "moving_mean": Weight(shape=channels, initializer="zeros", trainable=False),
            "moving_variance": Weight(shape=channels, initializer="ones", trainable=False),
        }


class LayerNorm(Layer):
    """Layer normalisation of each vector along the last axis (Ba et al. 2016, https://arxiv.org/abs/1607.06450)."""

    ALIGNED: ClassVar[dict[str, Any]] = {"epsilon": 1e-5}
    PADDING: ClassVar[Padding] = "passed on"

    epsilon: float | None = Field(None, gt=0, le=1e6)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        return gamma_and_beta(shape)


class GroupNorm(Layer):
    """Each row's groups of neighbouring channels, each over all places (Wu and He 2018, arXiv:1803.08494)."""

    ALIGNED: ClassVar[dict[str, Any]] = {"epsilon": 1e-5}

    groups: int = Positive
    epsilon: float | None = Field(None, gt=0, le=1e6)

    def output_shape(self, shape: Shape) -> Shape:
        _expect_places(shape)
        if shape[-1] % self.groups:
            raise UserError(f"{self.groups} groups do not divide {shape[-1]} channels; expected a divisor of these")
        return shape

    def weights(self, shape: Shape) -> dict[str, Weight]:
        return gamma_and_beta(shape)


class InstanceNorm(Layer):
    """Each row's channels, each by itself over all places (Ulyanov et al. 2016, https://arxiv.org/abs/1607.08022).

    As torch.nn.InstanceNorm2d with `affine` and without running statistics.
    """

    ALIGNED: ClassVar[dict[str, Any]] = {"epsilon": 1e-5}

    epsilon: float | None = Field(None, gt=0, le=1e6)

    def output_shape(self, shape: Shape) -> Shape:
        _expect_places(shape)
        if math.prod(shape[:-1]) == 1:
            raise UserError(f"a channel of {shape} is one number, which has no variance; expected more than one place")
        return shape

    def weights(self, shape: Shape) -> dict[str, Weight]:
        return gamma_and_beta(shape)


class RMSNorm(Layer):
    """x / √(mean(x²) + ε) · gamma of each vector along the last axis (Zhang and Sennrich 2019, arXiv:1910.07467)."""

    ALIGNED: ClassVar[dict[str, Any]] = {"epsilon": 1e-6}
    PADDING: ClassVar[Padding] = "passed on"

    epsilon: float | None = Field(None, gt=0, le=1e6)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        return {"gamma": gamma_and_beta(shape)["gamma"]}


class UnitNorm(Layer):
    """x / max(‖x‖, 1e-12) of each vector along the last axis."""

    PADDING: ClassVar[Padding] = "passed on"


def gamma_and_beta(shape: Shape) -> dict[str, Weight]:
    """A scale and a centre for each channel."""
    return {
        "gamma": Weight(shape=shape[-1:], initializer="ones"),
        "beta": Weight(shape=shape[-1:], initializer="zeros"),
    }


def _expect_places(shape: Shape) -> None:
    expect_rank(shape, (2, 3), "it takes sequences and images; on vectors: layer_norm")
