"""Places the entries of a model file, one layer after those that it takes."""

from collections.abc import Collection
from dataclasses import dataclass, field

from twintrain.data.schema import Schema
from twintrain.errors import UserError, unknown
from twintrain.models.composites import COMPOSITES
from twintrain.models.entries import INPUT, TAKEN, Block, Written, layers_of, read_entry
from twintrain.models.layers import LAYERS
from twintrain.models.layers.activation import Softmax
from twintrain.models.layers.attention import MultiHeadAttention
from twintrain.models.layers.core import Columns, Dense, Embedding
from twintrain.models.layers.join import Join
from twintrain.models.layers.layer import Entry, Layer, Shape, Wrapper
from twintrain.models.layers.padding import given_mask, taken_mask
from twintrain.models.layers.time_distributed import TimeDistributed, check_step
from twintrain.models.outputs import Outputs
from twintrain.models.placed_layer import PlacedLayer, Taken
from twintrain.settings.yaml_files import validated

MAX_LAYERS = 10_000  # beyond it are repeats of repeats


@dataclass
class _Scope:
    """The entries of one stack, which can name each other and nothing else.

    Attributes:
        nodes: names of the layers that give what an entry of a name gives.
        last: the layer that gives what stands before the next entry.
        places: where the entries of a name stand, from 0.
        unused: entries whose output nothing has taken yet, by their layers.
    """

    nodes: dict[str, str]
    last: str
    places: dict[str, int]
    unused: dict[str, str] = field(default_factory=dict)

    def taken(self, written: Written, where: str) -> dict[str, str]:
        """The layers that an entry takes, by what it calls them."""
        if written.sources is None:
            names = {self.last: self.last}
        else:
            names = {source: self._node(source, where) for source in written.sources}
            if len(names) < len(written.sources):
                raise UserError(f"{where}: expected names in from: that differ, got {', '.join(written.sources)}")
        for node in names.values():
            self.unused.pop(node, None)
        return names

    def add(self, name: str | None, node: str, where: str) -> None:
        """Notes what gives the output of the next entry."""
        self.last = node
        self.unused[node] = where
        if name:
            self.nodes[name] = node

    def check(self) -> None:
        """Raises a UserError where nothing takes what an entry before the last one gives."""
        self.unused.pop(self.last, None)
        for where in self.unused.values():
            raise UserError(
                f"{where}: nothing uses what it gives; expected it in a from: of a later entry, or leave it out"
            )

    def _node(self, source: str, where: str) -> str:
        if source in self.nodes:
            return self.nodes[source]
        if source in self.places:
            raise UserError(
                f"{where} takes '{source}', layer {self.places[source] + 1}; expected one that stands before it"
            )
        raise unknown(f"name in from: of {where}:", source, self.nodes)


@dataclass(frozen=True)
class Place:
    """Where entries stand: in the file, or in a block or short form of it.

    Attributes:
        where: in words, for errors.
        scopes: names of the blocks, short forms and wrappers that it is in, the outermost first.
        blocks: those that are being placed there, none of which may stand in itself.
    """

    where: str
    scopes: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()

    def named(self, name: str) -> str:
        """The name in the network of what is called so here."""
        return "_".join((*self.scopes[-1:], name))

    def inside(self, name: str, where: str, block: str | None = None) -> "Place":
        """A place in what is called so here."""
        return Place(where, (*self.scopes, self.named(name)), (*self.blocks, block) if block else self.blocks)


