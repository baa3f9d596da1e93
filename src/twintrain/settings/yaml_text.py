"""YAML 1.2 as text, without files: bounded reading into plain values, and writing of values on a line."""

import copy
import datetime
import json
import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, ComposerError, MaxDepthExceededError
from ruamel.yaml.docinfo import DocInfo
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import CollectionNode, Node
from ruamel.yaml.parser import ParserError
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scanner import ScannerError

from twintrain.errors import cut

MAX_BYTES = 2**20  # a parser in Python takes seconds for it
MAX_DEPTH = 64
MAX_VALUES = 200_000  # aliases followed
MAX_TEXT = 10_000
MAX_DIGITS = 100
WIDTH = 120

TAG = "tag:yaml.org,2002:"
TAGS = {TAG + kind for kind in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge")}
NUMBERS = {TAG + "int", TAG + "float"}

# Text that needs no quotes in YAML 1.2 or 1.1, inside brackets or not. What is quoted is never misread.
PLAIN = re.compile(r"[^\W\d_](?:[\w./@+-]|:(?=[\w/])| (?=[\w./@+-]))*")
RESERVED = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")
NO_TEXT = re.compile("[\0\ud800-\udfff]")


class YamlTextError(ValueError):
    """What a YAML text does wrong, in words that follow its name: ` line 3: expected …`."""


class YamlSyntaxError(YamlTextError):
    """A text that is no YAML at all."""


def load(text: str) -> tuple[Any, Node | None]:
    """Reads one document into plain Python values; also returns its nodes, which know their places in the text.

    Raises:
        YamlTextError: it is no YAML, or goes beyond the limits.
    """
    if len(text.encode(errors="surrogatepass")) > MAX_BYTES:
        raise YamlTextError(f": expected at most {MAX_BYTES:,} bytes of YAML, got {len(text):,} characters")
    if found := NO_TEXT.search(text):
        raise YamlTextError(f": expected text, got the character {found[0]!a}")
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _BoundedComposer
    yaml.max_depth = MAX_DEPTH
    try:
        constructor, _ = yaml.get_constructor_parser(text)
        yaml.doc_infos.append(DocInfo())  # where its scanner notes what a %YAML line says
        node = yaml.composer.get_single_node()
        return (None, None) if node is None else (constructor.construct_document(node), node)
    except YamlTextError:
        raise
    except MaxDepthExceededError as error:
        raise YamlTextError(f"{_line(error)}: expected at most {MAX_DEPTH} levels of nesting") from None
    except (ScannerError, ParserError, ComposerError, ReaderError) as error:
        raise YamlSyntaxError(f"{_line(error)} is not valid YAML: {_problem(error)}") from None
    except YAMLError as error:
        raise YamlTextError(f"{_line(error)} is not valid YAML: {_problem(error)}") from None
    except Exception as error:  # dates such as 2024-13-45, and whatever else a value may do to its reader
        raise YamlTextError(f" is not valid YAML: {_problem(error)}") from None


class _BoundedComposer(Composer):
    """Counts values as they are met, and takes an alias for a copy of what it names.

    Attributes:
        count: of values so far, aliases followed.
        counts: of the values in each node that is whole; a node that is still open is not among them.
    """

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader)
        self.warn_double_anchors = False
        self.count = 0
        self.counts: dict[int, int] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.parser.peek_event()
        before = self.count
        node = super().compose_node(parent, index)
        if isinstance(event, AliasEvent):
            if id(node) not in self.counts:
                raise YamlTextError(f"{_at(event)}: '*{event.anchor}' stands for a value that it is a part of")
            self._add(self.counts[id(node)], event)
            node = copy.copy(node)
            node.start_mark, node.end_mark = event.start_mark, event.end_mark
            if isinstance(node, CollectionNode):
                node.flow_style = True  # its entries do not stand here
        else:
            self._add(1, event)
            self.counts[id(node)] = self.count - before
            if node.tag not in TAGS:
                raise YamlTextError(f"{_at(event)}: expected plain values, got the tag {cut(node.tag)}")
        return node

    def compose_scalar_node(self, anchor: Any) -> Any:
        node = super().compose_scalar_node(anchor)
        if len(node.value) > MAX_TEXT:
            raise YamlTextError(
                f"{_at(node)}: expected at most {MAX_TEXT:,} characters, got a text of {len(node.value):,}"
            )
        if node.tag in NUMBERS and len(node.value) > MAX_DIGITS:
            raise YamlTextError(
                f"{_at(node)}: expected at most {MAX_DIGITS} digits, got a number of {len(node.value):,}"
            )
        if found := NO_TEXT.search(node.value):
            raise YamlTextError(f"{_at(node)}: expected text, got the character {found[0]!a}")
        return node

    def _add(self, count: int, event: Any) -> None:
        self.count += count
        if self.count > MAX_VALUES:
            raise YamlTextError(f"{_at(event)}: expected at most {MAX_VALUES:,} values, aliases followed")


