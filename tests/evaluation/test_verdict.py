import re

import numpy as np
import pytest

from twintrain.evaluation.comparison import compare_networks
from twintrain.evaluation.sampling import Sampling
from twintrain.evaluation.verdict import against_baseline, verdict
from twintrain.report.statements import difference_rows


def compare(is_sample=True, margin=0.01, both=0, only_first=0, only_second=0, neither=0):
    """Two networks of two classes, where the label is always the second."""
    first = [1] * (both + only_first) + [0] * (only_second + neither)
    second = [1] * both + [0] * only_first + [1] * only_second + [0] * neither
    stored = [
        {"index": np.arange(len(first)), "label": np.ones(len(first), np.int64), "probability": 0.25 + np.eye(2)[c] / 2}
        for c in (first, second)
    ]
    return compare_networks(*stored, margin, Sampling(is_sample))


def compare_numbers(first, second, labels, is_sample=True, margin=0.01):
    stored = [{"index": np.arange(len(labels)), "label": labels, "prediction": found} for found in (first, second)]
    return compare_networks(*stored, margin, Sampling(is_sample))


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        (
            {"both": 90, "only_first": 10},
            "PyTorch is 10.00 points more accurate (95 % interval 5.52 to 17.44), more than the choice of test rows "
            "explains (McNemar p = 0.00157); not shown to be equivalent within 1.0 points (TOST p = 1); "
            "they agree on 90.0% of the 100 test rows (kappa 0.000).",
        ),
        (
            {"both": 90, "only_second": 10},
            "Keras is 10.00 points more accurate (95 % interval 5.52 to 17.44), more than the choice of test rows "
            "explains (McNemar p = 0.00157); not shown to be equivalent within 1.0 points (TOST p = 1); "
            "they agree on 90.0% of the 100 test rows (kappa 0.000).",
        ),
        (
            {"both": 190, "only_first": 2, "only_second": 8},
            "Keras is 3.00 points more accurate (95 % interval -0.12 to 6.84), no more than the choice of test rows "
            "explains (McNemar p = 0.0578); not shown to be equivalent within 1.0 points (TOST p = 0.91): that "
            "would take about 4,400 test rows, were they equally good; "
            "they agree on 95.0% of the 200 test rows (kappa -0.016).",
        ),
        (
            {"both": 6, "only_first": 1, "only_second": 1},
            "8 test rows are too few to tell much: "
            "PyTorch and Keras are equally accurate; not shown to be equivalent within 1.0 points (TOST p = 0.48): "
            "that would take about 21,000 test rows, were they equally good; "
            "they agree on 75.0% of the 8 test rows (kappa -0.143).",
        ),
        (
            {"both": 990, "neither": 10},
            "PyTorch and Keras are equally accurate; equivalent within 1.0 points (TOST p = 0.00074); "
            "they agree on 100.0% of the 1,000 test rows (kappa 1.000).",
        ),
    ],
)
def test_says_who_is_better_whether_chance_explains_it_and_whether_they_are_equivalent(counts, sentence):
    assert verdict(compare(**counts), "PyTorch", "Keras") == sentence


@pytest.mark.parametrize(("differing", "share"), [(0, "100.0%"), (1, "more than 99.9%"), (2, "99.9%")])
def test_agreement_on_all_rows_but_a_few_is_not_called_agreement_on_all(differing, share):
    sentence = verdict(compare(both=2500 - differing, only_first=differing), "PyTorch", "Keras")
    assert f"they agree on {share} of the 2,500 test rows" in sentence


@pytest.mark.parametrize(("p", "words"), [(0.0499, "more"), (0.05, "no more")])
def test_limit_of_chance_is_5_percent(p, words):
    comparison = {"accuracy_difference": 0.01, "accuracy_ci95": [0.0, 0.02], "mcnemar_p": p, "agreement": 0.9}
    assert verdict(comparison, "PyTorch", "Keras").startswith(
        f"PyTorch is 1.00 points more accurate (95 % interval 0.00 to 2.00), {words} than the choice of test rows "
    )


def test_a_difference_can_be_certain_and_too_small_to_matter():
    sentence = verdict(compare(both=99_800, only_first=150, only_second=50), "PyTorch", "Keras")
    assert "0.10 points more accurate (95 % interval 0.07 to 0.13), more than the choice of test rows" in sentence
    assert "; equivalent within 1.0 points (TOST p < 0.0001); " in sentence


def test_rows_that_are_no_sample_leave_nothing_to_chance():
    sentence = "PyTorch is 25.00 points more accurate; they agree on 75.0% of the 4 test rows (kappa 0.000)."
    assert verdict(compare(False, both=3, only_first=1), "PyTorch", "Keras") == sentence


NUMBERS = np.array([[1.0], [2.0], [3.0], [4.0]])


@pytest.mark.parametrize(
    ("first", "second", "is_sample", "expected"),
    [
        (
            NUMBERS + 0.5,
            NUMBERS + 0.5,
            True,
            "4 test rows are too few to tell much: "
            "A and B err equally, but for rounding; not shown to be equivalent within 1.0 % of the error (TOST p = "
            "0.96): that would take about 300 test rows, were they equally good; "
            "their predictions of the 4 test rows differ by 0 at most.",
        ),
        (
            NUMBERS + 0.5,
            NUMBERS + 0.75,
            True,
            "4 test rows are too few to tell much: "
            "A errs less by 0.25 in the mean, by as much on nearly all test rows, which tells no interval; "
            "not shown to be equivalent within 1.0 % of the error (TOST p = 1): that would take about 300 test rows, "
            "were they equally good; "
            "their predictions of the 4 test rows differ by 0.25 at most.",
        ),
        (
            NUMBERS + 1,
            NUMBERS - 0.5,
            False,
            "B errs less by 0.5 in the mean; their predictions of the 4 test rows differ by 1.5 at most.",
        ),
    ],
)
def test_of_numbers(first, second, is_sample, expected):
    assert verdict(compare_numbers(first, second, NUMBERS, is_sample), "A", "B") == expected


