"""Stands in for the calls of a Keras model's layers, and of Keras's functions, so that they are recorded."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import keras
from keras import ops

from twintrain.recordings.keras import functions as keras_functions
from twintrain.recordings.keras import layers as keras_layers
from twintrain.recordings.keras import settings as keras_settings
from twintrain.recordings.keras.backends import backend_functions
from twintrain.recordings.keras.places import Place, walk
from twintrain.recordings.keras.state import only_tensors
from twintrain.recordings.trace import Description, Trace, by_key, flat, set_in

# They hold layers and are no call; all other layers of Keras's own are one, whatever they hold.
CONTAINERS = (keras.Layer, keras.Model, keras.Sequential)
FUNCTIONS = (keras.ops, keras.ops.image, keras.ops.nn, keras.ops.numpy, keras.activations)
# They compute nothing, or call a function of the user's with tensors that are no values yet.
UNHEARD = {
    *(
        "convert_to_numpy",
        "convert_to_tensor",
        "dtype",
        "get",
        "deserialize",
        "serialize",
        "is_tensor",
        "ndim",
        "shape",
    ),
    *(
        "cond",
        "custom_gradient",
        "fori_loop",
        "map",
        "scan",
        "associative_scan",
        "switch",
        "vectorized_map",
        "while_loop",
    ),
    *("vectorize", "size", "grad", "jvp"),
}
OPERATORS = {
    **{"__add__": "add", "__radd__": "add", "__mul__": "multiply", "__rmul__": "multiply"},
    **{"__sub__": "subtract", "__rsub__": "subtract", "__truediv__": "divide", "__rtruediv__": "divide"},
    **{"__matmul__": "matmul", "__neg__": "negative", "__pow__": "power", "__getitem__": "get_item"},
}


def is_leaf(layer: keras.Layer) -> bool:
    """Whether a layer is one call: one of Keras's own that does what Keras's does."""
    stock = _stock(layer)
    if issubclass(stock, keras.layers.Dropout):  # one of somebody's own, as with other masks, drops at a rate as well
        return True
    own = type(layer).call is not stock.call or "call" in vars(layer) or _is_of_own_code(layer)
    return not (own or stock in CONTAINERS or isinstance(layer, keras.Model))


def _is_of_own_code(layer: keras.Layer) -> bool:
    """Whether one of Keras's layers calls a function of the user's."""
    function = layer.activation if isinstance(layer, keras.layers.Activation) else None
    of_keras = function is None or getattr(function, "__module__", "").partition(".")[0] == "keras"
    return isinstance(layer, keras.layers.Lambda) or not of_keras


class Calls:
    """What stands in for calls."""

    def __init__(self, trace: Trace, names: dict[int, str]) -> None:
        """Takes the names of the model's arrays by their identity."""
        self.trace = trace
        self.names = names

    def replaced(self, model: keras.Layer) -> Iterator[contextlib.AbstractContextManager[None]]:
        """For each thing that is called: what makes it be recorded for a time."""
        for place in walk(model):
            if is_leaf(place.layer):
                yield set_in(place.layer, self._leaf(place))
            elif place.path:
                yield set_in(place.layer, {"call": self._container(place)})
            for operation in place.operations:
                yield set_in(operation, {"call": self._operation(place.path, operation)})
        for module in FUNCTIONS:
            yield set_in(module, self._functions(module))
        for module, names in backend_functions():
            yield set_in(
                module, {name: self._named_function(known, vars(module)[name]) for name, known in names.items()}
            )
        for kind in (type(ops.convert_to_tensor(0.0)), keras.Variable):
            yield from self._operators(kind)

    def _leaf(self, place: Place) -> dict[str, Callable[..., Any]]:
        """The call of a layer that is one call, and its activation, if that is a call of its own."""
        layer, trace, call = place.layer, self.trace, place.layer.call
        activation = None if isinstance(layer, keras.layers.Activation) else vars(layer).get("activation")
        activated: list[tuple[Any, Any]] = []

        @functools.wraps(call)
        def called(*values: Any, **named: Any) -> Any:
            if trace.depth:
                return call(*values, **named)
            numbers = [trace.number(tensor) for tensor in only_tensors((values, named))]
            activated.clear()
            with trace.inside():
                result = call(*values, **named)
            outputs = only_tensors(by_key(result))
            self._add_layer(place, bool(named.get("training")), numbers, outputs, activation, activated)
            return result

        @functools.wraps(activation, updated=())
        def keep(values: Any, *others: Any, **named: Any) -> Any:
            result = activation(values, *others, **named)
            if trace.depth == 1:
                activated.append((values, result))
            return result

        return {"call": called} if keras_settings.is_linear(activation) else {"call": called, "activation": keep}

    def _add_layer(
        self,
        place: Place,
        training: bool,
        numbers: list[int],
        outputs: list[Any],
        activation: Any,
        activated: list[tuple[Any, Any]],
    ) -> None:
        layer, name = place.layer, place.path or place.layer.name
        rank = self.trace.arrays[numbers[0]].ndim if numbers else 0
        described = keras_layers.describe(layer, rank, training)
        kind, weights = type(layer).__name__, self._named(described)
        if len(activated) == len(outputs) == 1 and activated[0][1] is outputs[0]:
            before, after = activated[0]
            described = described._replace(options={**described.options})
            described.options.pop("activation", None)
            self.trace.add(name, kind, described, numbers, [before], weights)
            described = keras_layers.describe_activation(activation, len(before.shape))
            weights = self._named(described)
            numbers = [self.trace.number(before)]
            name, kind = f"{name}/activation", keras_settings.activation_name(activation)
            outputs = [after]
        elif activated:
            described = described._replace(
                options={**described.options, "activation": keras_settings.activation_name(activation)}
            )
        self.trace.add(name, kind, described, numbers, outputs, weights)

    def _container(self, place: Place) -> Callable[..., Any]:
        """The call of a layer that holds others, or of one of the user's own: one call, if it is not seen into."""
        layer, trace, call = place.layer, self.trace, place.layer.call
        is_opaque = type(layer) is not _stock(layer) or _is_of_own_code(layer)

        @functools.wraps(call)
        def called(*values: Any, **named: Any) -> Any:
            if trace.depth:
                return call(*values, **named)
            numbers = [trace.number(tensor) for tensor in only_tensors((values, named))]
            trace.enter(place.path)
            try:
                result = call(*values, **named)
                outputs = only_tensors(by_key(result))
                if is_opaque and not trace.is_seen(outputs):
                    trace.forget_place()
                    described = Description(None, keras_settings.settings(layer), keras_settings.roles_of(layer))
                    trace.add(place.path, type(layer).__name__, described, numbers, outputs, self._named(described))
            finally:
                trace.leave()
            return result

        return called

    def _operation(self, path: str, operation: keras.Operation) -> Callable[..., Any]:
        """The call of a function between the layers of a functional model."""
        own = {name: value for name, value in vars(operation).items() if name[0] != "_" and name != "name"}
        label = "/".join(filter(None, (path, operation.name)))
        return self._function(keras_functions.name_of(operation), operation.call, lambda: label, own)

    def _functions(self, module: Any) -> dict[str, Callable[..., Any]]:
        found = {name: value for name, value in vars(module).items() if name[0] != "_" and name not in UNHEARD}
        functions = {name: value for name, value in found.items() if callable(value) and not isinstance(value, type)}
        return {name: self._named_function(name, function) for name, function in functions.items()}

    def _named_function(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function of that name, whose calls are numbered where they are made."""
        return self._function(name, function, functools.partial(self.trace.function_name, name))

    def _function(
        self, name: str, function: Callable[..., Any], label: Callable[[], str], own: dict[str, Any] | None = None
    ) -> Callable[..., Any]:
        """A function that is recorded.

        Args:
            label: gives the name of the call.
            own: settings that it has beside its arguments.
        """
        trace = self.trace

        @functools.wraps(function)
        def called(*values: Any, **named: Any) -> Any:
            if trace.depth:
                return function(*values, **named)
            given = only_tensors((values, named))
            numbers = [trace.number(tensor) for tensor in given]
            with trace.inside():
                result = function(*values, **named)
            outputs = only_tensors(by_key(result))
            if outputs and not all(any(output is tensor for tensor in given) for output in outputs):
                used = [leaf for leaf in flat((values, named)) if id(leaf) in self.names]
                if not used and not trace.is_computed(numbers):
                    for output in outputs:
                        trace.keep_constant(output)
                    return result
                settings = {**(own or {}), **keras_functions.bound(function, values, named)}
                shape = tuple(given[0].shape) if given else ()
                described = keras_functions.describe(name, settings, shape, tuple(outputs[0].shape))
                weights = {f"operand_{n}" if n else "operand": self.names[id(leaf)] for n, leaf in enumerate(used)}
                trace.add(label(), name, described, numbers, outputs, weights)
            return result

        return called

    def _operators(self, kind: type) -> Iterator[contextlib.AbstractContextManager[None]]:
        """Operators of tensors, where the class of tensors lets them be replaced."""
        for method, name in OPERATORS.items():
            if hasattr(kind, method):
                yield _set_on(kind, method, self._named_function(name, getattr(kind, method)))

    def _named(self, described: Description) -> dict[str, str]:
        return {role: self.names[id(array)] for role, array in described.roles.items() if id(array) in self.names}


@contextlib.contextmanager
def _set_on(kind: type, name: str, value: Any) -> Iterator[None]:
    """Sets an attribute of a class for a time: on it, or on the class that it has it of."""
    owner = next(base for base in kind.__mro__ if name in vars(base))
    for changed in dict.fromkeys((kind, owner)):
        before = vars(changed).get(name)
        try:
            setattr(changed, name, value)
        except TypeError:  # a class that cannot be changed
            continue
        try:
            yield
        finally:
            if before is None:
                delattr(changed, name)
            else:
                setattr(changed, name, before)
        return
    yield  # what its operators do goes unseen


def _stock(layer: keras.Layer) -> type[keras.Layer]:
    """The class of Keras's own that a layer is of, or comes from."""
    return next(kind for kind in type(layer).__mro__ if kind.__module__.partition(".")[0] == "keras")
