"""The passes of a recording: the same model on the same rows in two precisions, and with weights a little off."""

import re
from typing import Any, NamedTuple

import numpy as np

from twintrain.errors import UserError
from twintrain.recordings.archive import PASSES
from twintrain.recordings.fit import Rule
from twintrain.recordings.frameworks import Framework
from twintrain.recordings.given import cast
from twintrain.recordings.trace import Trace
from twintrain.recordings.training import Course, Training

# Eight units in the last place of float32: such weights are as good as the others there, and what they change is what
# the model makes of rounding. In float64 it is far above rounding, so that what they change, divided by it, is how much
# the model enlarges a relative error; times float64's precision it is what rounding may come to.
PERTURBATION = 2.0**-20
SEED = 1
LONGEST_REASON = 300


class Pass(NamedTuple):
    """One of `PASSES`.

    Attributes:
        weights: those that the model had.
        course: what training gave; None where there was none.
    """

    trace: Trace
    weights: dict[str, np.ndarray]
    course: Course | None


class Passes:
    """Makes the passes of a model.

    Attributes:
        made: by their names.
        left_out: why the others could not be made.
    """

    def __init__(
        self,
        framework: Framework,
        model: Any,
        inputs: Any,
        own: dict[str, np.ndarray],
        training: bool,
        trained_by: Training | None,
    ) -> None:
        """Makes all that can be made.

        Args:
            inputs: arrays (rows, …): one, or several in a tuple, list or dict.
            own: the weights to begin with, by name.
            training: whether layers are to do as in training.
            trained_by: None where forward passes are all that is wanted.

        Raises:
            UserError: the first one cannot be made, or gives NaN.
        """
        self.framework, self.model, self.inputs = framework, model, inputs
        self.training, self.trained_by = training, trained_by
        self.made: dict[str, Pass] = {}
        self.left_out: dict[str, str] = {}
        for name in PASSES:
            weights = perturbed(own) if is_perturbed(name) else own
            self._make(name, {weight: array.astype(precision_of(name)) for weight, array in weights.items()})

    def _make(self, name: str, weights: dict[str, np.ndarray]) -> None:
        try:
            made = self._forward(name, weights)
            course = self._trained(name, weights) if self.trained_by else None
        except UserError as error:
            if name == PASSES[0]:
                raise
            self.left_out[name] = str(error)
        else:
            self.made[name] = Pass(made, weights, course)

    def _forward(self, name: str, weights: dict[str, np.ndarray]) -> Trace:
        dtype = precision_of(name)
        with self.framework.state.holding(self.model, weights, dtype):
            trace = recorded_calls(self.framework, self.model, cast(self.inputs, dtype), self.training)
        if not self.made:
            _check_output(trace)
        elif reason := _other(trace, self.made[PASSES[0]].trace, dtype):
            raise UserError(reason)
        return trace

    def _trained(self, name: str, weights: dict[str, np.ndarray]) -> Course:
        dtype = precision_of(name)
        trained_by = self.trained_by.in_precision(dtype)
        try:
            course = self.framework.fitting.train(self.model, weights, dtype, cast(self.inputs, dtype), trained_by)
        except UserError:
            raise
        except Exception as error:  # whatever a model, a loss or an optimizer of somebody else's raises
            raise UserError(f"the model cannot be trained on the input: {told(error)}") from error
        if course.dtype != dtype and name != PASSES[0]:
            raise UserError(f"the loss is computed in {course.dtype}")
        return course._replace(next_gradients={}) if is_perturbed(name) else course


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


def is_perturbed(name: str) -> bool:
    """Whether a pass has weights that are a little off."""
    return " " in name


def precision_of(name: str) -> str:
    """The precision of a pass: "float32" or "float64"."""
    return name.partition(" ")[0]


def perturbed(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The weights, each number changed by `PERTURBATION` of itself, up or down; float64."""
    rng = np.random.default_rng(SEED)
    return {name: array * (1 + PERTURBATION * rng.choice([-1.0, 1.0], array.shape)) for name, array in weights.items()}


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


def _other(trace: Trace, first: Trace, dtype: str) -> str:
    """Why a pass cannot be compared with the first one; empty where it can."""
    for call in trace.calls:
        found = [trace.arrays[number].dtype for number in call.outputs]
        if others := [str(own) for own in found if own.kind == "f" and own != dtype]:
            return f"{call.name} ({call.kind}) computes in {others[0]}"
    if [call._replace(options={}) for call in trace.calls] != [call._replace(options={}) for call in first.calls]:
        return f"it makes other calls than in {PASSES[0]}"
    if [array.shape for array in trace.arrays] != [array.shape for array in first.arrays]:
        return f"its tensors have other shapes than in {PASSES[0]}"
    return ""
