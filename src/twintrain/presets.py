"""Presets and overrides: what changes params.yaml. `python -m pipelines.run` is the one command that does."""

import copy
from typing import Any

from pydantic import BaseModel

from twintrain import project
from twintrain.config import Params, Rule
from twintrain.errors import UserError, did_you_mean, unknown
from twintrain.yaml_files import plain, read_yaml, validated, write_yaml


def changed_params(content: dict[str, Any], preset: str | None, overrides: dict[str, Any]) -> dict[str, Any]:
    """Returns the content of params.yaml with a preset and then dotted overrides applied.

    A preset replaces its sections whole: what it leaves open goes back to the schema's defaults.

    Raises:
        UserError: an unknown preset or parameter, or a value that does not fit.
    """
    content = copy.deepcopy(content)
    if preset is not None:
        _apply_preset(content, preset)
    # The name of an optimizer or schedule comes before its options: another name drops the options that were there.
    for key, value in sorted(overrides.items(), key=lambda item: not item[0].endswith(".name")):
        _apply_override(content, key, value)
    if isinstance(content.get("model"), str):
        content["model"] = project.model_path(content["model"])
    return content


def save_params(content: dict[str, Any]) -> None:
    """Writes params.yaml if it changes."""
    if content != read_yaml(project.PARAMS):
        write_yaml(project.PARAMS, content)


def _apply_preset(content: dict[str, Any], preset: str) -> None:
    path = project.PRESETS / f"{preset}.yaml"
    if preset not in project.names_in(project.PRESETS):
        raise unknown("preset", preset, project.names_in(project.PRESETS))
    # Validated inside a whole set of parameters, so that the defaults of its sections are filled in.
    given = plain(read_yaml(path))
    whole = validated(Params, {"dataset": "", "model": "", "frameworks": ["torch"], **given}, str(path))
    filled = _lines(whole)
    for section in given:
        _overwrite(content, section, filled[section])


def _lines(section: BaseModel) -> dict[str, Any]:
    """What params.yaml says of a section: options that a rule leaves open, or that another rule has, need no line."""
    return {
        name: _lines(value) if isinstance(value, BaseModel) else value
        for name, value in section
        if not (isinstance(section, Rule) and value is None)
    }


def _overwrite(content: dict[str, Any], key: str, value: Any) -> None:
    """Sets content[key] in place, leaf by leaf, so that the comments of params.yaml stay."""
    if not isinstance(value, dict) or not isinstance(content.get(key), dict):
        content[key] = value
        return
    for stale in content[key].keys() - value.keys():
        del content[key][stale]
    for name, leaf in value.items():
        _overwrite(content[key], name, leaf)


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
                raise UserError(f"{project.PARAMS}: expected parameters under '{name}', got {place!r}")
    annotation = schema.model_fields[leaf].annotation
    if _is_section(annotation) and not isinstance(value, dict):
        raise UserError(f"'{key}' is a section; expected one of its parameters: {', '.join(_leaves(annotation, key))}")
    if issubclass(schema, Rule) and leaf == "name" and value != place.get("name"):
        # The options of one optimizer or schedule mean nothing to another.
        for option in place.keys() - schema.SHARED:
            del place[option]
    _overwrite(place, leaf, value)


def _unknown_parameter(key: str) -> UserError:
    leaves = _leaves(Params)
    # `epochs` for `train.epochs` is the likeliest slip.
    same_end = [f"'{leaf}'" for leaf in leaves if leaf.rsplit(".", 1)[-1] == key.rsplit(".", 1)[-1]]
    if same_end:
        return UserError(f"unknown parameter '{key}'; did you mean {' or '.join(same_end)}?")
    return UserError(f"unknown parameter '{key}'{did_you_mean(key, leaves) or '; params.yaml lists them'}")


def _leaves(schema: type[BaseModel], prefix: str = "") -> list[str]:
    """Dotted names of all parameters."""
    names = []
    for name, field in schema.model_fields.items():
        dotted = f"{prefix}.{name}" if prefix else name
        if _is_section(field.annotation):
            names += _leaves(field.annotation, dotted)
        else:
            names.append(dotted)
    return names


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
