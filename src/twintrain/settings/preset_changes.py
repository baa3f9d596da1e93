"""What an experiment has changed of its preset: by that people tell one from another, in MLflow and elsewhere."""

import contextlib
import functools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from twintrain.errors import UserError, cut
from twintrain.settings.params import Params
from twintrain.settings.presets import changed_params, parameter_names
from twintrain.settings.sections.section import Rule
from twintrain.settings.yaml_files import validated
from twintrain.system import project

SHORTER = {"learning_rate": "lr"}
# How networks are scored, compared, verified and kept: the networks are the same without it.
APART = ("evaluate", "baseline", "verify", "compare", "registry", "drift", "serving", "tracking")
FRAMEWORKS = ["torch", "keras"]  # of a preset that names none
NAMED = 6  # changes that a title has room for


class PresetChanges(NamedTuple):
    """An experiment, as a preset and what it has otherwise.

    Attributes:
        preset: empty where no preset is of its data set.
        subject: the preset; else the model on the data set.
        values: parameters that differ, by their dotted names, in the order of the schema.
    """

    preset: str
    subject: str
    values: dict[str, Any]

    @property
    def title(self) -> str:
        """Such as `car · epochs 20 · lr 0.01`."""
        texts = [f"{short_name(key)} {_text(key, value)}" for key, value in self.named.items()]
        more = [f"{len(texts) - NAMED} more"] if len(texts) > NAMED else []
        return " · ".join([self.subject, *texts[:NAMED], *more])

    @property
    def named(self) -> dict[str, Any]:
        """Those of `values` that are of the networks."""
        return {key: value for key, value in self.values.items() if key.partition(".")[0] not in APART}


def preset_changes(content: dict[str, Any], preset: str | None = None) -> PresetChanges:
    """What the content of a params.yaml, which is valid, has changed of a preset.

    Args:
        preset: that the user has named; None: of those of the same data set, the one that the least differs from.
    """
    params = validated(Params, content, str(project.PARAMS))
    found = [PresetChanges(name, name, _differences(params, base)) for name, base in _bases(params.dataset, preset)]
    if found:
        return min(found, key=lambda changes: (len(changes.named), len(changes.values), len(changes.preset)))
    subject = f"{cut(params.model_name)} on {cut(params.dataset)}"
    return PresetChanges("", subject, _differences(params, {"dataset": params.dataset, "model": params.model}))


def short_name(key: str) -> str:
    """The end of a parameter's dotted name that no other parameter has; of a rule's name the rule."""
    parts = key.removesuffix(".name").split(".")
    ends = (".".join(parts[-length:]) for length in range(1, len(parts) + 1))
    short = next((end for end in ends if _ends()[end] == 1), key)
    return SHORTER.get(short, short)


def _bases(dataset: str, preset: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """The preset, or all of a data set, each with what it says; a damaged one is for others to tell of."""
    if preset:
        yield preset, changed_params({}, preset, {})
        return
    for path in sorted(project.PRESETS.glob("*.yaml")):
        with contextlib.suppress(UserError, OSError, UnicodeError):
            text = path.read_text(encoding="utf-8")
            if dataset in text or "base:" in text:  # to parse one takes milliseconds, and there are many
                base = changed_params({}, path.stem, {})
                if base.get("dataset") == dataset:
                    yield path.stem, base


def _differences(params: Params, base: dict[str, Any]) -> dict[str, Any]:
    complete = {"dataset": params.dataset, "model": params.model, "frameworks": FRAMEWORKS, **base}
    before, now = (dict(_leaves(found)) for found in (validated(Params, complete, "the preset"), params))
    differing = {key: value for key, value in now.items() if value != before.get(key)}
    # Another optimizer or schedule has other options, and those of the first one are gone with it.
    unset = [key for key in before if key not in now and f"{key.rpartition('.')[0]}.name" not in differing]
    return {**differing, **dict.fromkeys(unset)}


def _leaves(section: BaseModel, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Parameters by their dotted names, without the options that a rule leaves to its table."""
    for name, value in section:
        if isinstance(value, BaseModel):
            yield from _leaves(value, f"{prefix}{name}.")
        elif not (isinstance(section, Rule) and value is None):
            yield f"{prefix}{name}", value


@functools.cache
def _ends() -> Counter[str]:
    """How many parameters have an end of a dotted name."""
    names = [key.removesuffix(".name").split(".") for key in parameter_names()]
    return Counter(".".join(parts[-length:]) for parts in names for length in range(1, len(parts) + 1))


def _text(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ",".join(_text(key, one) for one in value) or "none"
    if key == "model":
        return cut(Path(value).stem)
    return "null" if value is None else cut(str(value))
