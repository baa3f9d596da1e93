"""Classes by their rows: which are too rare to be learned, and what else of them is pointed out."""

import math
from collections.abc import Iterable, Mapping

from twintrain.data.spelling import spelling_key

# A class of fewer rows is set aside.
CLASS_ROWS = 5
IMBALANCE = 3.0
# Of the classes that a line names.
NAMED = 5


def frequent(counts: Mapping[str, int]) -> list[str]:
    """The classes of enough rows, in their order."""
    return sorted((label for label, rows in counts.items() if rows >= CLASS_ROWS), key=in_order)


def rare_note(counts: Mapping[str, int], row: str = "row") -> list[str]:
    """What is said of classes that are too rare: one line, or none.

    Args:
        row: what one of them is called.
    """
    kept = set(frequent(counts))
    rare = [label for label in counts if label not in kept]
    return left_out(rare, counts, f"of fewer than {CLASS_ROWS} {row}s", row) if rare else []


def left_out(labels: list[str], counts: Mapping[str, int], why: str, row: str = "row") -> list[str]:
    """One line of classes that are left out, none where there are none."""
    if not labels:
        return []
    shown = named(f"'{label}'" for label in labels)
    rows = count_text(sum(counts[label] for label in labels), row)
    return [f"{count_text(len(labels), 'class')} {why} left out ({shown}): {rows} set aside"]


def imbalance_note(counts: Mapping[str, int], labels: Iterable[str], row: str = "row") -> list[str]:
    """What is said where one of the classes is far more frequent than another: one line, or none."""
    labels = list(labels)
    most, least = max(labels, key=counts.get), min(labels, key=counts.get)
    if counts[most] <= IMBALANCE * counts[least]:
        return []
    return [
        f"the classes are imbalanced: '{most}' has {counts[most]:,} {row}s, '{least}' {counts[least]:,}; "
        "train.loss.class_weights: balanced weighs them"
    ]


def near_names_note(labels: Iterable[str]) -> list[str]:
    """What is said of classes whose names are one to people (see `spelling_key`): a line each."""
    alike: dict[str, list[str]] = {}
    for label in labels:
        alike.setdefault(spelling_key(label), []).append(label)
    return [
        "{} are nearly equal names, and taken as {} classes; where they are one, give them one name".format(
            " and ".join(f"'{label}'" for label in group), len(group)
        )
        for group in alike.values()
        if len(group) > 1
    ]


def in_order(label: str) -> tuple[float, str]:
    """Numbers by size, then text."""
    try:
        return float(label), label
    except ValueError:
        return math.inf, label


def count_text(number: int, word: str) -> str:
    """`1 row`, `2 rows`, `2 classes`."""
    plural = word if number == 1 else f"{word}es" if word.endswith("s") else f"{word}s"
    return f"{number:,} {plural}"


def named(names: Iterable[str]) -> str:
    """The first of some names."""
    names = list(names)
    return ", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else "")
