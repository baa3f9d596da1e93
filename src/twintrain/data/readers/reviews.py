"""Short reviews made by a seeded grammar, in which the order of the words decides; the raw file has its words."""

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from twintrain.data.dataset import Dataset
from twintrain.data.readers.ingested import Ingested, check_labels, class_indices, set_aside
from twintrain.errors import UserError
from twintrain.settings.yaml_files import read_yaml, validated

# How two clauses make a review, and the one whose opinion it is; of "and" both have the same.
FORMS = (("{}, but {}.", 1), ("although {}, {}.", 1), ("{}, although {}.", 0), ("{}, and {}.", 1))
SAME = 3
DEGREES = ("", "", "very ", "really ")


class Reviews(BaseModel):
    """The raw file.

    Attributes:
        rows: number of reviews.
        seed: of everything that is random.
        noise: share of the labels that are the wrong one.
        things: what clauses are about.
        praise, blame: what is said of them.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    formula: Literal["reviews"]
    rows: int = Field(ge=1, le=10**6)
    seed: int = Field(ge=0, le=2**32 - 1)
    noise: float = Field(ge=0, lt=0.5)
    things: list[str] = Field(min_length=1)
    praise: list[str] = Field(min_length=1)
    blame: list[str] = Field(min_length=1)


def read(paths: list[Path], dataset: Dataset, bad_rows: str) -> Ingested:
    """Makes the reviews that the raw file describes: a column of text, and one of two labels, blame first.

    Raises:
        UserError: a mistake in the raw file, or the description is of other columns.
    """
    path = paths[0]
    if len(paths) > 1 or dataset.task != "binary" or dataset.text is None or len(dataset.features) > 1:
        raise UserError(f"{path}: format: reviews is one file, its task binary, and its one feature a text")
    grammar = validated(Reviews, read_yaml(path), str(path))
    texts, is_praise = made_reviews(grammar)
    labels = pd.Series(np.array(dataset.labels, dtype=object)[is_praise.astype(np.int64)])
    (name,) = dataset.features
    rejected = set_aside(pd.Series("", index=labels.index), bad_rows, path)
    known = class_indices(labels, dataset)
    check_labels(known, dataset, path, rejected=0)
    return Ingested(pd.DataFrame({name: texts, dataset.target: labels}), None, known, rejected)


def made_reviews(grammar: Reviews) -> tuple[list[str], np.ndarray]:
    """Reviews, and whether each is of praise: bool (rows,).

    A clause says of a thing what it was: "the soup was good", with "not" the contrary. A review has two of them, of
    contrary opinions, and is of the opinion of the main clause, the one behind "but" or without "although"; or, in a
    quarter of the reviews, of the same opinion, joined by "and". So which words there are hardly tells the label, and
    their order does.

    It draws from NumPy's legacy generator, whose numbers never change: form, opinion and noise of all rows, then, of
    both clauses, thing, negation, degree and adjective.
    """
    random = np.random.RandomState(grammar.seed)
    forms = random.randint(len(FORMS), size=grammar.rows)
    opinions = random.randint(2, size=grammar.rows) == 1
    flips = random.rand(grammar.rows) < grammar.noise
    clauses = []
    for place in (0, 1):
        is_main = np.array([main for _, main in FORMS])[forms] == place
        clauses.append(_clauses(random, grammar, opinions == (is_main | (forms == SAME))))
    found = [FORMS[form][0].format(*pair) for form, *pair in zip(forms, *clauses, strict=True)]
    return [text[0].upper() + text[1:] for text in found], opinions ^ flips


def _clauses(random: np.random.RandomState, grammar: Reviews, is_praise: np.ndarray) -> list[str]:
    """A clause of each opinion."""
    rows = len(is_praise)
    things = random.randint(len(grammar.things), size=rows)
    negated = random.randint(2, size=rows) == 1
    degrees = random.randint(len(DEGREES), size=rows)
    shares = random.rand(rows)
    words = [grammar.praise if praise else grammar.blame for praise in is_praise ^ negated]
    adjectives = [choice[int(share * len(choice))] for choice, share in zip(words, shares, strict=True)]
    return [
        f"the {grammar.things[thing]} was {'not ' if no else ''}{DEGREES[degree]}{adjective}"
        for thing, no, degree, adjective in zip(things, negated, degrees, adjectives, strict=True)
    ]
