"""Layers that keep their arrays: which ones patterns name."""

import dataclasses
from fnmatch import fnmatchcase

from twintrain.errors import UserError, did_you_mean
from twintrain.models.network import Network


def freeze_layers(network: Network, patterns: list[str]) -> Network:
    """The network with the layers frozen that the patterns name.

    Args:
        patterns: names of layers, as `conv2d_0`, or with wildcards, as `conv2d_*`. All layers in a named block or
            `residual` are frozen with it.

    Raises:
        UserError: a pattern names no layer that has arrays, or nothing is left to train.
    """
    owners = network.layers_with_arrays()
    scopes = {placed.name: placed.scopes for placed in network.walk()}
    frozen: set[str] = set()
    for pattern in patterns:
        found = [
            owner for owner in owners if any(fnmatchcase(name, pattern) for name in (owner, *scopes.get(owner, ())))
        ]
        if not found:
            raise UserError(
                f"train.freeze: no layer of {network.model} that has weights is '{pattern}'"
                f"{did_you_mean(pattern, owners)}"
            )
        frozen.update(found)
    frozen_network = dataclasses.replace(network, frozen=frozenset(frozen))
    if frozen and not any(weight.trainable for weight in frozen_network.weights().values()):
        raise UserError(f"train.freeze: nothing of {network.model} is left to train; expected some layers without")
    return frozen_network
