"""Trains a Keras model on the recorded rows: loss, gradients and weights after steps."""

import contextlib
import functools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from keras.src.losses.losses import LossFunctionWrapper

from twintrain.errors import UserError, cut, unknown
from twintrain.recordings.course import Course
from twintrain.recordings.fit import Rule
from twintrain.recordings.keras import losses, optimizers
from twintrain.recordings.keras.backends import backend_kept, compiled, differentiated
from twintrain.recordings.keras.places import walk
from twintrain.recordings.keras.state import arrays_of, casting, copied, given, left_alone, only_tensors
from twintrain.recordings.trace import by_key, keeping_random, mapped, set_in
from twintrain.recordings.training import Training, check_gradients, check_loss, check_number

# What they are kept from, by their own names for it.
DROPPING: dict[type, tuple[str, ...]] = {
    layers.Dropout: ("rate",),
    layers.AlphaDropout: ("rate",),
    layers.GaussianDropout: ("rate",),
    layers.GaussianNoise: ("stddev",),
    layers.LSTMCell: ("dropout", "recurrent_dropout"),
    layers.GRUCell: ("dropout", "recurrent_dropout"),
    layers.SimpleRNNCell: ("dropout", "recurrent_dropout"),
    layers.MultiHeadAttention: ("_dropout",),
    layers.GroupQueryAttention: ("_dropout",),
}


def describe(model: keras.Model, training: Training) -> tuple[Rule | None, Rule | None]:
    """Describes loss and optimizer, each if there is one.

    Raises:
        UserError: one of them is none that Keras could take, or the optimizer is of other arrays.
    """
    if training.loss is not None:
        _loss(training.loss, keras.config.floatx())
    optimizer = None if training.optimizer is None else optimizers.describe(training.optimizer, model)
    return None if training.loss is None else losses.describe(training.loss), optimizer


def dropping(model: keras.Model, inputs: Any) -> list[str]:
    """Names of the layers that drop numbers in training, or add noise to them, and of the function that does.

    Args:
        inputs: arrays, see `record_calls`.
    """
    names = [place.path or place.layer.name for place in walk(model) if _dropping(place.layer)]
    values = given(model, inputs)
    with left_alone(model), _without_dropout(model) as functions:
        model(values, training=True)
    return [*names, *functions]


def train(model: keras.Model, weights: dict[str, np.ndarray], dtype: str, inputs: Any, training: Training) -> Course:
    """Trains the model from other weights, in training mode without dropout; it is left as it was.

    Args:
        weights: as `read_weights` gives them.
        dtype: "float32" or "float64".
        inputs: arrays, see `record_calls`.

    Raises:
        UserError: the loss is no number at the start.
        Exception: what the model, the loss or the optimizer raises.
    """
    with contextlib.ExitStack() as stack:
        for context in (keeping_random(), casting(model, dtype), backend_kept(), _without_dropout(model)):
            stack.enter_context(context)
        stack.enter_context(warnings.catch_warnings(category=UserWarning, action="ignore"))  # of missing gradients
        run = _Run(model, weights, dtype, inputs, training)
        take_step = None if training.optimizer is None else run.stepping(training.optimizer)
        course = Course(dtype, training.limit)
        for step in range(1, max(training.steps, default=1) + 1):
            value, gradients = run.forward()
            course.losses.append(float(ops.convert_to_numpy(value)))
            if step == 1:
                check_number(course.losses[0])
                check_gradients(any(gradient is not None for gradient in gradients))
                course.predictions.extend(map(copied, only_tensors(run.outputs)))
                course.penalty, course.loss_dtype = float(ops.convert_to_numpy(run.penalty)), run.loss_dtype
            course.keep_gradients(step, run.named(gradients))
            if take_step:
                take_step(gradients)
            if step in training.steps:
                course.keep_weights(step, run.weights())
    return course


