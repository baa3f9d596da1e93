"""Confusion matrices and scores by class: what networks have in common once, and beside it where they differ."""

from dataclasses import dataclass
from typing import Any

from twintrain.evaluation import digits

SCORES = {"precision": "precision", "recall": "recall", "specificity": "specificity", "f1": "F1"}
NO_DIFFERENCE = "·"


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix, or the difference of two.

    Attributes:
        title: which networks have it, or which is less which.
        labels: of the classes.
        cells: of each true class (down) and each predicted one (across) the text, and the shade from 0 to 1.
    """

    title: str
    labels: list[Any]
    cells: list[list[tuple[str, float]]]


def matrices(classes: dict[str, dict[str, Any]]) -> list[Matrix]:
    """The first network's matrix, and that of the first one less each other one that is not equal.

    Args:
        classes: of each network by its title an entry of results/details.json.
    """
    labels = [each["label"] for each in next(iter(classes.values()))["classes"]]
    alike, others = _parted(classes, "confusion")
    own = next(iter(classes.values()))["confusion"]
    found = [Matrix(listed(alike), labels, [_shaded(row) for row in own])]
    for title in others:
        less = [
            [one - other for one, other in zip(*rows, strict=True)]
            for rows in zip(own, classes[title]["confusion"], strict=True)
        ]
        found.append(Matrix(f"{alike[0]} less {title}", labels, [_signed(row) for row in less]))
    return found


def by_class(classes: dict[str, dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Titles of the groups of columns, each with all SCORES, and a row a class: label, rows, then the scores."""
    alike, others = _parted(classes, "classes")
    own = next(iter(classes.values()))["classes"]
    rows = []
    for place, found in enumerate(own):
        scores = [f"{found[key]:.3f}" for key in SCORES]
        for title in others:
            scores += [_score_difference(found[key] - classes[title]["classes"][place][key]) for key in SCORES]
        rows.append([str(found["label"]), digits.count(found["rows"]), *scores])
    return [listed(alike), *(f"{alike[0]} less {title}" for title in others)], rows


def listed(names: list[str]) -> str:
    """`PyTorch, Keras and Keras on JAX`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _parted(classes: dict[str, dict[str, Any]], key: str) -> tuple[list[str], list[str]]:
    """Titles of the networks that are as the first one, with it, and of those that are not."""
    first = next(iter(classes.values()))[key]
    alike = [title for title, found in classes.items() if found[key] == first]
    return alike, [title for title in classes if title not in alike]


def _shaded(counts: list[int]) -> list[tuple[str, float]]:
    rows = sum(counts)
    return [(digits.count(count), count / rows if rows else 0.0) for count in counts]


def _signed(counts: list[int]) -> list[tuple[str, float]]:
    largest = max(map(abs, counts)) or 1
    return [(f"{count:+,}" if count else NO_DIFFERENCE, abs(count) / largest) for count in counts]


def _score_difference(value: float) -> str:
    return f"{value:+.3f}" if round(value, 3) else NO_DIFFERENCE
