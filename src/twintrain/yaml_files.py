"""YAML as DVC reads it (version 1.2: `1e-3` is a number, `no` is a word), and typed reading of it."""

import io
import json
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from twintrain.errors import UserError, did_you_mean
from twintrain.project import write_text

NULL_TAG = "tag:yaml.org,2002:null"
Schema = TypeVar("Schema", bound=BaseModel)


def read_yaml(path: Path) -> dict[str, Any]:
    """Reads a YAML file, keeping its comments for `write_yaml`.

    Raises:
        UserError: the file is missing, is not YAML or is no mapping.
    """
    try:
        content = YAML().load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing; get it back with: git checkout {path}") from None
    except (YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        raise UserError(f"{path}{where} is not valid YAML: {getattr(error, 'problem', error)}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected lines of the form 'name: value', got {type(content).__name__}")
    return content


def write_yaml(path: Path, content: Any) -> None:
    """Writes a YAML file whole or not at all."""
    yaml = YAML()
    yaml.width = 120
    yaml.representer.add_representer(type(None), lambda dumper, _: dumper.represent_scalar(NULL_TAG, "null"))
    text = io.StringIO()
    yaml.dump(content, text)
    write_text(path, text.getvalue())


def parse_scalar(text: str) -> Any:
    """Reads one value as it would stand in a YAML file: `20`, `1e-3`, `true`, `[torch]`, `null`."""
    try:
        return YAML(typ="safe").load(text)
    except YAMLError:
        return text


def to_scalar(value: Any) -> str:
    """Writes one value as `parse_scalar` reads it, in one line without quotes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {to_scalar(entry)}" for name, entry in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(to_scalar, value)) + "]"
    return value if isinstance(value, str) else json.dumps(value)


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
    first = min(error.errors(include_url=False), key=_likelihood)
    # Of a value that may be a list or a word, pydantic names the kind too.
    location = [part for part in first["loc"] if "[" not in str(part)]
    *parents, last = location or ("",)
    place = ".".join(map(str, location))
    if first["type"] == "extra_forbidden":
        return f"unknown parameter '{place}'{did_you_mean(str(last), _fields_at(schema, parents))}"
    if first["type"] == "missing":
        return f"'{place}' is missing"
    where = f"'{place}': " if place else ""
    if first["type"] == "value_error":
        return where + first["msg"].removeprefix("Value error, ")
    if first["type"] == "too_short":
        least = first["ctx"]["min_length"]
        return f"{where}expected at least {least} item{'s' if least > 1 else ''}, got {first['input']!r}"
    expected = first["msg"].removeprefix("Input should be ").split(" or instance of ")[0]
    close = ""
    if first["type"] == "literal_error" and isinstance(first["input"], str):
        close = did_you_mean(first["input"], _choices(expected))
    return f"{where}expected {expected}, got {first['input']!r}{close if 'did you' in close else ''}"


def _likelihood(found: Any) -> int:
    """Which of several errors is the cause, the smallest number first."""
    if found["type"] == "extra_forbidden":
        return 0  # a misspelt key may leave the right one missing
    word = found["type"] == "literal_error" and isinstance(found["input"], str) and "[" in str(found["loc"][-1])
    return 1 if word else 2  # a misspelt word where a list may stand is no list either


def _fields_at(schema: type[BaseModel], parents: list[str | int]) -> list[str]:
    """Names that are known at a place, found by walking the schema's types down to it."""
    place: Any = schema
    for name in parents:
        field = place.model_fields.get(str(name)) if _is_model(place) else None
        place = field.annotation if field else next(filter(_is_model, get_args(place)), None)
        # X | None, and dict[str, X] where the name is a key of the dict.
        while place is not None and not _is_model(place) and get_origin(place) is not dict:
            place = next((kind for kind in get_args(place) if _is_model(kind) or get_origin(kind) is dict), None)
    return list(place.model_fields) if _is_model(place) else []


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _choices(expected: str) -> list[str]:
    return expected.replace(" or ", ", ").replace("'", "").split(", ")
