"""The passes of a recording: the same model on the same rows in two precisions, and with weights a little off."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from twintrain.errors import UserError
from twintrain.recordings.contents import Call, is_perturbed, passes_of, precision_of
from twintrain.recordings.course import Course
from twintrain.recordings.fit import Rule
from twintrain.recordings.frameworks import Framework
from twintrain.recordings.given import cast, cast_one
from twintrain.recordings.perturbing import perturbed
from twintrain.recordings.samples import Digest, chosen_limit, packed
from twintrain.recordings.trace import Trace
from twintrain.recordings.training import Training

LONGEST_REASON = 300


class Pass(NamedTuple):
    """One of the passes of a recording.

    Attributes:
        calls: in the order of execution.
        inputs: numbers of the tensors that the model was given.
        outputs: numbers of those that it gave.
        shapes: of all tensors, by their numbers.
        predictions: how many outputs training had.
        arrays: what is kept, by their names in the pass.
        digests: of those of which a sample is kept.
    """

    calls: list[Call]
    inputs: list[int]
    outputs: list[int]
    shapes: list[tuple[int, ...]]
    predictions: int
    arrays: dict[str, np.ndarray]
    digests: dict[str, Digest]


class Passes:
    """Makes the passes of a model.

    Attributes:
        made: by their names.
        left_out: why the others could not be made.
        weights: those to begin with, by name.
        limit: up to how many elements arrays are kept whole; None where all are.
    """

    def __init__(
        self,
        framework: Framework,
        model: Any,
        inputs: Any,
        own: dict[str, np.ndarray],
        training: bool,
        trained_by: Training | None,
        limit: int | None,
        precisions: Sequence[str],
    ) -> None:
        """Makes all that can be made.

        Args:
            inputs: arrays (rows, …): one, or several in a tuple, list or dict.
            own: the weights to begin with, by name.
            training: whether layers are to do as in training.
            trained_by: None where forward passes are all that is wanted.
            limit: what the user asks for; without it, one is chosen by how large the arrays are.
            precisions: in which they are made.

        Raises:
            UserError: the first one cannot be made, or gives NaN.
        """
        self.framework, self.model, self.inputs = framework, model, inputs
        self.training, self.trained_by = training, trained_by
        self.made: dict[str, Pass] = {}
        self.left_out: dict[str, str] = {}
        self.weights, self.limit = own, limit
        self.names = passes_of(precisions)
        for name in self.names:
            self._make(name)

    @property
    def first(self) -> Pass:
        """The first one, which there always is."""
        return self.made[self.names[0]]

    def _make(self, name: str) -> None:
        dtype = precision_of(name)
        weights = {
            weight: (perturbed(weight, array) if is_perturbed(name) else array).astype(dtype)
            for weight, array in self.weights.items()
        }
        try:
            trace = self._forward(name, weights)
            shapes = [array.shape for array in trace.arrays]
            if not self.made and self.limit is None:
                self.limit = limit_for(
                    trace, self.weights, self.names, self.trained_by.steps if self.trained_by else None
                )
            arrays, digests = self._packed(trace, dtype)
            course = self._trained(name, weights) if self.trained_by else None
        except UserError as error:
            if name == self.names[0]:
                raise
            self.left_out[name] = str(error)
            return
        predictions = 0
        if course:
            arrays |= course.arrays(self.trained_by.in_precision(dtype).targets, with_next=not is_perturbed(name))
            digests |= {rest: digest for rest, digest in course.digests().items() if rest in arrays}
            predictions = len(course.predictions)
        self.made[name] = Pass(trace.calls, trace.inputs, trace.outputs, shapes, predictions, arrays, digests)

    def _packed(self, trace: Trace, dtype: str) -> tuple[dict[str, np.ndarray], dict[str, Digest]]:
        """What is kept of the tensors of a pass, which the pass then has no more."""
        # What a model holds beside its weights, such as a mask, may be of another precision than the pass.
        arrays = {f"tensor/{number}": cast_one(array, dtype) for number, array in enumerate(trace.arrays)}
        trace.arrays.clear()
        whole = {f"tensor/{number}" for number in trace.inputs}
        return packed(arrays, self.limit, [name for name in arrays if name not in whole])

    def _forward(self, name: str, weights: dict[str, np.ndarray]) -> Trace:
        dtype = precision_of(name)
        with self.framework.state.holding(self.model, weights, dtype):
            trace = recorded_calls(self.framework, self.model, cast(self.inputs, dtype), self.training)
        if not self.made:
            _check_output(trace)
        elif reason := _other(trace, self.first, self.names[0], dtype):
            raise UserError(reason)
        return trace

    def _trained(self, name: str, weights: dict[str, np.ndarray]) -> Course:
        dtype = precision_of(name)
        trained_by = self.trained_by.in_precision(dtype)._replace(limit=self.limit)
        try:
            course = self.framework.fitting.train(self.model, weights, dtype, cast(self.inputs, dtype), trained_by)
        except UserError:
            raise
        except Exception as error:  # whatever a model, a loss or an optimizer of somebody else's raises
            raise UserError(f"the model cannot be trained on the input: {told(error)}") from error
        if course.loss_dtype != dtype and name != self.names[0]:
            raise UserError(f"the loss is computed in {course.loss_dtype}")
        return course


def prepare(framework: Framework, model: Any, inputs: Any) -> None:
    """Lets the model make arrays that it makes when it is called for the first time.

    Raises:
        UserError: it cannot be called.
    """
    try:
        framework.recorder.prepare(model, inputs)
    except Exception as error:  # whatever a model of somebody else's raises
        raise UserError(f"the model cannot be run on the input: {told(error)}") from error


def recorded_calls(framework: Framework, model: Any, inputs: Any, training: bool) -> Trace:
    """What a forward pass calls, see `record_calls`.

    Raises:
        UserError: it cannot be made.
    """
    try:
        return framework.recorder.record_calls(model, inputs, training)
    except Exception as error:  # whatever a model of somebody else's raises
        raise UserError(f"the model cannot be run on the input: {told(error)}") from error


def limit_for(
    trace: Trace, weights: dict[str, np.ndarray], passes: Sequence[str], steps: Sequence[int] | None
) -> int | None:
    """Up to how many elements arrays are kept whole where nobody says it; None where all are.

    Args:
        passes: those that are made, of which each takes four or eight bytes for an element.
        steps: after which weights are kept, beside gradients of two steps; None where there is no training.
    """
    width = sum(np.dtype(precision_of(name)).itemsize for name in passes)
    inputs = {*trace.inputs}
    sizes = [(array.size, width) for number, array in enumerate(trace.arrays) if number not in inputs]
    count = 0 if steps is None else len(steps) + 2
    return chosen_limit([*sizes, *((array.size, width * count) for array in weights.values())])


def rules(framework: Framework, model: Any, trained_by: Training) -> tuple[Rule | None, Rule | None]:
    """What a recording says of the loss and the optimizer, of each that there is.

    Raises:
        UserError: one of them is none, or cannot be made.
    """
    try:
        return framework.fitting.describe(model, trained_by)
    except UserError:
        raise
    except Exception as error:  # whatever a function of somebody else's raises
        raise UserError(f"the optimizer cannot be made: {told(error)}") from error


def dropping(framework: Framework, model: Any, inputs: Any, calls: Sequence[Call]) -> list[str]:
    """Names of what drops numbers in training: layers, functions, and calls of these."""
    by_call = [
        call.name
        for call in calls
        if (call.op == "dropout" and call.options.get("rate")) or call.options.get("dropout")
    ]
    return [*dict.fromkeys(framework.fitting.dropping(model, inputs) + by_call)]


def told(error: BaseException) -> str:
    """What an error says, in a part of a line; Keras says where it was first, and what in bold, some lines below."""
    text = re.sub(r"\x1b\[\d*m", "", str(error))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("Exception encountered")]
    said = "".join(letter for letter in (lines or [""])[0].strip() if letter.isprintable())
    return f"{type(error).__name__}: {said[:LONGEST_REASON]}"


def _check_output(trace: Trace) -> None:
    if not trace.outputs:
        raise UserError("the model gives no tensor; expected a forward pass that returns what it computes")
    if not any(np.isnan(trace.arrays[number]).any() for number in trace.outputs):
        return
    makers = [call for call in trace.calls if any(np.isnan(trace.arrays[number]).any() for number in call.outputs)]
    where = f", first in {makers[0].name} ({makers[0].kind})" if makers else ""
    raise UserError(f"the model gives NaN{where}; expected weights and input of which it computes numbers")


def _other(trace: Trace, first: Pass, name: str, dtype: str) -> str:
    """Why a pass cannot be compared with the first one, of a name; empty where it can."""
    for call in trace.calls:
        found = [trace.arrays[number].dtype for number in call.outputs]
        if others := [str(own) for own in found if own.kind == "f" and own != dtype]:
            return f"{call.name} ({call.kind}) computes in {others[0]}"
    if [call._replace(options={}) for call in trace.calls] != [call._replace(options={}) for call in first.calls]:
        return f"it makes other calls than in {name}"
    if [array.shape for array in trace.arrays] != first.shapes:
        return f"its tensors have other shapes than in {name}"
    return ""
