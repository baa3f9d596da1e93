"""Errors that the user can mend."""

import difflib
import stat
from collections.abc import Iterable
from typing import Any

LISTED = 175  # characters of what is known: more is not read
SHOWN = 80  # characters of what came: enough to know it again
LONGEST_WORD = 200


class UserError(Exception):
    """One line for the user: what was expected, what came, how to mend it.

    Attributes:
        command: what to type, at the end of the line; however long, it is never cut.
    """

    def __init__(self, message: str = "", command: str = "") -> None:
        super().__init__(f"{message}: {command}" if command else message)
        self.command = command


def first_line(error: Exception) -> str:
    """What an error of somebody else's code says, as far as it fits into a line of ours."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def said_of_file(error: OSError) -> str:
    """What the system says of a file, without its name: the user has not heard of one that is not whole yet."""
    return error.strerror or first_line(error)


def kind_of(mode: int) -> str:
    """What a thing of a disk is that is no regular file, by its `st_mode`."""
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def shown(value: Any) -> str:
    """A value as an error shows it: as Python writes it, cut off where that is long."""
    return cut(repr(value))


def cut(text: str) -> str:
    """A text on one line, or the beginning of a long one."""
    text = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text):,} characters)"


def closest(word: str, known: Iterable[str], likeness: float = 0.8) -> str | None:
    """The known word that is most like a word, if any is as much like it as this, from 0 to 1."""
    # Of a word that is far longer than any, the likeness would take long to compute.
    return next(iter(difflib.get_close_matches(word[:LONGEST_WORD], known, n=1, cutoff=likeness)), None)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Returns `; did you mean 'x'?` for the nearest known word, else what is known, if that is short enough to read."""
    known = list(known)
    if close := closest(word, known, 0.6):
        return f"; did you mean '{close}'?"
    listed = ", ".join(sorted(known))
    return f"; known: {listed}" if len(listed) <= LISTED else ""


def unknown(kind: str, word: str, known: Iterable[str], place: str | None = None) -> UserError:
    """The error for a name that is not among the known ones of its kind.

    Args:
        place: where they can be looked up, if they are too many to be listed.
    """
    found = did_you_mean(word, known) or (f"; {place} has them all" if place else "")
    return UserError(f"unknown {kind} '{cut(word)}'{found}")
