"""What the frameworks say of one row, and how far apart they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twintrain.settings.frameworks import TITLES

if TYPE_CHECKING:
    import pandas as pd


PROBABILITY = "probability_"


@dataclass(frozen=True)
class Answer:
    """What one network says of one row: a class with its probabilities, or numbers.

    Attributes:
        label: the likeliest class; None where numbers are predicted.
        probability: of each class, in the order of the labels; empty where numbers are predicted.
        numbers: float64, one, or as many as the row that is reconstructed has; empty where classes are predicted.
    """

    label: str | None
    probability: dict[str, float]
    numbers: np.ndarray


def read_answer(scored: "pd.DataFrame") -> Answer:
    """Reads what a raw-rows model gives for one row: `label` and a `probability_LABEL` a class, or numbers."""
    row = scored.iloc[0]
    if "label" not in scored:
        return Answer(None, {}, row.to_numpy(np.float64))
    probability = {
        name.removeprefix(PROBABILITY): float(value) for name, value in row.items() if name.startswith(PROBABILITY)
    }
    return Answer(str(row["label"]), probability, np.zeros(0))


def reasons(answers: Mapping[str, Answer | str]) -> list[str]:
    """Why frameworks have no answer: the reason that all have, else each one's, with its name."""
    found = {framework: answer for framework, answer in answers.items() if isinstance(answer, str)}
    if len(found) == len(answers) and len(set(found.values())) == 1:
        return list(set(found.values()))
    return [f"{TITLES[framework]}: {reason}" for framework, reason in found.items()]


def agreement(answers: Mapping[str, Answer | str]) -> str:
    """Says in a sentence or two whether the frameworks agree, and how far apart they are.

    Args:
        answers: of one row, by framework; those that have none are passed over.
    """
    found = {TITLES[framework]: answer for framework, answer in answers.items() if isinstance(answer, Answer)}
    if len(found) < 2:
        return ""
    if all(answer.label is None for answer in found.values()):
        return _differ(np.stack([answer.numbers for answer in found.values()]))
    largest = _largest(np.array([list(answer.probability.values()) for answer in found.values()]))
    difference = f"The largest difference of a probability is {largest:.2g}."
    labels = {answer.label for answer in found.values()}
    if len(labels) == 1:
        return f"{'Both' if len(found) == 2 else f'All {len(found)}'} say {labels.pop()}. {difference}"
    said = ", ".join(f"{title} says {answer.label}" for title, answer in found.items())
    return f"They disagree: {said}. {difference}"


def _differ(numbers: np.ndarray) -> str:
    """Numbers (frameworks, numbers of the answer)."""
    what = "They differ by" if numbers.shape[1] == 1 else "The largest difference of a number is"
    return f"{what} {_largest(numbers):.2g}."


def _largest(values: np.ndarray) -> float:
    """The largest distance between two frameworks, (frameworks, values)."""
    return float(np.ptp(values, axis=0).max())
