"""How a table is written, as the command line says it."""

import argparse
from typing import Any

from twintrain.errors import UserError, cut, unknown
from twintrain.settings.overrides import NOT_GIVEN

_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "bar": "|", "space": " ", "white space": " "}
NAMED = f" or {', '.join(_DELIMITERS)}"
_OPTIONS = {
    "encoding": "of a table: utf-8, cp1252, cp949 …",
    "header": "of a table: first (its first line names the columns) or none",
    "delimiter": "of a table: , ; tab | or space, which is any run of white space",
    "decimal": "of a table: the decimal mark, . or ,",
    "quote": "of a table: what stands around a cell that has delimiters in it",
    "escape": "of a table: what stands before a quote inside of a cell",
    "skip": "of a table: number of lines before it",
    "sheet": "of a workbook: the name of the sheet",
}


def add_form_options(parser: argparse.ArgumentParser) -> None:
    """Adds --encoding, --header and what else there is to say of a table; what is not said is found out."""
    group = parser.add_argument_group("how a table is written, where it is found out wrongly")
    for name, text in _OPTIONS.items():
        group.add_argument(f"--{name}", help=text)


def form_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """What is said, by the names of `Form`'s fields.

    Raises:
        UserError: a value that none of them takes.
    """
    said = {name: getattr(arguments, name) for name in _OPTIONS}
    return {name: _value(name, text) for name, text in said.items() if text not in (None, *NOT_GIVEN)}


def _value(name: str, text: str) -> Any:
    if name == "header":
        if text not in ("first", "none"):
            raise unknown("--header", text, ("first", "none"))
        return text == "first"
    if name == "skip":
        if not text.isdecimal():
            raise UserError(f"--skip: expected a number of lines, got {text}")
        return int(text)
    if name == "decimal" and text not in (".", ","):
        raise unknown("--decimal", text, (".", ","))
    if name in ("delimiter", "quote", "escape"):
        sign = _DELIMITERS.get(text, text) if name == "delimiter" else text
        if len(sign) != 1 or not sign.isascii() or sign in "\r\n":
            raise UserError(
                f"--{name}: expected one sign of ASCII{NAMED if name == 'delimiter' else ''}, got {cut(text)}"
            )
        return sign
    return text
