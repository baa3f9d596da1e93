"""YAML as DVC reads it (version 1.2: `1e-3` is a number, `no` is a word), and typed reading of it."""

import json
import stat
import sys
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ValidationError

from twintrain.errors import UserError, cut, did_you_mean, kind_of, shown
from twintrain.settings.yaml_lines import edited
from twintrain.settings.yaml_text import MAX_BYTES, YamlSyntaxError, YamlTextError, block, load, same
from twintrain.system.project import write_kept_text

OUT_OF_RANGE = {"greater_than", "greater_than_equal", "less_than", "less_than_equal", "finite_number"}
BYTE_ORDER_MARK = "\ufeff"
Schema = TypeVar("Schema", bound=BaseModel)


def read_yaml(path: Path) -> dict[str, Any]:
    """Reads a YAML file into plain dicts, lists and values.

    Raises:
        UserError: the file is missing or no regular file, is not YAML or no mapping, or goes beyond the limits.
    """
    return _load(_read_text(path), path)[0]


def write_yaml(path: Path, content: dict[str, Any], comments: list[str] | None = None) -> None:
    """Writes a new YAML file below lines of comment, whole or not at all; innermost mappings and lists take one line.

    Raises:
        UserError: YAML cannot hold the content.
    """
    content = plain(content)
    lines = [f"# {_printable(line)}".rstrip() for comment in comments or () for line in comment.split("\n")]
    _write(path, "\n".join([*lines, *(block(content, short=True) or ["{}"])]) + "\n", content)


def update_yaml(path: Path, content: dict[str, Any]) -> None:
    """Writes the lines of a YAML file that differ from its content; the others keep their bytes, comments included.

    Raises:
        UserError: the file cannot be read, or YAML cannot hold the content.
    """
    whole, content = _read_text(path), plain(content)
    text = whole.removeprefix(BYTE_ORDER_MARK)
    old, node = _load(text, path)
    if same(old, content):
        return
    try:
        changed = edited(text, old, node, content)
    except (ValueError, LookupError):  # some line is not as expected
        changed = ""
    _write(path, whole[: len(whole) - len(text)] + changed, content)


def parse_scalar(text: str, name: str = "value") -> Any:
    """Reads one value as it would stand in a YAML file: `20`, `1e-3`, `true`, `[torch]`, `null`; else it is text.

    Raises:
        UserError: it goes beyond the limits of a YAML file.
    """
    try:
        return load(text)[0]
    except YamlSyntaxError:
        return text
    except YamlTextError as mistake:
        raise UserError(f"{name}{mistake}") from None


def _read_text(path: Path) -> str:
    """The text of a regular file of bounded size; line ends stay as they are."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise UserError(f"{path}: expected a YAML file, got {kind_of(found.st_mode)}")
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        if path.is_symlink():
            raise UserError(f"{path} is a link to {path.readlink()}, which is not there") from None
        raise UserError(f"{path} is missing; get it back with: git checkout {path}") from None
    except OSError as error:  # no permission, links in a circle
        raise UserError(f"{path}: {error.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise UserError(f"{path}: expected at most {MAX_BYTES:,} bytes of YAML, got {found.st_size:,}")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in raw[:4]:
        raise UserError(f"{path} is not valid YAML: expected text in UTF-8, got UTF-16, UTF-32 or no text")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not valid YAML: {error}") from None


def _load(text: str, path: Path) -> tuple[dict[str, Any], Any]:
    try:
        content, node = load(text)
    except YamlTextError as mistake:
        raise UserError(f"{path}{mistake}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected lines of the form 'name: value', got {type(content).__name__}")
    return content, node


def _write(path: Path, text: str, content: dict[str, Any]) -> None:
    """Writes the text if it reads as the content, else the content in its plain form, if that does."""
    if _fault(text, content):
        text = "\n".join(block(content) or ["{}"]) + "\n"
        if fault := _fault(text, content):
            raise UserError(f"{path} is left as it was; YAML cannot hold what it should become{fault}")
        print(f"warning: {path}: its comments could not be kept; it is written without them", file=sys.stderr)
    write_kept_text(path, text)


def _fault(text: str, content: dict[str, Any]) -> str:
    """In what a text does not read as the content; empty if it does."""
    try:
        return "" if same(load(text)[0], content) else ": it reads as something else"
    except YamlTextError as mistake:
        return str(mistake)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def to_scalar(value: Any) -> str:
    """Writes one value as `parse_scalar` reads it, in one line without quotes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {to_scalar(entry)}" for name, entry in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(to_scalar, value)) + "]"
    return value if isinstance(value, str) else json.dumps(value)


