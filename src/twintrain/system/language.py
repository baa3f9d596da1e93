"""The language that a person is spoken to in: English, or what TWINTRAIN_LANG asks for.

All is written in English. Its one catalogue, korean.json, has the Korean of each text, with the same named
placeholders. Only what is printed for the person who typed a command is spoken in their language (`spoken`). Stages of
DVC and notes in MLflow stay English: their outputs are cached and shared, and would else be those of whoever ran first.
"""

import contextlib
import functools
import json
import os
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

from twintrain.errors import UserError

VARIABLE = "TWINTRAIN_LANG"
ENGLISH = "en"
CATALOGUES = {"ko": Path(__file__).with_name("korean.json")}
_spoken = ContextVar("spoken", default=ENGLISH)


def asked_language() -> str:
    """What TWINTRAIN_LANG asks for, `en` or `ko`; English where it is not set.

    Raises:
        UserError: there is no such language.
    """
    name = os.environ.get(VARIABLE) or ENGLISH
    if name != ENGLISH and name not in CATALOGUES:
        known = ", ".join([ENGLISH, *CATALOGUES])
        raise UserError(f"{VARIABLE} is {name[:20]!r}; expected one of {known}; unset it for English")
    return name


@contextlib.contextmanager
def spoken() -> Iterator[None]:
    """Speaks the language that was asked for, meanwhile."""
    token = _spoken.set(asked_language())
    try:
        yield
    finally:
        _spoken.reset(token)


def is_english() -> bool:
    """Whether English is spoken now."""
    return _spoken.get() == ENGLISH


def say(text: str, /, **values: object) -> str:
    """A text in the language that is spoken now, its placeholders filled; English where the catalogue lacks it."""
    return _catalogue(_spoken.get()).get(text, text).format(**values)


def msg(text: str, /) -> str:
    """Marks a text that `say` is given later, for the test of the catalogue; returns it as it is."""
    return text


@functools.cache
def _catalogue(language: str) -> dict[str, str]:
    return json.loads(CATALOGUES[language].read_text(encoding="utf-8")) if language in CATALOGUES else {}