class Placer:
    """Places the entries of a model file for a data set: one layer after those that it takes."""

    def __init__(self, mode: str, schema: Schema, blocks: dict[str, Block], outputs: Outputs) -> None:
        self.mode, self.schema, self.blocks, self.outputs = mode, schema, blocks, outputs
        self.kinds: Collection[str] = [*LAYERS, *COMPOSITES, *blocks]
        self.layers: list[PlacedLayer] = []
        self.shapes: dict[str, Shape] = {INPUT: tuple(schema.input_shape)}
        self.masks: dict[str, str | None] = {INPUT: None}
        self.codes: dict[str, tuple[int, ...]] = {INPUT: schema.input_dims}
        self.names = {INPUT}
        self.count = 0

    def stack(self, entries: list[Entry], given: str, place: Place) -> str:
        """Places entries one after the other.

        Args:
            given: the layer whose output is their input.

        Returns:
            the name of the layer that gives their output.
        """
        read = [
            read_entry(entry, self.kinds, f"{place.where} layer {number}") for number, entry in enumerate(entries, 1)
        ]
        scope = _Scope({INPUT: given}, given, _places(read, place.where))
        for index, written in enumerate(read):
            here = Place(f"{place.where} layer {index + 1} ({written.kind})", place.scopes, place.blocks)
            taken = scope.taken(written, here.where)
            node = self._entry(written, taken, written.name or f"{written.kind}_{index}", here)
            scope.add(written.name, node, here.where)
            if not place.scopes:
                self.outputs.check_shape(written.name, self.shapes[node], here.where)
        scope.check()
        return scope.last

    def _entry(self, written: Written, taken: dict[str, str], name: str, place: Place) -> str:
        kind = written.kind
        if written.repeat is not None and kind not in self.blocks:
            raise UserError(
                f"{place.where}: only a block can be repeated; expected one in place of {kind}, or no repeat"
            )
        least, most = LAYERS[kind].INPUTS if kind in LAYERS else (1, 1)
        if len(taken) < least:
            raise UserError(
                f"{place.where} joins two inputs or more; expected their names, as in from: [main, {INPUT}]"
            )
        if len(taken) > most:
            raise UserError(
                f"{place.where} takes {'one input' if most == 1 else f'at most {most} inputs'}, got "
                f"{', '.join(taken)}; expected add, concatenate or multiply before it"
            )
        if kind in self.blocks:
            return self._block(written, *taken.values(), name, place)
        if kind in COMPOSITES:
            return self._composite(written, *taken.values(), name, place)
        layer = validated(LAYERS[kind], written.arguments or {}, place.where)
        return self._add(self._placed(kind, layer, self._taken(taken), name, place), place)

    def _block(self, written: Written, given: str, name: str, place: Place) -> str:
        if written.kind in place.blocks:
            chain = " in ".join((written.kind, *reversed(place.blocks)))
            raise UserError(f"{place.where}: a block cannot stand in itself, got {chain}")
        entries = layers_of(self.blocks[written.kind], written.arguments, place.where)
        inside = place.inside(name, f"{place.where},", written.kind)
        if written.repeat is None:
            return self.stack(entries, given, inside)
        for turn in range(written.repeat):
            given = self.stack(entries, given, inside.inside(str(turn), inside.where))
        return given

    def _composite(self, written: Written, given: str, name: str, place: Place) -> str:
        """Places the stacks of a short form, and the layer of its name that joins their ends."""
        composite = validated(COMPOSITES[written.kind], written.arguments or {}, place.where)
        number = self._number()
        inside = place.inside(name, place.where)
        ends = {
            key: self.stack(entries, given, inside.inside(key, f"{place.where}, {key},"))
            for key, entries in composite.stacks().items()
        }
        join = self._placed(composite.JOIN, LAYERS[composite.JOIN](), self._taken(ends), name, place, number)
        return self._add(join, place)

    def _taken(self, nodes: dict[str, str]) -> Taken:
        """What layers give, by what they are called where it is taken."""
        known = self.shapes, self.masks, self.codes
        return Taken(nodes, *({name: of_node[node] for name, node in nodes.items()} for of_node in known))

    def _placed(
        self, kind: str, layer: Layer, taken: Taken, name: str, place: Place, number: int | None = None
    ) -> PlacedLayer:
        """A layer at its place.

        Args:
            number: as in `PlacedLayer`; None: the next one.
        """
        number = self._number() if number is None else number
        try:
            layer = self._resolved(layer, taken, place.named(name))
        except UserError as error:
            raise self._misfit(place, error) from None
        parts = self._parts(layer, taken, name, place) if isinstance(layer, Wrapper) else ()
        try:
            self._check(layer, taken)
            mask = taken_mask(layer, kind, taken)
            match layer:
                case Join():
                    output_shape = layer.joined_shape(taken.shapes)
                case Wrapper():
                    output_shape = layer.wrapped_shape(taken.shape, [part.output_shape for part in parts])
                case _:
                    output_shape = layer.output_shape(taken.shape)
        except UserError as error:
            raise self._misfit(place, error) from None
        return PlacedLayer(
            name=place.named(name),
            kind=kind,
            layer=layer,
            input_shape=taken.shape,
            output_shape=output_shape,
            inputs=taken.inputs,
            parts=parts,
            mask=mask,
            output_mask=given_mask(layer, place.named(name), taken, output_shape),
            times=taken.times,
            number=number,
            scopes=place.scopes,
        )

    def _parts(self, wrapper: Wrapper, taken: Taken, name: str, place: Place) -> tuple[PlacedLayer, ...]:
        of_steps, parts = isinstance(wrapper, TimeDistributed), []
        for key, entry in wrapper.parts().items():
            where = f"{place.where}, {key}, layer 1"
            written = read_entry(entry, LAYERS, where)
            inside = place.inside(name, "").inside(key, f"{where} ({written.kind})")
            if written.model_fields_set > {"kind", "arguments"}:
                raise UserError(f"{inside.where}: expected nothing beside it, since it is a part of {place.where}")
            layer = validated(LAYERS[written.kind], written.arguments or {}, inside.where)
            if of_steps:
                try:
                    check_step(written.kind, layer, taken.shape)
                except UserError as error:
                    raise self._misfit(inside, error) from None
            given = taken.each_step() if of_steps else taken
            parts.append(self._placed(written.kind, layer, given, f"{written.kind}_0", inside))
        return tuple(parts)

    def _add(self, placed: PlacedLayer, place: Place) -> str:
        for name in (each.name for each in placed.walk()):
            if name in self.names or name in TAKEN:
                taken = "as another layer is" if name in self.names else "which has a meaning already"
                raise UserError(f"{place.where} would be called '{name}', {taken}; expected another name")
            self.names.add(name)
        if len(self.layers) == MAX_LAYERS:
            raise UserError(f"{place.where}: expected at most {MAX_LAYERS:,} layers, got more")
        self.layers.append(placed)
        self.shapes[placed.name], self.masks[placed.name] = placed.output_shape, placed.output_mask
        self.codes[placed.name] = placed.layer.input_dims if isinstance(placed.layer, Columns) else ()
        return placed.name

    def _misfit(self, place: Place, error: UserError) -> UserError:
        return UserError(f"{place.where} does not fit {self.schema.dataset}: {error}")

    def _number(self) -> int:
        self.count += 1
        return self.count - 1

    def _resolved(self, layer: Layer, taken: Taken, name: str) -> Layer:
        """Fills in what the data set, the graph and the mode decide."""
        if isinstance(layer, Dense) and layer.units == "outputs":
            layer = layer.model_copy(update={"units": self.outputs.units(name)})
        if isinstance(layer, MultiHeadAttention) and len(taken.shapes) > 1:
            layer = layer.model_copy(update={"memory_shape": [*taken.shapes.values()][1]})
        if isinstance(layer, Embedding):
            layer = layer.model_copy(update={"input_dims": taken.first_codes})
        if isinstance(layer, Columns) and INPUT in taken.inputs and self.schema.feature_names:
            layer = layer.of_table(self.schema.places_by_name(), taken.first_codes)
        return layer.aligned() if self.mode == "aligned" else layer

    def _check(self, layer: Layer, taken: Taken) -> None:
        if self.schema.tokens and any(taken.codes.values()) and getattr(layer, "input", None) != "tokens":
            raise UserError("the words of a text need embedding: {input: tokens} as the first layer")
        if any(taken.codes.values()) and not isinstance(layer, Embedding | Columns):
            raise UserError("category codes need an embedding as the first layer, or preprocess.categorical: onehot")
        if isinstance(layer, Softmax):
            raise UserError(
                "softmax is for reading the logits and goes last; elsewhere: activation: {function: softmax}"
            )


def _places(read: list[Written], where: str) -> dict[str, int]:
    """Where each name of a stack stands."""
    places: dict[str, int] = {}
    for index, written in enumerate(read):
        if (name := written.name) in places:
            here = f"{where} layer {index + 1} ({written.kind})"
            raise UserError(f"{here}: expected another name, '{name}' is that of layer {places[name] + 1}")
        if name:
            places[name] = index
    return places