def test_a_difference_within_the_interval_is_no_more_than_chance():
    rng = np.random.default_rng(0)
    labels = rng.normal(size=(40, 1))
    first, second = (labels + rng.normal(size=labels.shape) for _ in range(2))
    sentence = verdict(compare_numbers(first, second, labels), "A", "B")
    assert ", no more than the choice of test rows explains; not shown to be equivalent" in sentence


def test_several_seeds_have_a_sentence_of_their_own():
    seeds = {
        "count": 3,
        "mean_difference": 0.002,
        "ci95": [-0.0105, 0.0145],
        "equivalence_p": 0.12,
        "first_mean": 0.952,
        "first_std": 0.003,
        "second_mean": 0.95,
        "second_std": 0.004,
    }
    sentence = verdict({**compare(both=990, neither=10), "seeds": seeds}, "PyTorch", "Keras")
    assert sentence.endswith(
        " Over 3 seeds (mean ± deviation of the accuracy in %): PyTorch 95.20 ± 0.30 and Keras 95.00 ± 0.40, "
        "a difference of +0.20 (95 % interval -1.05 to +1.45, paired by seed); "
        "not shown to be equivalent within 1.0 points (TOST p = 0.12)."
    )
    of_numbers = {**compare_numbers(NUMBERS, NUMBERS + 1, NUMBERS), "seeds": {**seeds, "equivalence_p": 0.01}}
    assert verdict(of_numbers, "PyTorch", "Keras").endswith(
        " Over 3 seeds (mean ± deviation of the mean absolute error): PyTorch 0.952 ± 0.003 and Keras 0.95 ± 0.004, "
        "a difference of +0.002 (95 % interval -0.0105 to +0.0145, paired by seed); "
        "equivalent within 1.0 % of the error (TOST p = 0.01)."
    )


@pytest.mark.parametrize(
    ("difference", "interval", "expected"),
    [
        (0.03, [0.01, 0.05], "+3.00 (95 % interval +1.00 to +5.00), better"),
        (-0.03, [-0.05, -0.01], "-3.00 (95 % interval -5.00 to -1.00), worse"),
        (0.01, [-0.01, 0.03], "+1.00 (95 % interval -1.00 to +3.00), no more than the choice of test rows explains"),
        (0.0, [-0.01, 0.01], "+0.00 (95 % interval -1.00 to +1.00), no difference shown"),
        (0.25, None, "+25.00, better"),
        (-0.25, None, "-25.00, worse"),
        (0.0, None, "+0.00, equal"),
    ],
)
def test_networks_beat_a_baseline_or_do_not(difference, interval, expected):
    found = {"accuracy_difference": difference, **({"accuracy_ci95": interval} if interval else {})}
    assert against_baseline({"A": found}, "tree") == f"Against the baseline, tree, in points of accuracy: A {expected}."


@pytest.mark.parametrize(
    ("difference", "interval", "expected"),
    [
        (-0.125, [-0.2, -0.1], "-0.125 (95 % interval -0.2 to -0.1), better"),
        (0.125, [0.1, 0.2], "+0.125 (95 % interval +0.1 to +0.2), worse"),
        (0.125, [-0.1, 0.2], "+0.125 (95 % interval -0.1 to +0.2), no more than the choice of test rows explains"),
        (-0.125, None, "-0.125, by as much on nearly all test rows, which tells no interval"),
        (0.0, [0.0, 0.0], "does as well on every one of them"),
    ],
)
def test_of_errors_the_smaller_one_is_better(difference, interval, expected):
    found = {"mae_difference": difference, "mae_ci95": interval}
    sentence = f"Against the baseline, mean, in mean absolute error, less is better: A {expected}; B {expected}."
    assert against_baseline({"A": found, "B": found}, "mean") == sentence


def test_few_test_rows_are_said_before_a_baseline_and_no_interval_without_width_is_shown():
    found = compare(both=12)
    for baseline in (against_baseline({"A": found}, "logistic"), verdict(found, "A", "B")):
        assert baseline.startswith("12 test rows are too few to tell much: ")
        assert "the 12 test rows" in baseline
    assert against_baseline({"A": found}, "logistic") == (
        "12 test rows are too few to tell much: against the baseline, logistic, on the 12 test rows, in points of "
        "accuracy: A +0.00 (95 % interval -24.25 to +24.25), no difference shown."
    )
    assert against_baseline({"A": compare(both=60)}, "logistic").startswith(
        "Against the baseline, logistic, on the 60 test rows, in points of accuracy: A +0.00 (95 % interval -6."
    )


@pytest.mark.parametrize("found", [compare(both=12), compare(both=2000), compare_numbers(*[np.ones((12, 1))] * 3)])
def test_no_interval_without_width_is_shown(found):
    shown = dict(difference_rows({**found, "margin": 0.01}, "A", "B"))
    for text in [*shown.values(), against_baseline({"A": found}, "B")]:
        assert not re.search(r"\+0(\.0+)? to \+0(\.0+)?$|\+0(\.0+)? to \+0(\.0+)?\)", text), text