class _Run:
    """A model in training, whose arrays are not its own.

    Attributes:
        outputs: what the model gave last.
        penalty: the part of the last loss that layers have added.
        loss_dtype: in which the loss was computed.
    """

    def __init__(
        self, model: keras.Model, weights: dict[str, np.ndarray], dtype: str, inputs: Any, training: Training
    ) -> None:
        self.model, self.dtype = model, dtype
        self.inputs = given(model, inputs)
        self.targets = mapped(training.targets, ops.convert_to_tensor)
        self.loss = _loss(training.loss, dtype)
        self.names = {id(array): name for name, array in arrays_of(model).items()}
        trainable = {id(array) for array in model.trainable_weights}
        self.trained = [array for array in model.variables if id(array) in trainable]
        self.others = [array for array in model.variables if id(array) not in trainable]
        self.stand_ins = [_stand_in(array, weights[self.names[id(array)]], dtype) for array in self.trained]
        self.values = [self._start(array, weights) for array in self.others]
        self.outputs: list[Any] = []
        self.penalty: Any = 0.0
        self.loss_dtype = dtype
        self._differentiated = differentiated(self._loss_of)

    def forward(self) -> tuple[Any, list[Any]]:
        """The loss, and its gradients by the trained arrays, None where there is none."""
        values = [ops.convert_to_tensor(array.value) for array in self.stand_ins]
        value, (self.outputs, self.penalty, self.values), gradients = self._differentiated(values, self.values)
        return value, gradients

    def stepping(self, optimizer: Any) -> Callable[[list[Any]], None]:
        """What takes a step by gradients, as an optimizer would."""
        optimizer = optimizers.renewed(optimizer, [*zip(self.trained, self.stand_ins, strict=True)], self.dtype)
        return compiled(lambda gradients: optimizer.apply(gradients, self.stand_ins))

    def named(self, gradients: list[Any]) -> Iterator[tuple[str, np.ndarray]]:
        """Gradients by the names of weights, of those that have one."""
        found = zip(self.trained, gradients, strict=True)
        yield from ((self.names[id(array)], copied(gradient)) for array, gradient in found if gradient is not None)

    def weights(self) -> Iterator[tuple[str, np.ndarray]]:
        """The arrays of floats as they are now."""
        values = [*(array.value for array in self.stand_ins), *self.values]
        found = zip((*self.trained, *self.others), values, strict=True)
        yield from ((self.names[id(array)], copied(value)) for array, value in found if id(array) in self.names)

    def _start(self, array: keras.Variable, weights: dict[str, np.ndarray]) -> Any:
        name = self.names.get(id(array))
        return ops.convert_to_tensor(copied(array.value) if name is None else weights[name], dtype=array.dtype)

    def _loss_of(self, values: list[Any], others: list[Any]) -> tuple[Any, Any]:
        """The loss for values of the arrays; with outputs, the layers' part of it, and the values afterwards."""
        state = [*zip(self.trained, values, strict=True), *zip(self.others, others, strict=True)]
        with keras.StatelessScope(state_mapping=state, collect_losses=True) as scope:
            outputs = self.model(self.inputs, training=True)
            value = self.loss(self.targets, outputs)
            check_loss(value.shape)
            self.loss_dtype = keras.backend.standardize_dtype(value.dtype)
            penalty = sum((ops.sum(each) for each in self.model.losses), start=ops.zeros((), value.dtype))
        after = [scope.get_current_value(array) for array in self.others]
        return value + penalty, (only_tensors(by_key(outputs)), penalty, after)


def _stand_in(array: keras.Variable, value: np.ndarray, dtype: str) -> keras.Variable:
    """An array of its own, of which an optimizer finds what it finds of the model's."""
    made = keras.Variable(value.astype(dtype), dtype=dtype, name=array.name)
    made.constraint = array.constraint
    return made


def _loss(loss: Any, dtype: str) -> Callable[[Any, Any], Any]:
    """The loss of targets and outputs in a precision, as `compile` takes it."""
    if isinstance(loss, str):
        try:
            loss = keras.losses.get(loss)
        except ValueError:
            raise unknown("loss", loss, losses.OPS | losses.FUNCTIONS) from None
    if not callable(loss):
        kind = cut(type(loss).__name__)
        raise UserError(f"loss=: expected a keras.losses.Loss, its name, or a function of y and outputs, got {kind}")
    if not isinstance(loss, keras.losses.Loss):
        return lambda targets, outputs: _of_function(loss, dtype, targets, outputs)
    # What it computes in was said when it was made.
    made = object.__new__(type(loss))
    vars(made).update(vars(loss), _dtype=dtype, _dtype_policy=keras.DTypePolicy(dtype))
    return made


def _of_function(loss: Callable[[Any, Any], Any], dtype: str, targets: Any, outputs: Any) -> Any:
    """The mean of what a function gives; of one output, with targets of as many axes, as `compile` has it."""
    if ops.is_tensor(targets) and ops.is_tensor(outputs):
        return LossFunctionWrapper(loss, dtype=dtype)(targets, outputs)
    return ops.mean(loss(targets, outputs))


def _dropping(layer: keras.Layer) -> dict[str, Any]:
    """What a layer is to have instead, so that it drops nothing."""
    names = next((names for kind, names in DROPPING.items() if isinstance(layer, kind)), ())
    if names:
        return {name: 0.0 for name in names if vars(layer).get(name)}
    # Those of others are known by their names: DropPath, StochasticDepth.
    name, call = type(layer).__name__.lower(), layer.call
    if layer.weights or not ("drop" in name or "stochastic" in name):
        return {}
    return {"call": functools.wraps(call)(lambda *values, **named: call(*values, **{**named, "training": False}))}


@contextlib.contextmanager
def _without_dropout(model: keras.Model) -> Iterator[dict[str, None]]:
    """Keeps layers and functions from dropping numbers.

    Yields:
        as keys, names of the functions that would have dropped some.
    """
    functions: dict[str, None] = {}

    def undropped(inputs: Any, rate: float, *_: Any, **__: Any) -> Any:
        if rate:
            functions["random.dropout"] = None
        return inputs

    with contextlib.ExitStack() as stack:
        for place in walk(model):
            stack.enter_context(set_in(place.layer, _dropping(place.layer)))
        stack.enter_context(set_in(keras.random, {"dropout": undropped}))
        yield functions
