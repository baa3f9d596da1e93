"""Which framework a model is of, and the modules that record models of it."""

import importlib
from types import ModuleType
from typing import Any, NamedTuple

from twintrain.errors import UserError, cut


class Framework(NamedTuple):
    """The modules of a framework; those of both have the same functions.

    Attributes:
        name: "torch" or "keras".
        recorder: records calls, and lists weights.
        state: gives a model other weights for a time.
        fitting: trains.
    """

    name: str
    recorder: ModuleType
    state: ModuleType
    fitting: ModuleType


def framework_of(model: Any) -> Framework:
    """The framework of a model.

    Raises:
        UserError: it is of neither.
    """
    homes = [kind.__module__.partition(".")[0] for kind in type(model).__mro__]
    names = [kind.__name__ for kind in type(model).__mro__]
    # On PyTorch, Keras's layers are modules of PyTorch as well.
    for name, base in (("keras", "Layer"), ("torch", "Module")):
        if name in homes and base in names:
            package = f"twintrain.recordings.{name}"
            parts = (importlib.import_module(f"{package}.{part}") for part in ("recorder", "state", "fitting"))
            return Framework(name, *parts)
    kind = f"{type(model).__module__}.{type(model).__qualname__}"
    raise UserError(f"expected a torch.nn.Module or a keras.Model of Keras 3, got {cut(kind)}")
