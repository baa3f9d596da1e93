"""Two models' predictions as anybody has them: what is told of them, and what is refused."""

import json

import numpy as np
import pytest
import scipy

from twintrain import UserError, compare_predictions
from twintrain.evaluation.comparison import compare_networks
from twintrain.evaluation.sampling import Sampling

RNG = np.random.default_rng(0)
ROWS = 200
LABELS = RNG.integers(0, 3, ROWS)


def probabilities(sharpness, seed):
    found = np.random.default_rng(seed).dirichlet(np.ones(3), ROWS) + sharpness * np.eye(3)[LABELS]
    return found / found.sum(axis=1, keepdims=True)


GOOD, BAD = probabilities(0.6, 1), probabilities(0.2, 2)
WORDS = np.array(["ant", "bee", "cat"])


def test_figures_are_those_of_the_report():
    found = compare_predictions(LABELS, GOOD, BAD, margin=0.02)
    stored = [{"index": np.arange(ROWS), "label": LABELS, "probability": each} for each in (GOOD, BAD)]
    expected = compare_networks(*stored, 0.02)
    assert {name: value for name, value in found.figures.items() if name in expected} == expected
    assert found.figures.keys() - expected.keys() == {"mcnemar_exact_p"}


@pytest.mark.parametrize(
    ("labels", "first", "second"),
    [
        (LABELS, GOOD.argmax(1), BAD.argmax(1)),
        (LABELS.astype(np.uint8), GOOD.argmax(1)[:, None], BAD),
        (LABELS, GOOD, BAD.argmax(1)),
        (WORDS[LABELS], WORDS[GOOD.argmax(1)], WORDS[BAD.argmax(1)].astype(object)),
        (LABELS - 5, GOOD.argmax(1) - 5, BAD.argmax(1) - 5),
        (LABELS[:, None], GOOD.astype(np.float16), BAD.astype(np.float32)),
    ],
)
def test_classes_and_probabilities_are_one_accuracy(labels, first, second):
    found, expected = compare_predictions(labels, first, second), compare_predictions(LABELS, GOOD, BAD)
    names = ("accuracy_difference", "accuracy_ci95", "mcnemar_p", "mcnemar_exact_p", "kappa", "equivalence_p")
    assert [found.figures[name] for name in names] == [expected.figures[name] for name in names]


def test_probabilities_of_the_second_of_two_classes_are_both():
    labels = LABELS == 1
    first, second = (p[:, 1] / 2 + 0.2 for p in (GOOD, BAD))
    nested = compare_predictions(labels, first[:, None], np.stack([1 - second, second], 1))
    assert compare_predictions(labels, first, second).figures == nested.figures


