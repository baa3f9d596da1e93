"""Answers are held to what was evaluated, and a difference is named."""

import pandas as pd

from twintrain.serving.evaluated import check_answers

EXPECTED = pd.DataFrame({"label": ["a", "b"], "probability_a": [0.9, 0.5], "probability_b": [0.1, 0.5]})


def test_answers_within_the_tolerance_pass():
    check_answers(EXPECTED.assign(probability_a=[0.9 + 9e-7, 0.5]), EXPECTED)
    numbers = pd.DataFrame({"prediction": [1e6]})
    check_answers(numbers + 0.9, numbers)  # a millionth of it


def test_answers_that_differ_are_named(error_of):
    assert error_of(check_answers, EXPECTED.assign(probability_a=[0.9, 0.51]), EXPECTED) == (
        "row 2 of 2: probability_a is answered as 0.51, evaluated as 0.5; expected the same within 1e-06"
    )
    assert error_of(check_answers, EXPECTED.assign(probability_b=[float("nan"), 0.5]), EXPECTED).startswith(
        "row 1 of 2: probability_b is answered as nan, evaluated as 0.1"
    )
    assert error_of(check_answers, EXPECTED.assign(label=["a", "a"]), EXPECTED) == (
        "row 2 of 2 is labelled a, evaluated as b"
    )
    assert error_of(check_answers, EXPECTED[:1], EXPECTED) == (
        "expected 2 answers of label, probability_a, probability_b, got 1 of label, probability_a, probability_b"
    )
    assert error_of(check_answers, EXPECTED.drop(columns="label"), EXPECTED).endswith(
        "got 2 of probability_a, probability_b"
    )
