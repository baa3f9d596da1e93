"""Answers are held to what was evaluated, and a difference is named."""

import numpy as np
import pandas as pd
from made_schema import schema_of
from scipy.special import expit, softmax

from twintrain.data.targets import Target
from twintrain.serving.evaluated import check_answers
from twintrain.serving.recipe import Recipe, answer_columns

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


def test_labels_of_further_targets_that_differ_are_named(error_of):
    expected = EXPECTED.assign(half_label=["low", "high"], half_probability_low=[0.7, 0.2])
    assert error_of(check_answers, expected.assign(half_label="low"), expected) == (
        "row 2 of 2 has the half_label low, evaluated as high"
    )


def test_outputs_of_several_targets_are_answers_to_each():
    targets = {
        "letter": Target(task="multiclass", labels=["a", "b", "c"], of_class=[0, 1, 2]),
        "half": Target(task="binary", labels=["low", "high"], of_class=[0, 0, 1]),
    }
    task = schema_of([5], labels=["a", "b", "c"], outputs=4, targets=targets)
    recipe = Recipe.model_construct(has_head=False, task=task)
    logits = np.array([[0.5, 2.0, -1.0, 0.3], [3.0, 0.0, 1.0, -2.0]], np.float32)
    answers = recipe.answers(logits)
    assert list(answers) == list(answer_columns(task))
    assert [name for name, has_labels in answer_columns(task).items() if has_labels] == ["label", "half_label"]
    assert (answers["label"].tolist(), answers["half_label"].tolist()) == (["b", "a"], ["high", "low"])
    of_letters = answers[["probability_a", "probability_b", "probability_c"]]
    np.testing.assert_allclose(of_letters, softmax(logits[:, :3].astype(float), axis=1), rtol=1e-12)
    np.testing.assert_allclose(answers["half_probability_high"], expit(logits[:, 3].astype(float)), rtol=1e-12)
    np.testing.assert_allclose(answers["half_probability_low"], expit(-logits[:, 3].astype(float)), rtol=1e-12)