def plain(content: Any) -> Any:
    """Makes plain types of those derived from them, such as NumPy's floats, since strict types take no others."""
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
    match first["type"]:
        case "extra_forbidden":
            return f"unknown parameter '{cut(place)}'{did_you_mean(str(last), _fields_at(schema, parents))}"
        case "missing":
            return f"'{place}' is missing"
    where = f"'{cut(place)}': " if place else ""
    return where + _expectation(first, _range_at(schema, location))


def _expectation(first: Any, numbers: str) -> str:
    """What was expected of a value, and what came; `numbers` are those that its place takes."""
    context = first.get("ctx", {})
    match first["type"]:
        case "value_error":
            return first["msg"].removeprefix("Value error, ")
        case "invalid_key":
            return f"expected a name before the colon, got {shown(first['input'])}"
        case "too_short":
            least = context["min_length"]
            return f"expected at least {least} item{'s' if least > 1 else ''}, got {shown(first['input'])}"
        case "too_long":
            return f"expected at most {context['max_length']:,} items, got {context['actual_length']:,}"
    expected = first["msg"].removeprefix("Input should be ").split(" or instance of ")[0]
    if first["type"] in OUT_OF_RANGE:
        expected = numbers or expected
    close = ""
    if first["type"] == "literal_error" and isinstance(first["input"], str):
        close = did_you_mean(first["input"], _choices(expected))
    return f"expected {expected}, got {shown(first['input'])}{close if 'did you' in close else ''}"


def _likelihood(found: Any) -> int:
    """Which of several errors is the cause, the smallest number first."""
    if found["type"] == "extra_forbidden":
        return 0  # a misspelt key may leave the right one missing
    word = found["type"] == "literal_error" and isinstance(found["input"], str) and "[" in str(found["loc"][-1])
    return 1 if word else 2  # a misspelt word where a list may stand is no list either


def _fields_at(schema: type[BaseModel], parents: list[str | int]) -> list[str]:
    """Names that are known at a place."""
    return next((list(kind.model_fields) for kind, _ in _kinds_at(schema, parents) if _is_model(kind)), [])


def _range_at(schema: type[BaseModel], location: list[str | int]) -> str:
    """The numbers that are taken at a place, where both their ends are known: `1 to 1,000`."""
    bounds = {type(bound): bound for _, metadata in _kinds_at(schema, location) for bound in metadata}
    low = next((bounds[kind] for kind in (Ge, Gt) if kind in bounds), None)
    high = next((bounds[kind] for kind in (Le, Lt) if kind in bounds), None)
    if low is None or high is None:
        return ""
    if isinstance(low, Ge) and isinstance(high, Le):
        return f"{_number(low.ge)} to {_number(high.le)}"
    least = f"at least {_number(low.ge)}" if isinstance(low, Ge) else f"above {_number(low.gt)}"
    return f"{least} and {f'at most {_number(high.le)}' if isinstance(high, Le) else f'below {_number(high.lt)}'}"


def _number(value: Any) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:g}"


def _kinds_at(schema: Any, location: list[str | int]) -> list[tuple[Any, tuple[Any, ...]]]:
    """The types that a place may have, each with its bounds, found by walking the schema's types down to it."""
    kinds: list[tuple[Any, tuple[Any, ...]]] = [(schema, ())]
    for name in location:
        kinds = [found for kind, _ in kinds for found in _kinds_in(kind, name)]
    return kinds


def _kinds_in(kind: Any, name: str | int) -> list[tuple[Any, tuple[Any, ...]]]:
    if _is_model(kind):
        field = kind.model_fields.get(str(name))
        return _alternatives(field.annotation, tuple(field.metadata)) if field else []
    return _alternatives(get_args(kind)[-1]) if get_origin(kind) in (list, dict) else []


def _alternatives(kind: Any, metadata: tuple[Any, ...] = ()) -> list[tuple[Any, tuple[Any, ...]]]:
    """Takes unions and Annotated apart."""
    if get_origin(kind) is Annotated:
        inner, *bounds = get_args(kind)
        given = [entry for bound in bounds for entry in getattr(bound, "metadata", [bound])]
        return _alternatives(inner, (*metadata, *given))
    if get_origin(kind) in (Union, UnionType):
        return [found for part in get_args(kind) for found in _alternatives(part, metadata)]
    return [(kind, metadata)]


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _choices(expected: str) -> list[str]:
    return expected.replace(" or ", ", ").replace("'", "").split(", ")
