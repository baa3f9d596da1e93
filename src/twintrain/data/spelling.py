"""Which texts are one value to people: those that differ in case, blanks, Unicode form, or by zeros of a number."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

_WHOLE = re.compile(r"([-+]?)0*(\d+)(?:\.0+)?")


def spelling_key(text: str) -> str:
    """The same for texts that are one value: "Yes" and " YES", "1", "01" and "1.0", é in one sign and in two."""
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    whole = _WHOLE.fullmatch(plain)
    return whole[1] + whole[2] if whole else plain


def one_spelling(counts: Mapping[str, int]) -> dict[str, str]:
    """For each text the most frequent one of those that are the same value."""
    best: dict[str, str] = {}
    for text in sorted(counts, key=lambda text: (-counts[text], text)):
        best.setdefault(spelling_key(text), text)
    return {text: best[spelling_key(text)] for text in counts}


def spellings(texts: Iterable[str]) -> dict[str, str]:
    """The text of each spelling key that stands for one of the texts alone."""
    texts = list(texts)
    keys = Counter(map(spelling_key, texts))
    return {key: text for text in texts if keys[key := spelling_key(text)] == 1}
