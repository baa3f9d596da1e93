"""The `sweep:` section of a preset: which parameters vary, between what, and by what trials are judged."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

from pydantic import Field

from twintrain.data.schema import Schema
from twintrain.errors import UserError
from twintrain.settings.presets import annotation_of, changed_params, read_sweep_section
from twintrain.settings.sections.losses import GAINS
from twintrain.settings.sections.section import Section
from twintrain.settings.yaml_files import validated
from twintrain.system import project

if TYPE_CHECKING:
    import optuna

# What may vary: all else decides by which rows trials are judged, or changes no training.
SWEPT = ("train", "model", "preprocess", "mode")


class Range(Section):
    """Numbers from `low` to `high`, both included: whole ones for a parameter that takes whole ones."""

    low: float
    high: float
    log: bool = False
    step: float | None = Field(None, gt=0)


class Sweep(Section):
    """The section as it is written: parameters by their dotted names, each with a list of choices or a Range."""

    metric: Literal["val_loss", "val_accuracy", "val_mae", "val_iou"] = "val_loss"
    space: dict[str, Any] = Field(min_length=1)

    @property
    def direction(self) -> Literal["minimize", "maximize"]:
        """Whether less of the metric is better, or more."""
        return "maximize" if self.metric.removeprefix("val_") in GAINS else "minimize"


class Space:
    """Parameters that vary.

    Attributes:
        entries: a list of choices or a Range, by the dotted name of the parameter.
    """

    def __init__(self, entries: Mapping[str, Any], source: str) -> None:
        self.entries = {name: _entry(name, entry, f"{source}: sweep.space") for name, entry in entries.items()}

    def suggest(self, trial: "optuna.Trial") -> None:
        """Has a trial draw from the space; a choice that is no plain value is named by its JSON."""
        for name, entry in self.entries.items():
            if isinstance(entry, list):
                trial.suggest_categorical(name, [_label(choice) for choice in entry])
            elif _is_whole(name):
                trial.suggest_int(name, int(entry.low), int(entry.high), step=int(entry.step or 1), log=entry.log)
            else:
                trial.suggest_float(name, entry.low, entry.high, step=entry.step, log=entry.log)

    def overrides(self, suggested: Mapping[str, Any]) -> dict[str, Any]:
        """What a trial's suggestions stand for."""
        return {name: self._value(name, value) for name, value in suggested.items()}

    def suggestion(self, content: dict[str, Any]) -> dict[str, Any] | None:
        """The suggestion that stands for an experiment as it is; None where it lies outside."""
        found = {}
        for name, entry in self.entries.items():
            value = _value_in(content, name)
            if not _contains(entry, value):
                return None
            found[name] = _label(value) if isinstance(entry, list) else value
        return found

    def examples(self) -> list[dict[str, Any]]:
        """Overrides that have every choice and both ends of every range at least once, the others at their first."""
        values = {name: e if isinstance(e, list) else [e.low, e.high] for name, e in self.entries.items()}
        # 16.0 from a range is no value of a parameter that takes whole numbers.
        values = {name: [_narrowed(name, value) for value in found] for name, found in values.items()}
        first = {name: found[0] for name, found in values.items()}
        return [first, *({**first, name: value} for name, found in values.items() for value in found[1:])]

    def _value(self, name: str, value: Any) -> Any:
        choices = self.entries[name]
        if isinstance(choices, list):
            return next(choice for choice in choices if _label(choice) == value)
        return value


def read_sweep(preset: str) -> Sweep:
    """Reads the sweep section of a preset.

    Raises:
        UserError: there is no such preset, it has no such section, or the section is miswritten.
    """
    section = read_sweep_section(preset)
    path = project.PRESETS / f"{preset}.yaml"
    if section is None:
        having = [name for name in project.names_in(project.PRESETS) if read_sweep_section(name) is not None]
        raise UserError(f"{path} has no section sweep, which says what to vary; presets that have one: {_list(having)}")
    sweep = validated(Sweep, section, f"{path}: sweep")
    losses = [name for name in sweep.space if name == "train.loss" or name.startswith("train.loss.")]
    if losses and sweep.metric == "val_loss":
        raise UserError(
            f"{path}: sweep.space: {losses[0]} changes what val_loss measures, so it cannot tell which is better; "
            "expected sweep.metric: val_accuracy, or a space without it"
        )
    return sweep


def check_metric(sweep: Sweep, schema: Schema) -> None:
    """Raises a UserError where a training for this task does not have the metric."""
    known = ["val_loss", f"val_{schema.metric}"]
    if sweep.metric not in known:
        raise UserError(
            f"sweep.metric: {schema.dataset} is a {schema.task} task; expected {' or '.join(known)}, got {sweep.metric}"
        )


def trial_content(content: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    """The content of params.yaml for a trial."""
    return changed_params(content, None, overrides)


def _entry(name: str, entry: Any, source: str) -> list[Any] | Range:
    annotation_of(name)  # raises where there is no such parameter
    if name.partition(".")[0] not in SWEPT or name == "preprocess.target":
        raise UserError(
            f"{source}: {name} changes no training, or what trials are judged by; "
            f"expected parameters of {', '.join(SWEPT)}"
        )
    if isinstance(entry, list):
        if len({_label(choice) for choice in entry}) < max(len(entry), 2):
            raise UserError(f"{source}: {name}: expected two or more different choices, got {entry}")
        return [project.model_path(choice) for choice in entry] if name == "model" else entry
    if not isinstance(entry, dict):
        raise UserError(f"{source}: {name}: expected a list of choices or {{low: …, high: …}}, got {entry!r}")
    found = validated(Range, entry, f"{source}: {name}")
    if not _is_number(name):
        raise UserError(f"{source}: {name} is no number; expected a list of choices, got {entry}")
    if not found.low < found.high:
        raise UserError(f"{source}: {name}: expected low below high, got {found.low:g} and {found.high:g}")
    if found.log and (found.low <= 0 or found.step):
        raise UserError(f"{source}: {name}: expected low above 0 and no step with log: true, got {entry}")
    if _is_whole(name) and any(value % 1 for value in (found.low, found.high, found.step or 1)):
        raise UserError(f"{source}: {name} takes whole numbers, got {entry}")
    return found


def _types(name: str) -> tuple[Any, ...]:
    """The types that a parameter may have, without their bounds."""
    annotation = annotation_of(name)
    kinds = (annotation, *getattr(annotation, "__args__", ()))
    return tuple(get_args(kind)[0] if get_origin(kind) is Annotated else kind for kind in kinds)


def _is_whole(name: str) -> bool:
    return int in _types(name) and float not in _types(name)


def _is_number(name: str) -> bool:
    return int in _types(name) or float in _types(name)


def _narrowed(name: str, value: Any) -> Any:
    return int(value) if _is_whole(name) and isinstance(value, float) else value


def _label(choice: Any) -> Any:
    """Optuna keeps plain values alone."""
    return json.dumps(choice, sort_keys=True) if isinstance(choice, list | dict) else choice


def _contains(entry: list[Any] | Range, value: Any) -> bool:
    if isinstance(entry, list):
        return value in entry
    if isinstance(value, bool) or not isinstance(value, int | float) or not entry.low <= value <= entry.high:
        return False
    steps = (value - entry.low) / entry.step if entry.step else 0.0
    return abs(steps - round(steps)) < 1e-9


def _value_in(content: Any, name: str) -> Any:
    for part in name.split("."):
        content = content.get(part) if isinstance(content, dict) else None
    return content


def _list(names: list[str]) -> str:
    return ", ".join(names) or "none"
