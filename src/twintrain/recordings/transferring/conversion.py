"""The numbers of a recording's weights, put where a model keeps the same ones."""

from collections.abc import Mapping, Sequence

import numpy as np

from twintrain.recordings.comparing.weights import ABSENT, in_shape_of
from twintrain.recordings.contents import Call, Weight
from twintrain.recordings.transferring.holders import Holder, holders, second_biases

Arrays = dict[str, np.ndarray]


class Numbers:
    """The arrays of a model as one row of numbers, of which each holder knows the places of its own.

    Places go through the very rearrangement by which weights are compared, so that whatever is compared can be written.

    Attributes:
        holders: with places (int64) in their arrays.
        remaining: what a layer of the model computes with and the source has not got, and the other way round.
    """

    def __init__(self, calls: Sequence[Call], weights: Sequence[Weight], own: Mapping[str, np.ndarray]) -> None:
        """Takes the model's own arrays, which stay where nothing is written."""
        self._own = own
        ends = np.cumsum([own[weight.name].size for weight in weights]).tolist()
        self._starts = dict(zip((weight.name for weight in weights), [0, *ends], strict=False))
        self._row = np.concatenate([np.zeros(0), *(own[weight.name].ravel() for weight in weights)])
        zeros = second_biases(calls)
        places = {
            name: start + np.arange(own[name].size).reshape(own[name].shape) for name, start in self._starts.items()
        }
        for name in zeros:
            self._row[places.pop(name)] = 0.0
        self.holders = holders(calls, weights, places)

    def write(self, source: Holder, target: Holder) -> list[str]:
        """Writes the numbers of one holder into the places of another.

        Returns:
            arrays of the source that change something and have no place.
        """
        for role, places in target.arrays.items():
            found = source.arrays.get(role)
            self._row[places] = ABSENT.get(role, 0.0) if found is None else in_shape_of(places, found)
        left = [role for role in source.arrays if role not in target.arrays]
        return [
            f"{source.name} {role.replace('_', ' ')}"
            for role in left
            if (source.arrays[role] != ABSENT.get(role, 0.0)).any()
        ]

    def arrays(self) -> Arrays:
        """All arrays of the model by name, in its layout and precision."""
        return {
            name: self._row[start : start + self._own[name].size]
            .reshape(self._own[name].shape)
            .astype(self._own[name].dtype)
            for name, start in self._starts.items()
        }
