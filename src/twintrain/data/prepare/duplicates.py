"""Test rows that stand among the training rows too: exact duplicates, found by a hash of each row."""

import math
from dataclasses import dataclass

import numpy as np

from twintrain.system.language import say

# Odd constants of MurmurHash3's finalizer, which spreads each bit of a word over all of it.
SPREAD, MIX = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
HALF = np.uint64(32)
WORD = 8
# Of the words that are hashed at once: they and their copies stay in a core's cache.
CACHED_WORDS = 2**16


@dataclass(frozen=True)
class Duplicates:
    """Of how many test rows the features are those of a training row.

    Attributes:
        test_rows: number of all.
        same: those of a training row with the same target.
        other_target: those whose training rows all have another target.
    """

    test_rows: int
    same: int
    other_target: int


def find_duplicates(
    features: np.ndarray, targets: np.ndarray | None, train: np.ndarray, test: np.ndarray
) -> Duplicates:
    """Counts test rows that are exact duplicates of training rows.

    It takes 16 bytes a row. Two different rows have one hash by chance in 2⁻⁶⁴ of the pairs: among 10 million rows a
    chance of 3 in a million that any have.

    Args:
        features: (rows, …) numbers; may be a memory map, which is read in blocks.
        targets: (rows,) or (rows, outputs); None: the features are all that there is.
        train, test: row numbers.
    """
    known, asked = (_hashes(features, rows) for rows in (train, test))
    is_known = _are_among(asked, known)
    if targets is None:
        return Duplicates(len(test), int(is_known.sum()), 0)
    for hashes, rows in ((known, train), (asked, test)):
        np.multiply(hashes, MIX, out=hashes)
        np.add(hashes, _hashes(targets, rows), out=hashes)
    is_same = _are_among(asked, known)
    return Duplicates(len(test), int(is_same.sum()), int((is_known & ~is_same).sum()))


def sentences(found: Duplicates) -> list[str]:
    """What is said of them, and what to do: a sentence each, none where there are none."""
    said = []
    if found.same:
        said.append(
            say(
                "{rows} of {all_rows} test rows ({share}) {has} a training row's features and target: their scores "
                "tell what was learned by heart; take copies out of the data, or keep them in one part by split.group",
                **_share(found.same, found.test_rows),
            )
        )
    if found.other_target:
        said.append(
            say(
                "{rows} of {all_rows} test rows ({share}) {has} a training row's features and another target: no "
                "network can tell these apart; look at how they got their targets, or for a feature that is missing",
                **_share(found.other_target, found.test_rows),
            )
        )
    return said


def _share(rows: int, all_rows: int) -> dict[str, str]:
    has = say("has") if rows == 1 else say("have")
    return {"rows": f"{rows:,}", "all_rows": f"{all_rows:,}", "share": f"{rows / all_rows:.1%}", "has": has}


def _are_among(asked: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Whether each hash is one of the known ones, with one sorted copy of these."""
    found = np.zeros(len(asked), bool)
    if not len(known):
        return found
    ordered = np.sort(known)
    for start in range(0, len(asked), CACHED_WORDS):
        part = asked[start : start + CACHED_WORDS]
        places = np.minimum(np.searchsorted(ordered, part), len(ordered) - 1)
        found[start : start + len(part)] = ordered[places] == part
    return found


def _hashes(array: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """One uint64 of each of these rows."""
    found, words = np.empty(len(rows), np.uint64), math.ceil(array[:1].nbytes / WORD)
    factors = np.random.default_rng(0).integers(2**63, size=words, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    at_once = max(1, CACHED_WORDS // words)
    for start in range(0, len(rows), at_once):
        part = _words(array[rows[start : start + at_once]], words)
        part *= SPREAD
        part ^= part >> HALF
        part *= factors
        found[start : start + len(part)] = part.sum(axis=1)
    return found


def _words(rows: np.ndarray, words: int) -> np.ndarray:
    """The bytes of each row as so many words, zeros behind them."""
    flat = rows.reshape(len(rows), -1)
    if flat.dtype.kind == "f":
        flat = flat + 0.0  # −0 is 0
    filled = np.zeros((len(flat), words * WORD), np.uint8)
    filled[:, : flat.shape[1] * flat.itemsize] = np.ascontiguousarray(flat).view(np.uint8)
    return filled.view(np.uint64)
