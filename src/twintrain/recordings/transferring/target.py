"""A model that weights are transferred to: what it computes with any weights, while its own stay as they are."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from twintrain.errors import UserError
from twintrain.recordings.archive import Recording
from twintrain.recordings.comparing.side import Side
from twintrain.recordings.contents import PASSES, Tensor
from twintrain.recordings.frameworks import Framework
from twintrain.recordings.given import cast
from twintrain.recordings.passes import told

PASS, EXACT = PASSES[0], PASSES[2]


class Target:
    """A model of either framework and the rows that it is run on."""

    def __init__(self, framework: Framework, model: Any, inputs: Any, limit: int | None = None) -> None:
        """Takes arrays: one, or several in a tuple, list or dict; and up to how many elements others are whole."""
        self.limit = limit
        self.framework, self.model = framework, model
        self.inputs = cast(inputs, PASS)
        self.weights = framework.recorder.list_weights(model)
        self.own = framework.recorder.read_weights(model)

    def side(self, weights: dict[str, np.ndarray]) -> Side:
        """What it computes with such weights, as one side of a diff.

        Raises:
            UserError: it cannot be run on the rows.
        """
        try:
            with self.framework.state.holding(self.model, weights, PASS):
                trace = self.framework.recorder.record_calls(self.model, self.inputs)
        except Exception as error:  # whatever a model of somebody else's raises
            raise UserError(
                f"the model cannot be run on the rows of the recording: {told(error)}; give x=, the same rows as the "
                "model takes them"
            ) from error
        arrays = {f"{PASS}/tensor/{number}": array for number, array in enumerate(trace.arrays)}
        arrays |= {f"weight/{name}": array for name, array in weights.items()}
        recording = Recording(
            framework=self.framework.name,
            versions={},
            device="",
            rows=len(trace.arrays[trace.inputs[0]]),
            training=False,
            passes=[PASS],
            inputs=trace.inputs,
            outputs=trace.outputs,
            tensors=[Tensor(array.shape) for array in trace.arrays],
            calls=trace.calls,
            weights=self.weights,
            arrays=arrays,
        )
        return Side(recording, PASS, "the model", self.limit)


def rows_for(source: Recording, framework: str) -> Iterator[Any]:
    """The rows of a recording as a model of a framework may take them: with channels where it has them, then as is."""
    # As exact as they were given.
    pass_ = EXACT if EXACT in source.passes else source.passes[0]
    side = Side(source, pass_, "")
    arrays = [source.tensor(pass_, number) for number in source.inputs]
    if source.framework != framework and side.channels:
        yield _packed([_moved(array, side.channels) for array in arrays])
    yield _packed(arrays)


def _moved(array: np.ndarray, channels: str) -> np.ndarray:
    if array.ndim < 3 or array.dtype.kind != "f":
        return array
    return np.moveaxis(array, 1, -1) if channels == "first" else np.moveaxis(array, -1, 1)


def _packed(arrays: list[np.ndarray]) -> Any:
    return arrays[0] if len(arrays) == 1 else arrays
