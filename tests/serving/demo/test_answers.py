import numpy as np
import pandas as pd
import pytest

from twintrain.data.dataset import Dataset
from twintrain.data.feature import Feature
from twintrain.data.schema import network_schema
from twintrain.serving.demo.answers import Answer, agreement, read_answer, reasons
from twintrain.serving.demo.examples import as_points, chosen_rows
from twintrain.serving.demo.subject import Study
from twintrain.settings.sections.data import Preprocess

NOTHING = np.zeros(0)


def classes(label, **probability):
    return Answer(label, probability, NOTHING)


def numbers(*found):
    return Answer(None, {}, np.array(found))


def test_answer_of_classes_has_their_probabilities():
    scored = pd.DataFrame({"label": ["yes"], "probability_no": [0.25], "probability_yes": [0.75]})
    answer = read_answer(scored)
    assert (answer.label, answer.probability, answer.numbers.size) == ("yes", {"no": 0.25, "yes": 0.75}, 0)


def test_answer_of_a_regression_is_its_number():
    answer = read_answer(pd.DataFrame({"progression": np.float32([152.5])}))
    assert (answer.label, answer.probability, answer.numbers.tolist()) == (None, {}, [152.5])


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (
            {"torch": classes("7", **{"7": 0.9, "9": 0.1}), "keras": classes("7", **{"7": 0.88, "9": 0.12})},
            "Both say 7. The largest difference of a probability is 0.02.",
        ),
        (
            {"torch": classes("7", **{"7": 0.6, "9": 0.4}), "keras": classes("9", **{"7": 0.25, "9": 0.75})},
            "They disagree: PyTorch says 7, Keras says 9. The largest difference of a probability is 0.35.",
        ),
        (
            {"torch": classes("x", x=1.0), "keras": classes("x", x=0.75), "keras-jax": classes("x", x=0.5)},
            "All 3 say x. The largest difference of a probability is 0.5.",
        ),
        ({"torch": numbers(152.0), "keras": numbers(151.5)}, "They differ by 0.5."),
        ({"torch": numbers(1, 2), "keras": numbers(1, 2.25)}, "The largest difference of a number is 0.25."),
        ({"torch": classes("7")}, ""),
        ({"torch": classes("7"), "keras": "it has ended"}, ""),
        ({}, ""),
    ],
)
def test_agreement_is_said_with_the_largest_difference(answers, expected):
    assert agreement(answers) == expected


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"torch": "age is missing", "keras": "age is missing"}, ["age is missing"]),
        ({"torch": classes("7"), "keras": "it has ended"}, ["Keras: it has ended"]),
        ({"torch": "it has no memory", "keras": "it has ended"}, ["PyTorch: it has no memory", "Keras: it has ended"]),
        ({"torch": classes("7"), "keras": classes("7")}, []),
    ],
)
def test_reason_that_all_have_is_given_once(answers, expected):
    assert reasons(answers) == expected


def test_every_class_has_a_turn_among_the_examples():
    labels = np.array([2, 2, 0, 2, 0, 1])
    assert chosen_rows(labels, 5).tolist() == [2, 5, 0, 4, 1]
    assert chosen_rows(labels, 99).tolist() == [2, 5, 0, 4, 1, 3]


def test_examples_of_numbers_are_spread_over_the_rows():
    assert chosen_rows(np.zeros((9, 1)), 3).tolist() == [0, 3, 6]
    assert chosen_rows(np.zeros((10, 1)), 3).tolist() == [0, 4, 8]
    assert chosen_rows(np.zeros((2, 1)), 3).tolist() == [0, 1]


def test_points_of_a_sequence_tell_its_channels_apart():
    points = as_points(np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert points.to_dict("list") == {
        "place": [0, 0, 1, 1],
        "number": [1, 2, 3, 4],
        "channel": ["channel 1", "channel 2", "channel 1", "channel 2"],
    }
    assert as_points(np.array([5.0, 6.0])).number.tolist() == [5, 6]


@pytest.fixture
def study():
    described = Dataset(
        title="a table",
        origin="drawn",
        licence="none",
        task="regression",
        format="table",
        files={"table.csv": "0"},
        target="price",
        features={"age": Feature()},
    )
    rows = pd.DataFrame({"age": [3.0, 5.0], "price": [1.0, 2.0]}, index=[17, 4])
    schema = network_schema("a", described, Preprocess())
    frameworks = ["torch", "keras"]
    return Study("headline", "conclusion", described, schema, frameworks, rows, rows.index.to_numpy(), ["1", ""])


def test_example_is_one_row_with_its_number(study):
    assert study.example(1).to_dict("records") == [{"age": 5.0, "price": 2.0}]
    assert [study.caption(0), study.caption(1)] == ["Test row 17: 1", "Test row 4"]
