"""YAML as DVC reads it (version 1.2: `1e-3` is a number, `no` is a word), and typed reading of it."""

import io
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from twintrain.errors import UserError, did_you_mean

NULL_TAG = "tag:yaml.org,2002:null"
Schema = TypeVar("Schema", bound=BaseModel)


def read_yaml(path: Path) -> Any:
    """Reads a YAML file, keeping its comments for `write_yaml`.

    Raises:
        UserError: the file is missing or is not YAML.
    """
    try:
        return YAML().load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing; get it back with: git checkout {path}") from None
    except (MarkedYAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        raise UserError(f"{path}{where} is not valid YAML: {getattr(error, 'problem', error)}") from None


def write_yaml(path: Path, content: Any) -> None:
    """Writes a YAML file whole or not at all."""
    yaml = YAML()
    yaml.width = 120
    yaml.representer.add_representer(type(None), lambda dumper, _: dumper.represent_scalar(NULL_TAG, "null"))
    text = io.StringIO()
    yaml.dump(content, text)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text.getvalue(), encoding="utf-8")
    partial.replace(path)


def parse_scalar(text: str) -> Any:
    """Reads one value as it would stand in a YAML file: `20`, `1e-3`, `true`, `[torch]`, `null`."""
    try:
        return YAML(typ="safe").load(text)
    except MarkedYAMLError:
        return text


def plain(content: Any) -> Any:
    """Strips what ruamel adds to keep comments, so that strict types see dict, list and float."""
    if isinstance(content, dict):
        return {key: plain(value) for key, value in content.items()}
    if isinstance(content, list):
        return [plain(value) for value in content]
    if isinstance(content, bool) or content is None:
        return content
    for kind in (int, float, str):
        if isinstance(content, kind):
            return kind(content)
    return content


def validated(schema: type[Schema], content: Any, source: str) -> Schema:
    """Checks content against a pydantic schema.

    Raises:
        UserError: naming the first wrong place, what was expected and what came.
    """
    try:
        return schema.model_validate(plain(content))
    except ValidationError as error:
        raise UserError(f"{source}: {_explain(error, schema)}") from None


def _explain(error: ValidationError, schema: type[BaseModel]) -> str:
    first = error.errors(include_url=False)[0]
    *parents, last = first["loc"] or ("",)
    place = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        return f"unknown parameter '{place}'{did_you_mean(str(last), _fields_at(schema, parents))}"
    if first["type"] == "missing":
        return f"'{place}' is missing"
    expected = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    if first["type"] == "value_error":
        return f"'{place}': {expected}" if place else expected
    close = did_you_mean(first["input"], _choices(expected)) if first["type"] == "literal_error" else ""
    return f"'{place}': expected {expected}, got {first['input']!r}{close if 'did you' in close else ''}"


def _fields_at(schema: type[BaseModel], parents: list[str | int]) -> list[str]:
    for name in parents:
        field = schema.model_fields.get(str(name))
        if field is None or not isinstance(field.annotation, type) or not issubclass(field.annotation, BaseModel):
            break
        schema = field.annotation
    return list(schema.model_fields)


def _choices(expected: str) -> list[str]:
    return expected.replace(" or ", ", ").replace("'", "").split(", ")
