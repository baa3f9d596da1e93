"""The rules by which a trained network becomes the champion: hand-made facts, whole reasons."""

import pytest

from twintrain.evaluation.measures import ACCURACY, ERROR, OVERLAP
from twintrain.registry import gate
from twintrain.registry.gate import Check, Latency, Lead

POINTS = Lead(0.03, 0.012, 0.046, ACCURACY, is_significant=True)
ERRORS = Lead(0.5, 0.1, 0.9, ERROR, is_significant=True)
CHEAPER, AS_DEAR = Latency(0.85, 1.0, 0.82, 0.9), Latency(0.85, 1.0, 0.81, 0.91)


def lead(low, high, is_equivalent=False):
    return Lead((low + high) / 2, low, high, ACCURACY, low > 0 or high < 0, is_equivalent)


def test_a_lead_is_read_from_a_comparison_of_classes():
    comparison = {"accuracy_difference": 0.03, "accuracy_ci95": [0.012, 0.046], "mcnemar_p": 0.001}
    assert gate.lead(comparison) == POINTS
    assert str(POINTS) == "+3.00 points of accuracy, 95 % interval +1.20 to +4.60"


def test_a_smaller_error_is_a_lead():
    assert gate.lead({"mae_difference": -0.5, "relative_difference": -0.1, "mae_ci95": [-0.9, -0.1]}) == ERRORS
    assert str(ERRORS) == "-0.5 in the mean error, 95 % interval -0.9 to -0.1"


def test_a_larger_overlap_is_a_lead():
    found = gate.lead({"iou_difference": -0.02, "relative_difference": -0.03, "iou_ci95": [-0.03, -0.01]})
    assert found == Lead(-0.02, -0.03, -0.01, OVERLAP, is_significant=True)
    assert str(found) == "-0.02 in the mean IoU, 95 % interval -0.03 to -0.01"


def test_a_lead_is_beyond_chance_by_the_test_that_decides_the_winner():
    chance = gate.lead({"accuracy_difference": 0.03, "accuracy_ci95": [0.001, 0.06], "mcnemar_p": 0.06})
    assert not chance.is_significant
    rounding = {"mae_difference": -5e-7, "relative_difference": -1e-7, "mae_ci95": [-9e-7, -1e-7]}
    assert not gate.lead(rounding).is_significant


def test_errors_that_tell_no_interval_are_neither_better_nor_known_to_be_no_worse():
    found = gate.lead({"mae_difference": -0.5, "relative_difference": -0.1, "mae_ci95": None})
    assert str(found) == "-0.5 in the mean error, of which these test rows tell no interval"
    assert gate.check_baseline(found, "linear") == Check(
        "baseline", False, f"No better than linear beyond chance: {found}."
    )
    assert gate.standing(found, 100.0) == "worse"


def test_what_is_equivalent_is_known_of_a_lead():
    comparison = {"accuracy_difference": 0.0, "accuracy_ci95": [0.0, 0.0], "mcnemar_p": 1.0, "equivalent": True}
    assert gate.lead(comparison).is_equivalent
    assert not gate.lead({**comparison, "equivalent": False}).is_equivalent


def test_without_a_sample_there_is_no_lead():
    assert gate.lead({"accuracy_difference": 0.5}) is None
    assert gate.lead({"mae_difference": 0.5}) is None


@pytest.mark.parametrize("verified", [None, False])
def test_what_is_not_verified_does_not_pass(verified):
    text = "Native: each framework has its own defaults, so these are no twins."
    assert gate.check_twins({"verified": verified, "text": text}) == Check("twins", False, text)


def test_verified_twins_pass():
    text = "Verified twins: all 24 checks passed over 200 training steps in float64 and float32."
    assert gate.check_twins({"verified": True, "text": text}) == Check("twins", True, text)


@pytest.mark.parametrize(
    ("found", "passed", "reason"),
    [
        (POINTS, True, f"Better than svm beyond chance: {POINTS}."),
        (lead(-0.01, 0.03), False, f"No better than svm beyond chance: {lead(-0.01, 0.03)}."),
        (lead(0.0, 0.03), False, f"No better than svm beyond chance: {lead(0.0, 0.03)}."),
        (lead(-0.1, -0.06), False, f"Worse than svm beyond chance: {lead(-0.1, -0.06)}."),
    ],
)
def test_a_candidate_beats_the_baseline_by_more_than_chance(found, passed, reason):
    assert gate.check_baseline(found, "svm") == Check("baseline", passed, reason)


