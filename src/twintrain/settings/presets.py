"""Presets and overrides: what changes params.yaml. `python -m pipelines.run` is the one command that does."""

import copy
import difflib
import functools
import textwrap
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from twintrain.errors import UserError, cut, did_you_mean, shown, unknown
from twintrain.settings.params import Params
from twintrain.settings.sections.section import Rule
from twintrain.settings.yaml_files import read_yaml, update_yaml, validated, write_yaml
from twintrain.system import project

# The section of a preset that is none of params.yaml.
SWEEP = "sweep"
MAX_BASES = 20
MAX_LISTED = 200  # characters


def changed_params(content: dict[str, Any], preset: str | None, overrides: dict[str, Any]) -> dict[str, Any]:
    """Returns the content of params.yaml with a preset and then dotted overrides applied.

    A preset replaces its sections whole: what it leaves open goes back to the schema's defaults.

    Raises:
        UserError: an unknown preset or parameter, or a value that does not fit.
    """
    content = copy.deepcopy(content)
    if preset is not None:
        _apply_preset(content, preset)
    apply_overrides(content, overrides)
    if isinstance(content.get("model"), str):
        content["model"] = project.model_path(content["model"])
    return content


def apply_overrides(content: dict[str, Any], overrides: dict[str, Any]) -> None:
    """Sets parameters by their dotted names, in place.

    Raises:
        UserError: an unknown parameter.
    """
    if "train.seed" in overrides and "train.seeds" not in overrides:
        overrides = {**overrides, "train.seeds": None}  # the first of which would take its place
    # The name of an optimizer or schedule comes before its options: another name drops the options that were there.
    for key, value in sorted(overrides.items(), key=lambda item: not item[0].endswith(".name")):
        _apply_override(content, key, value)


def read_preset(preset: str) -> dict[str, Any]:
    """Returns the sections of params.yaml that a preset has, those of the `base` that it may name included.

    Raises:
        UserError: an unknown preset or base, or bases in a circle.
    """
    return {section: value for section, value in _read(preset).items() if section != SWEEP}


def read_sweep_section(preset: str) -> Any:
    """What a preset says of how to search for better settings; None if nothing.

    Raises:
        UserError: as `read_preset`.
    """
    return _read(preset).get(SWEEP)


def _read(preset: str) -> dict[str, Any]:
    """Returns all sections of a preset, and of its bases.

    What a preset says goes before what its base says, parameter by parameter; another optimizer or schedule goes
    before the whole of the base's.

    Raises:
        UserError: an unknown preset or base, bases in a circle, or too many of them.
    """
    known = project.names_in(project.PRESETS)
    names, contents = [], []
    name: Any = preset
    while name is not None:
        if name not in known:
            kind = f"base of the preset {names[-1]}:" if names else "preset"
            raise unknown(kind, str(name), known, str(project.PRESETS))
        if name in names:
            circle = ", ".join((*names, name))
            raise UserError(f"presets are each other's base: {cut(circle)}; expected one without a base")
        if len(names) > MAX_BASES:
            raise UserError(
                f"preset '{preset}': expected at most {MAX_BASES} bases, each the base of the next, got more"
            )
        names.append(name)
        contents.append(read_yaml(project.PRESETS / f"{name}.yaml"))
        name = contents[-1].pop("base", None)
    return functools.reduce(_merged, reversed(contents))


def _merged(base: Any, given: Any) -> Any:
    if not isinstance(base, dict) or not isinstance(given, dict):
        return given
    if given.get("name", base.get("name")) != base.get("name"):
        return given  # the options of one optimizer or schedule mean nothing to another
    return {**base, **{key: _merged(base.get(key), value) for key, value in given.items()}}


def families() -> dict[str, list[str]]:
    """Presets by the word before the first `_` of their names, where one is the base of others: it goes first."""
    found: dict[str, list[str]] = {}
    for path in sorted(project.PRESETS.glob("*.yaml")):
        base = read_yaml(path).get("base")
        if base is not None:
            members = found.setdefault(str(base).partition("_")[0], [])
            members += [name for name in (base, path.stem) if name not in members]
    return found