def _at(event: Any) -> str:
    return f" line {event.start_mark.line + 1}"


def _line(error: Any) -> str:
    mark = getattr(error, "problem_mark", None)
    return f" line {mark.line + 1}" if mark else ""


def _problem(error: Any) -> str:
    """What the parser says, in one short line."""
    if isinstance(error, ReaderError):
        return f"{error.reason}, got #x{error.character:04x} as character {error.position + 1:,}"
    return cut(" ".join(str(getattr(error, "problem", None) or error).split()))


def on_one_line(value: Any) -> str:
    """Writes a value on one line, so that YAML 1.2 (ruamel, DVC) and 1.1 (PyYAML) read the same.

    Raises:
        TypeError: YAML has nothing like it.
    """
    match value:
        case dict():
            return "{" + ", ".join(f"{on_one_line(key)}: {on_one_line(entry)}" for key, entry in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(on_one_line, value)) + "]"
        case None | bool() | int():
            return json.dumps(value)
        case float():
            return _float(value)
        case str():
            return _text(value)
        case datetime.date():
            return value.isoformat()
    raise TypeError(f"YAML cannot represent an object of type {type(value).__name__}")


def _float(value: float) -> str:
    text = repr(value)
    if "n" in text:
        return text.replace("inf", ".inf").replace("nan", ".nan")
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}.0e{exponent}" if e and "." not in mantissa else text  # 1e-05 is no number in YAML 1.1


def _text(value: str) -> str:
    if PLAIN.fullmatch(value) and value.lower() not in RESERVED:
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def block(content: dict[Any, Any], indent: str = "", short: bool = False) -> list[str]:
    """Writes a mapping as lines; with `short`, mappings without mappings in them take one line."""
    lines = []
    for key, value in content.items():
        name = f"{indent}{on_one_line(key)}:"
        if (
            isinstance(value, dict)
            and value
            and (not short or any(isinstance(entry, dict) for entry in value.values()))
        ):
            lines += [name, *block(value, f"{indent}  ", short)]
        else:
            lines += _wrapped(name, value, indent) if short else [f"{name} {on_one_line(value)}"]
    return lines


def _wrapped(name: str, value: Any, indent: str) -> list[str]:
    """A value of its name, its entries on further lines where they are too many for one."""
    line = f"{name} {on_one_line(value)}"
    if len(line) <= WIDTH or not isinstance(value, dict | list):
        return [line]
    entries = (
        [on_one_line(entry) for entry in value]
        if isinstance(value, list)
        else [f"{on_one_line(key)}: {on_one_line(entry)}" for key, entry in value.items()]
    )
    opening, closing = "[]" if isinstance(value, list) else "{}"
    lines = [f"{name} {opening}"]
    for number, entry in enumerate(entries, 1):
        piece = entry + (closing if number == len(entries) else ",")
        if number > 1 and len(lines[-1]) + 1 + len(piece) > WIDTH:
            lines.append(f"{indent}  {piece}")
        else:
            lines[-1] += piece if number == 1 else f" {piece}"
    return lines


def same(one: Any, other: Any) -> bool:
    """Whether two plain values are equal, types included: 1 is neither 1.0 nor true, and nan is nan."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other or repr(one) == repr(other) == "nan"
