"""Reviews that a grammar makes, and their labels, read anew from the finished text."""

import numpy as np
import pytest

from twintrain.data.dataset import Dataset
from twintrain.data.readers.reading import read_raw
from twintrain.data.readers.reviews import Reviews, made_reviews
from twintrain.settings.yaml_files import validated

WORDS = {"things": ["soup", "wine"], "praise": ["good", "fine"], "blame": ["bad"]}

FORMULA = "formula: reviews\nrows: 20\nseed: 1\nnoise: 0\nthings: [soup, wine]\npraise: [good, fine]\nblame: [bad]\n"
DESCRIBED = {
    **{"title": "Demo", "origin": "tests", "licence": "none", "task": "binary", "format": "reviews"},
    **{"files": {"reviews.yaml": ""}, "target": "opinion", "labels": ["bad", "good"], "features": {"text": "text"}},
}
NOTHING = "there is nothing to learn"
NO_TEXT = "format: reviews is one file, its task binary, and its one feature a text"


def grammar(**changes):
    return Reviews(**{"formula": "reviews", "rows": 2000, "seed": 1, "noise": 0.0, **WORDS, **changes})


def praises(clause):
    """Whether a clause praises, read anew."""
    return ("not" in clause.split()) != (clause.split()[-1] in WORDS["praise"])


def main_clause(review):
    review = review.rstrip(".").lower()
    if review.startswith("although "):
        return review.partition(", ")[2]
    if " but " in review:
        return review.partition(", but ")[2]
    return review.partition(", although ")[0].partition(", and ")[0]


def test_label_is_the_opinion_of_the_main_clause():
    reviews, labels = made_reviews(grammar())
    assert [praises(main_clause(review)) for review in reviews] == labels.tolist()
    assert all(review[0].isupper() and review.endswith(".") for review in reviews)
    opposed = [sum(praises(part) for part in review.rstrip(".").lower().split(", ")) == 1 for review in reviews]
    # Three forms of four; of the fourth both clauses are of the same opinion.
    assert opposed == [", and " not in review for review in reviews]
    assert 0.7 < np.mean(opposed) < 0.8


def test_some_labels_are_wrong_and_the_rest_is_as_without_noise():
    reviews, labels = made_reviews(grammar())
    noisy, wrong = made_reviews(grammar(noise=0.1))
    assert noisy == reviews
    assert 0.08 < (labels != wrong).mean() < 0.12


def test_reviews_are_pinned_and_change_with_the_seed():
    reviews, labels = made_reviews(grammar())
    assert reviews[0] == "Although the wine was very bad, the wine was really good."
    assert labels.sum() == 998
    assert reviews != made_reviews(grammar(seed=2))[0]


def read(content, tmp_path, **changes):
    path = tmp_path / "reviews.yaml"
    path.write_text(content, encoding="utf-8")
    return read_raw([path], validated(Dataset, {**DESCRIBED, **changes}, "demo.yaml"), "error")


def test_file_becomes_a_table_of_texts_and_labels(tmp_path):
    data = read(FORMULA, tmp_path)
    reviews, labels = made_reviews(grammar(rows=20))
    assert data.table["text"].tolist() == reviews
    assert data.table["opinion"].tolist() == [DESCRIBED["labels"][label] for label in labels.astype(int)]
    assert (data.labels.tolist(), data.labels.dtype, len(data.rejected)) == (labels.tolist(), np.int64, 0)


@pytest.mark.parametrize(
    ("content", "changes", "message"),
    [
        (FORMULA.replace("20", "0"), {}, "'rows': expected 1 to 1,000,000, got 0"),
        (FORMULA.replace("reviews", "waves"), {}, "'formula': expected 'reviews', got 'waves'"),
        (
            FORMULA.replace("rows: 20", "rows: 1"),
            {},
            "expected at least two classes, got only 'good'; there is nothing to learn",
        ),
        (
            FORMULA,
            {"features": {"text": "numeric"}},
            "format: reviews is one file, its task binary, and its one feature a text",
        ),
    ],
)
def test_mistake_in_a_grammar_is_one_line(content, changes, message, tmp_path, error_of):
    assert error_of(read, content, tmp_path, **changes) == f"{tmp_path / 'reviews.yaml'}: {message}"
