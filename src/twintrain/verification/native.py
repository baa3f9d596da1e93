"""What the frameworks' own defaults differ in, and what each difference alone does to a training.

Both frameworks build the native network and say what they have filled in. Keras can be told all of it but its own
formulas, so it trains the network by PyTorch's defaults, and then again for each difference with that one default of
its own.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from twintrain.models.layers.normalization import BatchNorm
from twintrain.models.network import Network, PlacedLayer
from twintrain.settings.sections.optimizers import Optimizer

RULE, VARIANCE, AGAIN = "update rule", "running variance", "initial weights"
OPTIMIZER = "optimizer"
# Rules whose formula is the same in both frameworks.
SAME_RULES = {"sgd", "adadelta"}

Conventions = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Difference:
    """One default that the frameworks do not share.

    Attributes:
        place: kind of layer, of an activation its function, or the optimizer.
        name: what differs there.
        torch: PyTorch's.
        keras: Keras's.
        effect: largest change of a logit after the steps, where Keras's stands alone among PyTorch's.
        metric: what that does on the test rows to the accuracy, the absolute error or the IoU.
    """

    place: str
    name: str
    torch: Any
    keras: Any
    effect: float | None = None
    metric: float | None = None


@dataclass(frozen=True)
class Described:
    """What a framework makes of the native network.

    Attributes:
        layers: arguments that the layer list leaves open, by layer and name.
        optimizer: options of the update rule.
        initial: arrays before training.
        again: arrays before training of the next seed.
        logits: of the test rows after some steps.
    """

    layers: Conventions
    optimizer: dict[str, Any]
    initial: dict[str, np.ndarray]
    again: dict[str, np.ndarray]
    logits: np.ndarray


@dataclass(frozen=True)
class Setting:
    """What Keras is told for one training.

    Attributes:
        unbiased: whether running variances are corrected to be PyTorch's.
        own_rule: whether the update rule is Keras's.
    """

    layers: Conventions
    optimizer: dict[str, Any]
    initial: dict[str, np.ndarray]
    unbiased: bool = True
    own_rule: bool = False


def differences(network: Network, optimizer: Optimizer, torch: Described, keras: Described) -> list[Difference]:
    """Lists what the two do differently; the effects are still to be measured."""
    found = _of_layers(network, torch.layers, keras.layers)
    if any(isinstance(placed.layer, BatchNorm) for placed in network.walk()):
        found.append(Difference("batch_norm", VARIANCE, "unbiased", "biased"))
    found += _of_weights(network, torch.initial, keras.initial)
    found += [
        Difference(OPTIMIZER, name, torch.optimizer[name], value)
        for name, value in keras.optimizer.items()
        if torch.optimizer.get(name, value) != value
    ]
    if optimizer.name not in SAME_RULES:
        found.append(Difference(OPTIMIZER, RULE, "its own", "its own"))
    # Beside the effects of other initial weights, that of chance in drawing them.
    found.append(Difference("all layers", AGAIN, "one seed", "PyTorch, next seed"))
    return found


def with_conventions(network: Network, conventions: Conventions) -> Network:
    """The aligned network with these values where the layer list leaves something open."""

    def fill(placed: PlacedLayer) -> PlacedLayer:
        layer = placed.layer.model_copy(update=conventions.get(placed.name, {})).aligned()
        return dataclasses.replace(placed, layer=layer, parts=tuple(fill(part) for part in placed.parts))

    return dataclasses.replace(network, mode="aligned", layers=tuple(fill(placed) for placed in network.layers))


def switched(network: Network, torch: Described, keras: Described, difference: Difference | None) -> Setting:
    """PyTorch's defaults, with one of Keras's in all places that a difference is about."""
    layers, optimizer, initial = dict(torch.layers), dict(torch.optimizer), dict(torch.initial)
    if difference is None:
        return Setting(layers, optimizer, initial)
    for placed in network.walk():
        if _place(placed) == difference.place:
            if difference.name in layers.get(placed.name, {}):
                layers[placed.name] = {**layers[placed.name], difference.name: difference.keras}
            initial |= {name: keras.initial[name] for name in placed.weights() if _initial(name) == difference.name}
    if difference.place == OPTIMIZER and difference.name in optimizer:
        optimizer[difference.name] = difference.keras
    if difference.name == AGAIN:
        initial = torch.again
    if difference.name == RULE:
        optimizer = {name: value for name, value in optimizer.items() if name in keras.optimizer}
    return Setting(layers, optimizer, initial, difference.name != VARIANCE, difference.name == RULE)


def _of_layers(network: Network, torch: Conventions, keras: Conventions) -> list[Difference]:
    found: dict[tuple[str, str], Difference] = {}
    for placed in network.walk():
        for name, value in keras.get(placed.name, {}).items():
            own = torch[placed.name][name]
            if not np.isclose(own, value, rtol=1e-9, atol=0):
                found[_place(placed), name] = Difference(_place(placed), name, own, value)
    return list(found.values())


def _of_weights(network: Network, torch: dict[str, np.ndarray], keras: dict[str, np.ndarray]) -> list[Difference]:
    found: dict[tuple[str, str], Difference] = {}
    for placed in network.walk():
        for name in placed.weights():
            if not np.array_equal(torch[name], keras[name]):
                shown = Difference(_place(placed), _initial(name), _described(torch[name]), _described(keras[name]))
                found.setdefault((shown.place, shown.name), shown)
    return list(found.values())


def _described(array: np.ndarray) -> str:
    """How an array was drawn, as it can be seen: its values, or the size of them."""
    if np.ptp(array) == 0:
        return f"all {array.flat[0]:g}"
    return f"σ {array.std():.2g}, up to {np.abs(array).max():.2g}"


def _initial(name: str) -> str:
    """What the initial values of an array are called: those of `dense_0/kernel` are `initial kernel`."""
    array = name.split("/")[1]
    return f"initial {'tables' if array.startswith('column_') else array}"


def _place(placed: PlacedLayer) -> str:
    """The kind of a layer, of an activation its function."""
    return getattr(placed.layer, "function", placed.kind)
