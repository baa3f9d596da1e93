"""Which entries of a model file give the outputs of which target, where a network has several."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from twintrain.data.schema import Schema
from twintrain.errors import UserError, shown, unknown
from twintrain.models.layers.layer import Entry, Shape


@dataclass(frozen=True)
class Outputs:
    """The outputs of a network, which stand side by side in one array, in the order of the targets.

    Attributes:
        entries: names of the entries that give them, by target; empty where the last entry gives all.
    """

    schema: Schema
    entries: dict[str, str] = field(default_factory=dict)

    def check_names(self, known: Iterable[str], source: str) -> None:
        """Checks that each target has an entry of its own, one of the known names.

        Raises:
            UserError: this is not so.
        """
        if not self.entries:
            return
        targets, where = self.schema.targets, f"{source}: outputs"
        if not targets:
            raise UserError(
                f"{where} are of several targets, and {self.schema.dataset} has one; "
                "expected preprocess.further, or no outputs"
            )
        for target, entry in self.entries.items():
            if target not in targets:
                raise unknown(f"target in {where}:", target, targets)
            if entry not in known:
                raise unknown(f"entry in {where}.{target}:", entry, known)
        if missing := [target for target in targets if target not in self.entries]:
            raise UserError(f"{where}: expected an entry for each of {', '.join(targets)}; '{missing[0]}' has none")
        if len({*self.entries.values()}) < len(self.entries):
            raise UserError(f"{where}: expected entries that differ, got {shown(self.entries)}")

    def check_shape(self, entry: str | None, shape: Shape, where: str) -> None:
        """Raises a UserError where an entry gives the outputs of a target in another number than its labels need."""
        target = self._target(entry)
        if target is None:
            return
        asked = self.schema.targets[target]
        if shape != (asked.outputs,):
            raise UserError(
                f"{where} gives the outputs of '{target}', whose labels are {', '.join(asked.labels)}: "
                f"expected {(asked.outputs,)}, got {shape}; end with dense: {{units: {asked.outputs}}}"
            )

    def units(self, layer: str) -> int:
        """What `outputs` stands for in a layer: the outputs of the target that it gives, else all."""
        target = self._target(layer)
        return self.schema.outputs if target is None else self.schema.targets[target].outputs

    def joined(self) -> list[Entry]:
        """What comes after the entries of the model file."""
        if not self.entries:
            return []
        return [{"concatenate": None, "from": [self.entries[target] for target in self.schema.targets]}]

    def _target(self, entry: str | None) -> str | None:
        return next((target for target, giving in self.entries.items() if giving == entry), None)