def test_rows_that_were_trained_on_are_a_refusal_of_another_name():
    reason = "train = val = test: scores on rows that were trained on say nothing of new ones."
    assert gate.check_baseline(None, "svm") == Check("test rows", False, reason)


def test_the_baselines_refusal_can_be_overruled_and_says_why():
    worse = gate.check_baseline(lead(-0.1, -0.06), "svm")
    assert worse.stops
    found = gate.overruled(worse, "We need answers.")
    assert (found.passed, found.stops, found.mark) == (False, False, "!")
    assert found.text == f"Worse than svm beyond chance: {lead(-0.1, -0.06)}. Overruled: We need answers."
    assert gate.overruled(worse, "") == worse


@pytest.mark.parametrize("name", ["twins", "test rows", "rollback", "champion", "smoke test"])
def test_no_other_refusal_can_be_overruled(name):
    refused = Check(name, False, "Refused.")
    assert gate.overruled(refused, "We need answers.") == refused


def test_a_baseline_that_is_beaten_is_not_overruled():
    passed = gate.check_baseline(POINTS, "svm")
    assert gate.overruled(passed, "We need answers.") == passed


@pytest.mark.parametrize(
    ("low", "high", "margin", "expected"),
    [
        (0.001, 0.02, 0.01, "better"),
        (0.0, 0.0, 0.0, "tie"),  # the very same predictions
        (0.0, 0.02, 0.01, "tie"),
        (-0.009, 0.02, 0.01, "tie"),
        (-0.009, -0.001, 0.01, "tie"),  # worse beyond chance, but by less than counts
        (-0.011, 0.02, 0.01, "worse"),
        (-0.05, -0.03, 0.01, "worse"),
    ],
)
def test_the_interval_and_the_margin_decide_where_a_candidate_stands(low, high, margin, expected):
    assert gate.standing(lead(low, high), margin) == expected


@pytest.mark.parametrize(("low", "high"), [(0.001, 0.008), (-0.02, 0.001)])
def test_what_is_equivalent_ties_whatever_chance_says(low, high):
    assert gate.standing(lead(low, high, is_equivalent=True), 0.01) == "tie"


def test_a_candidate_that_is_better_needs_no_latency():
    found = gate.check_champion(POINTS, 0.01, None, " Note.")
    assert found == Check("champion", True, f"Better than the champion beyond chance: {POINTS}. Note.")


def test_a_worse_candidate_does_not_pass_however_cheap_it_is():
    worse, unclear = lead(-0.05, -0.03), lead(-0.05, 0.01)
    assert gate.check_champion(worse, 0.01, Latency(0.1, 9.0, 0.01, 0.02)) == Check(
        "champion", False, f"Worse than the champion beyond chance: {worse}."
    )
    assert gate.check_champion(unclear, 0.01, Latency(0.1, 9.0, 0.01, 0.02)) == Check(
        "champion", False, f"It may be worse than the champion by more than the margin of 1.0 points: {unclear}."
    )


def test_a_tie_goes_to_the_cheaper_one():
    tie = lead(-0.004, 0.006)
    prefix = f"No worse than the champion by more than the margin of 1.0 points ({tie})"
    assert gate.check_champion(tie, 0.01, CHEAPER) == Check(
        "champion", True, f"{prefix}, and cheaper: 0.85 ms a row instead of 1.00, 82 to 90 % of it."
    )
    assert gate.check_champion(tie, 0.01, AS_DEAR) == Check(
        "champion", False, f"{prefix}, but not a tenth cheaper either: 0.85 ms a row instead of 1.00, 81 to 91 % of it."
    )


def test_a_tie_without_latencies_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="a tie is decided by latency"):
        gate.check_champion(lead(-0.004, 0.006), 0.01, None)


def test_the_margin_of_errors_is_in_their_unit():
    tie = Lead(0.0, -0.2, 0.2, ERROR, is_significant=False)
    assert gate.check_champion(tie, 0.25, CHEAPER).reason == (
        "No worse than the champion by more than the margin of 0.25 (+0 in the mean error, 95 % interval -0.2 to +0.2)"
        ", and cheaper: 0.85 ms a row instead of 1.00, 82 to 90 % of it."
    )


def test_what_was_rolled_back_stays_so():
    assert gate.failed_as_rolled_back("2030-01-02 03:04 UTC") == Check(
        "rollback", False, "Rolled back on 2030-01-02 03:04 UTC; make rollback puts it back in place."
    )