def save_params(content: dict[str, Any]) -> None:
    """Writes the lines of params.yaml that change; the others stay as they are."""
    update_yaml(project.PARAMS, content)


def save_preset(preset: str, content: dict[str, Any], comment: str) -> Path:
    """Writes a preset below a line of comment, whole or not at all, and returns its path."""
    path = project.PRESETS / f"{preset}.yaml"
    write_yaml(path, content, [comment])
    return path


def annotation_of(key: str) -> Any:
    """The type of a parameter, or of a section, by its dotted name.

    Raises:
        UserError: there is none of that name.
    """
    schema: Any = Params
    for name in key.split("."):
        if not _is_section(schema) or name not in schema.model_fields:
            raise _unknown_parameter(key)
        schema = schema.model_fields[name].annotation
    return schema


def _apply_preset(content: dict[str, Any], preset: str) -> None:
    # Validated inside a whole set of parameters, so that the defaults of its sections are filled in.
    given = read_preset(preset)
    source = str(project.PRESETS / f"{preset}.yaml")
    whole = validated(Params, {"dataset": "", "model": "", "frameworks": ["torch"], **given}, source)
    filled = _lines(whole)
    for section in given:
        content[section] = filled[section]


def _lines(section: BaseModel) -> dict[str, Any]:
    """What params.yaml says of a section: options that a rule leaves open, or that another rule has, need no line."""
    return {
        name: _lines(value) if isinstance(value, BaseModel) else value
        for name, value in section
        if not (isinstance(section, Rule) and value is None)
    }


def _apply_override(content: dict[str, Any], key: str, value: Any) -> None:
    *sections, leaf = key.split(".")
    schema: type[BaseModel] = Params
    place = content
    for depth, name in enumerate([*sections, leaf]):
        if name not in schema.model_fields:
            raise _unknown_parameter(key)
        if depth < len(sections):
            schema = schema.model_fields[name].annotation
            if not _is_section(schema):
                raise _unknown_parameter(key)
            if place.get(name) is None:
                place[name] = {}
            place = place[name]
            if not isinstance(place, dict):
                raise UserError(f"{project.PARAMS}: expected parameters under '{name}', got {shown(place)}")
    annotation = schema.model_fields[leaf].annotation
    if _is_section(annotation) and not isinstance(value, dict):
        listed = textwrap.shorten(", ".join(parameter_names(annotation, key)), MAX_LISTED, placeholder=" …")
        raise UserError(f"'{key}' is a section; expected one of its parameters: {listed}")
    if issubclass(schema, Rule) and leaf == "name" and value != place.get("name"):
        # The options of one optimizer or schedule mean nothing to another.
        for option in place.keys() - schema.SHARED:
            del place[option]
    place[leaf] = value


def _unknown_parameter(key: str) -> UserError:
    leaves = parameter_names()
    # `epochs` for `train.epochs` is the likeliest slip.
    same_end = [leaf for leaf in leaves if leaf.rsplit(".", 1)[-1] == key.rsplit(".", 1)[-1]]
    if meant := difflib.get_close_matches(key, same_end, n=1, cutoff=0.9) or same_end:
        return UserError(f"unknown parameter '{cut(key)}'; did you mean {' or '.join(map(repr, meant))}?")
    return UserError(f"unknown parameter '{cut(key)}'{did_you_mean(key, leaves) or '; params.yaml lists them'}")


def parameter_names(schema: type[BaseModel] = Params, prefix: str = "") -> list[str]:
    """Dotted names of all parameters of params.yaml, or of those of a section of it."""
    names = []
    for name, field in schema.model_fields.items():
        dotted = f"{prefix}.{name}" if prefix else name
        if _is_section(field.annotation):
            names += parameter_names(field.annotation, dotted)
        else:
            names.append(dotted)
    return names


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