def test_exact_test_is_the_binomial_and_says_nothing_of_groups():
    figures = compare_predictions(LABELS, GOOD, BAD).figures
    counts = figures["only_first_right"], figures["only_second_right"]
    assert min(counts) > 0
    assert figures["mcnemar_exact_p"] == scipy.stats.binomtest(counts[0], sum(counts)).pvalue
    assert compare_predictions(LABELS, GOOD, GOOD).figures["mcnemar_exact_p"] == 1
    assert "mcnemar_exact_p" not in compare_predictions(LABELS, GOOD, BAD, groups=np.arange(ROWS) // 2).figures


@pytest.mark.parametrize(
    ("first", "second", "margin", "expected"),
    [
        (GOOD, BAD, 0.01, ("a", False)),
        (BAD, GOOD, 0.01, ("b", False)),
        (GOOD, GOOD, 0.01, (None, False)),  # too few rows to tell
        (GOOD, GOOD, 0.05, (None, True)),
        (GOOD, BAD, 0.9, (None, True)),  # more than chance, and too little to matter
    ],
)
def test_a_difference_is_shown_where_it_is_more_than_chance_and_more_than_the_margin(first, second, margin, expected):
    found = compare_predictions(LABELS, first, second, margin=margin)
    assert (found.better, found.equivalent) == expected
    assert found.differs is (expected[0] is not None)


def test_rows_that_come_in_groups_tell_less():
    alone = compare_predictions(LABELS, GOOD, BAD).figures["accuracy_ci95"]
    groups = np.repeat(["p", "q", "r", "s"], ROWS // 4)
    found = compare_predictions(LABELS, GOOD, BAD, groups=groups)
    assert np.ptp(found.figures["accuracy_ci95"]) > np.ptp(alone)
    assert "the choice of the 4 test groups" in found.verdict
    numbers = [{"index": np.arange(ROWS), "label": LABELS, "class": p.argmax(1)} for p in (GOOD, BAD)]
    expected = compare_networks(*numbers, 0.01, Sampling(groups=np.arange(ROWS) // (ROWS // 4)))
    assert found.figures["mcnemar_p"] == expected["mcnemar_p"]


def test_seeds_that_do_not_agree_take_back_what_one_training_shows():
    once = compare_predictions(LABELS, GOOD, BAD)
    found = compare_predictions(LABELS, GOOD, BAD, seeds=[(BAD, GOOD), (GOOD, GOOD)])
    assert (once.better, found.better) == ("a", None)
    assert found.figures["seeds"]["count"] == 3
    assert found.figures["seeds"]["mean_difference"] == pytest.approx(0, abs=1e-12)
    assert "Over 3 seeds" in found.verdict


def test_numbers_are_compared_by_their_errors():
    truth = RNG.normal(size=(ROWS, 2)).astype(np.float32)
    near, far = truth + RNG.normal(0, 0.1, truth.shape), truth + RNG.normal(0, 0.3, truth.shape)
    found = compare_predictions(truth, near, far, names=("near", "far"))
    assert (found.better, [score.name for score in found.scores]) == ("near", ["MAE", "RMSE"])
    assert found.scores[0].first == pytest.approx(np.abs(near - truth).mean())
    one = compare_predictions(truth[:, 0], near[:, :1], far[:, 0])
    assert one.scores[1].second == pytest.approx(np.sqrt(np.square(far[:, 0] - truth[:, 0]).mean()))


def test_table_and_json_say_what_was_found():
    found = compare_predictions(LABELS, GOOD, BAD, names=("old", "new"), seeds=[(GOOD, BAD)])
    said = str(found)
    assert said.startswith(found.verdict)
    assert all(word in said for word in ("old", "new", "accuracy", "AUC", "cross entropy", "McNemar", "exact", "TOST"))
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert (told["names"], told["better"], told["equivalent"]) == (["old", "new"], "old", False)
    assert told["scores"][0]["first"] == (GOOD.argmax(1) == LABELS).mean()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"a": GOOD[:5]}, "a has 5 rows and labels 200"),
        ({"b": np.where(np.arange(600).reshape(200, 3) == 7, np.nan, BAD)}, "b has nan at (2, 1)"),
        ({"a": GOOD * 3}, "a has no probabilities in row 0"),
        ({"a": GOOD[:, :2] / GOOD[:, :2].sum(1, keepdims=True)}, "labels have class 2, and a probabilities of 2"),
        ({"a": np.c_[GOOD, np.zeros(ROWS)]}, "a has probabilities of 4 classes and b of 3"),
        ({"a": WORDS[LABELS]}, "a is <U3"),
        ({"labels": WORDS[LABELS]}, "labels are words and predictions probabilities"),
        ({"labels": np.eye(3)[LABELS]}, "labels are one-hot"),
        ({"labels": np.eye(3, dtype=int)[LABELS]}, "labels have shape (200, 3)"),
        ({"labels": LABELS + 0.5}, "expected numbers of that shape, or of classes"),
        ({"labels": LABELS[:0]}, "labels is int64 of shape (0,)"),
        ({"labels": 3}, "labels is int64 of shape ()"),
        ({"labels": [[1], [2, 3]]}, "labels is no array"),
        ({"a": [{}] * ROWS}, "a is object"),
        ({"groups": [1, 2]}, "groups has shape (2,)"),
        ({"margin": 0}, "margin is 0"),
        ({"margin": float("nan")}, "margin is nan"),
        ({"margin": "a"}, "margin is 'a'"),
        ({"labels": LABELS[:, None, None] + np.zeros((1, 2, 3)), "a": np.zeros((ROWS, 3, 2))}, "a is float64 of shape"),
        ({"labels": LABELS + 0.5, "a": LABELS + 0.5, "b": LABELS * 1e200}, "b has numbers up to 2e+200"),
        ({"seeds": [(GOOD, BAD[1:])]}, "b of seed 1 has 199 rows"),
        ({"seeds": [GOOD]}, "seeds are no pairs"),
        ({"seeds": [(GOOD.argmax(1) + 0.5, BAD)]}, "a of seed 1 has no probabilities"),
    ],
)
def test_what_does_not_fit_is_one_line(change, reason):
    given = {"labels": LABELS, "a": GOOD, "b": BAD, **change}
    with pytest.raises(UserError) as raised:
        compare_predictions(given.pop("labels"), given.pop("a"), given.pop("b"), **given)
    assert reason in str(raised.value)
    assert "\n" not in str(raised.value)
