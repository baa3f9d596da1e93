"""The layers of a network as a table: what each takes, its settings, shape, parameters and operations."""

import math

from rich import box
from rich.console import Console
from rich.table import Table

from twintrain.models.flops import flops, layer_flops
from twintrain.models.layers.layer import Layer, Shape
from twintrain.models.network import Network, PlacedLayer

COLUMNS = ("layer", "takes", "kind and settings", "output", "parameters", "FLOPs")
NUMBERS = COLUMNS[3:]
THE_ONE_ABOVE = "↑"
WIDE = 1000  # letters: a name is not cut, however narrow the terminal


def print_layers(network: Network, title: str) -> None:
    """Prints the layers and their sums."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in COLUMNS:
        table.add_column(heading, justify="right" if heading in NUMBERS else "left")
    above = ""
    head = network.placed_head()
    for placed in [*network.walk(), *([head] if head else [])]:
        table.add_row(*_cells(placed, above))
        above = placed.name
    Console(width=WIDE).print(table)
    print(_sums(network))


def described(placed: PlacedLayer) -> str:
    """The kind of a layer, what is set of it but for conventions that `aligned` fills in, and what it leaves out."""
    given = [f"{name} {_shown(value)}" for name, value in _settings(placed.layer)]
    given += ["without padding"] if placed.mask else []
    return " ".join([placed.kind, ", ".join(given)]).rstrip()


def shape_text(shape: Shape) -> str:
    """A shape as it is written in print: `28 × 28 × 1`."""
    return " × ".join(map(str, shape))


def _settings(layer: Layer) -> list[tuple[str, object]]:
    """What a file says, what must be said first; of what is filled in, what is short enough to be shown."""
    fields = type(layer).model_fields
    given = [
        name
        for name, value in layer
        if name in layer.model_fields_set and fields[name].repr and value != layer.ALIGNED.get(name)
    ]
    return [(name, getattr(layer, name)) for name in sorted(given, key=lambda name: not fields[name].is_required())]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, list | tuple):
        return str(value)
    return ", ".join(value) if all(isinstance(each, str) for each in value) else shape_text(value)


def _cells(placed: PlacedLayer, above: str) -> list[str]:
    takes = THE_ONE_ABOVE if placed.inputs == (above,) else "\n".join(placed.inputs)
    counts = [sum(math.prod(weight.shape) for weight in placed.weights().values()), layer_flops(placed)]
    shown = [f"{count:,}" if count else "–" for count in counts]
    return [placed.name, takes, described(placed), shape_text(placed.output_shape), *shown]


def _sums(network: Network) -> str:
    weights = network.weights().values()
    trained, kept = (
        sum(math.prod(weight.shape) for weight in weights if weight.trainable is is_trained)
        for is_trained in (True, False)
    )
    statistics = f", and {kept:,} running statistics" if kept else ""
    return f"{len(network.layers)} layers, {trained:,} parameters{statistics}, {flops(network):,} FLOPs a row"
