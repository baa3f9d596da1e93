"""Texts as token ids: words by one rule, each known by a number of its own, and a vocabulary of the frequent ones.

A text is cut into words in lower case and Unicode's NFC. Until training rows have said which words there are, a word is
its number (`word_number`), so that nothing needs to be learned to read rows; then it is its id in the vocabulary.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from itertools import islice

import numpy as np
import pandas as pd

from twintrain.data.feature import PADDING, RESERVED, UNKNOWN, Feature

LAST_OF_SCRIPTS = 0x1FFFF  # beyond are Chinese signs, private ones and tags


@cache
def word_pattern() -> re.Pattern[str]:
    """A word of letters and digits, which may have apostrophes inside (don't), or one other sign; with their marks.

    White space and control characters stand between words. Marks, which Python does not count among the letters, are
    the vowels of Hindi, Thai or Tamil, and accents that no letter is composed with.
    """
    marks = "".join(_characters("Mn", "Mc"))
    return re.compile(rf"[\w{marks}]+(?:['’][\w{marks}]+)*|[^\w{marks}\s\x00-\x1f\x7f-\x9f][{marks}]*")


@cache
def _unseen() -> dict[int, None]:
    """What has no width, such as a byte-order mark, a soft hyphen or what joins signs, for `str.translate`."""
    return dict.fromkeys(map(ord, _characters("Cf")))


def _characters(*categories: str) -> Iterator[str]:
    """All signs of Unicode's categories."""
    return (sign for sign in map(chr, range(LAST_OF_SCRIPTS + 1)) if unicodedata.category(sign) in categories)


def words_in(text: str) -> Iterator[str]:
    """The words of a text, in their order."""
    plain = unicodedata.normalize("NFC", text.lower().translate(_unseen()))
    return (found.group() for found in word_pattern().finditer(plain))


@lru_cache(maxsize=100_000)
def word_number(word: str) -> int:
    """A number from 1 to 2⁶³ − 1 of a word, the same everywhere: 63 bits of its BLAKE2b hash.

    Two different words have one number by chance in 2⁻⁶³ of the pairs: among a million words a chance of 5 in 10⁸.
    """
    digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) >> 1 or 1


def texts_of(column: pd.Series) -> pd.Series:
    """A column, text or typed, as text; "" where there is none."""
    return column.where(column.notna(), "").astype(str)


def word_numbers(column: pd.Series, length: int, lexicon: dict[int, str] | None = None) -> np.ndarray:
    """The numbers of the first `length` words of each text.

    Args:
        lexicon: is given the word of each number.

    Returns:
        int64 (rows, length), zeros behind the last word.
    """
    numbers = np.zeros((len(column), length), np.int64)
    for row, text in enumerate(texts_of(column)):
        words = list(islice(words_in(text), length))
        numbers[row, : len(words)] = [word_number(word) for word in words]
        if lexicon is not None:
            lexicon.update(zip(numbers[row].tolist(), words, strict=False))
    return numbers


def word_counts(column: pd.Series) -> np.ndarray:
    """How many words each text has: float64 (rows,)."""
    return np.array([sum(1 for _ in words_in(text)) for text in texts_of(column)], np.float64)


def texts_counted(table: pd.DataFrame, features: Mapping[str, Feature]) -> pd.DataFrame:
    """The table, where texts cannot be drawn or put in order, with the numbers of their words in their place."""
    texts = [name for name, feature in features.items() if feature.text]
    counted = table.assign(**{name: word_counts(table[name]) for name in texts})
    return counted.rename(columns={name: f"words of {name}" for name in texts})


def fit_vocabulary(numbers: np.ndarray, words: Iterable[str], size: int) -> list[str]:
    """The most frequent words of training rows, those that are as frequent as others in the order of their spelling.

    Args:
        numbers: (rows, length), as `word_numbers` gives them.
        words: all that may be among them.
        size: of the vocabulary, at most.
    """
    found, counts = np.unique(numbers[numbers > 0], return_counts=True)
    frequency = dict(zip(found.tolist(), counts.tolist(), strict=True))
    known = {word: frequency[word_number(word)] for word in words if word_number(word) in frequency}
    return sorted(known, key=lambda word: (-known[word], word))[:size]


def vocabulary_digest(vocabulary: list[str]) -> str:
    """What tells one vocabulary from another: the sha256 of its words in their order, each in a line."""
    return hashlib.sha256("".join(f"{word}\n" for word in vocabulary).encode("utf-8", "surrogatepass")).hexdigest()


def token_ids(numbers: np.ndarray, vocabulary: list[str]) -> np.ndarray:
    """The ids of words: PADDING behind the last one, UNKNOWN beyond the vocabulary, whose words count from RESERVED.

    A text without words is one unknown word: of nothing but padding, a mask would leave nothing.

    Args:
        numbers: (rows, length), as `word_numbers` gives them.

    Returns:
        int64 (rows, length).
    """
    known = np.array([word_number(word) for word in vocabulary], np.int64)
    order = np.argsort(known)
    ids = np.where(numbers == 0, PADDING, UNKNOWN)
    if len(known):
        places = order[np.minimum(np.searchsorted(known, numbers, sorter=order), len(known) - 1)]
        ids = np.where(known[places] == numbers, places + RESERVED, ids)
    ids[numbers[:, 0] == 0, 0] = UNKNOWN
    return ids
