"""The page of params.yaml: names, types and bounds from the typed sections, the comments from the file itself."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from pydantic import BaseModel

from twintrain.settings.params import Params
from twintrain.settings.sections.losses import LOSSES
from twintrain.settings.sections.optimizers import OPTIMIZERS, SCHEDULES
from twintrain.settings.yaml_files import read_yaml
from website.parsers import ROOT

HEAD = """# params.yaml

The experiment is one file. A [preset](presets.md) replaces sections of it, and any value can be given on the command
line by its dotted name: `make run ARGS="--train.epochs 20"`. An unknown name, a value of another type or outside its
bounds is refused in one line before anything runs.

"Read by" names the stages that a change makes DVC run again, and what takes their outputs with them.

"""
RULES = {"train.loss": LOSSES, "train.optimizer": OPTIMIZERS, "train.schedule": SCHEDULES}
RULES_SAY = "Options of each name, and their values where they are left open:"
BOUNDS = {"exclusiveMinimum": "> {}", "minimum": "≥ {}", "exclusiveMaximum": "< {}", "maximum": "≤ {}"}
PLAIN = {"boolean": "true or false", "integer": "integer", "number": "number", "string": "text", "null": "null"}
HUGE = 10**6  # bounds from here on are there to catch slips


class Parameter(NamedTuple):
    """One line of params.yaml."""

    name: str
    kind: str
    default: str
    comment: str
    stages: list[str]


def parameter_page() -> str:
    """The page in Markdown."""
    parts = [HEAD]
    for path, section in sections():
        text = "" if path == "" else f"{_prose(section)}\n\n"
        parts.append(f"## {path or 'The experiment'}\n\n{text}{_table(path, section)}{_rules(path)}")
    return "".join(parts)


def sections(section: type[BaseModel] = Params, path: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """The sections of params.yaml with their dotted names, one after those that it is in."""
    yield path, section
    for name, field in section.model_fields.items():
        if _is_section(field.annotation):
            yield from sections(field.annotation, f"{path}.{name}".lstrip("."))


def parameters(path: str, section: type[BaseModel]) -> list[Parameter]:
    """The parameters that stand in a section itself."""
    schema = section.model_json_schema()
    comments, stages, shipped = _comments(), _stages(), _shipped()
    found = []
    for name, field in section.model_fields.items():
        if _is_section(field.annotation):
            continue
        full = f"{path}.{name}".lstrip(".")
        said = comments.get(full) or field.description or _attributes(section).get(name, "")
        readers = [stage for stage, read in stages.items() if any(f"{full}.".startswith(f"{each}.") for each in read)]
        kind = _kind(schema["properties"][name], schema.get("$defs", {}))
        default = shipped[name] if field.is_required() else field.get_default()
        found.append(Parameter(full, kind, _plain(default), said, readers))
    return found


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _table(path: str, section: type[BaseModel]) -> str:
    rows = [
        f"| `{each.name}` | {_cell(each.comment)} | {each.kind} | `{each.default}` | {', '.join(each.stages)} |"
        for each in parameters(path, section)
    ]
    if not rows:
        return ""
    return "\n".join(["| name | meaning | value | default | read by |", "|---|---|---|---|---|", *rows]) + "\n\n"


def _rules(path: str) -> str:
    if path not in RULES:
        return ""
    rows = [
        f"| `{name}` | {', '.join(f'`{option}: {_plain(value)}`' for option, value in options.items()) or 'none'} |"
        for name, options in RULES[path].items()
    ]
    return "\n".join([RULES_SAY, "", "| name | options |", "|---|---|", *rows]) + "\n\n"


def _kind(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    """What a value may be, from its JSON schema."""
    if reference := schema.get("$ref"):
        return _kind(definitions[reference.rpartition("/")[2]], definitions)
    if options := schema.get("anyOf"):
        return " or ".join(_kind(option, definitions) for option in options)
    if "const" in schema:
        return f"`{schema['const']}`"
    if names := schema.get("enum"):
        return ", ".join(f"`{name}`" for name in names)
    if schema["type"] in ("array", "object"):
        return _several(schema, definitions)
    bounds = [form.format(f"{schema[key]:g}") for key, form in BOUNDS.items() if abs(schema.get(key, HUGE)) < HUGE]
    return f"{PLAIN[schema['type']]}{' ' if bounds else ''}{' and '.join(bounds)}"


def _several(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    """What a list or a section may hold."""
    if schema["type"] == "array":
        return f"list of {_kind(schema['items'], definitions)}"
    if names := schema.get("properties"):
        return f"section of {', '.join(f'`{name}`' for name in names)}"
    return f"for each name {_kind(schema['additionalProperties'], definitions)}"


def _docstring(section: type[BaseModel]) -> str:
    """Its own, or that of the section that it was made of."""
    return next(each.__doc__ for each in section.__mro__ if each.__doc__)


def _prose(section: type[BaseModel]) -> str:
    """What the docstring says before its list of attributes."""
    return _docstring(section).partition("Attributes:")[0].strip().replace("\n    ", "\n")


def _attributes(section: type[BaseModel]) -> dict[str, str]:
    """What the docstring says of each attribute."""
    text = _docstring(section).partition("Attributes:")[2]
    return {name: " ".join(said.split()) for name, said in re.findall(r"^ {8}(\w+): (.*(?:\n {12}.*)*)", text, re.M)}


@cache
def _shipped() -> dict[str, Any]:
    return read_yaml(ROOT / "params.yaml")


@cache
def _comments() -> dict[str, str]:
    """The comments of params.yaml at the end of lines, by dotted name."""
    found, above = {}, []
    for line in (ROOT / "params.yaml").read_text("utf-8").splitlines():
        if match := re.match(r"( *)([\w-]+):(.*)", line):
            above = [*above[: len(match[1]) // 2], match[2]]
            found[".".join(above)] = match[3].partition(" # ")[2].strip()
    return found


@cache
def _stages() -> dict[str, list[str]]:
    """The parameters that each stage lists; those of a framework alone are of all its stage's."""
    stages = {}
    for name, stage in read_yaml(ROOT / "dvc.yaml")["stages"].items():
        listed = (stage.get("do") or stage).get("params", [])
        stages[name] = [str(each) for each in listed if isinstance(each, str)]
    return stages


def _plain(value: Any) -> str:
    """A value as YAML has it."""
    if isinstance(value, list):
        return f"[{', '.join(map(_plain, value))}]"
    names = {None: "null", True: "true", False: "false"}
    return names[value] if value is None or isinstance(value, bool) else str(value)


def _cell(text: str) -> str:
    plain = text.replace("|", r"\|").replace("*", r"\*").replace("<", r"\<")
    return re.sub(r"docs/([\w-]+)\.md", r"[\1](\1.md)", plain)
