"""results/scores.json is small enough to be laid side by side, and says what results/metrics.json says."""

import pytest
from report_cases import ACTED_ON, alone, full_metrics, metrics, numbers

from twintrain.report.scoreboard import scoreboard


def test_it_has_the_scores_of_each_framework_and_what_came_of_the_comparison():
    assert scoreboard(full_metrics()) == {
        "torch": {"accuracy": 0.921, "auc": 0.99452666, "loss": 0.27854, "seconds": 1.586},
        "keras": {"accuracy": 0.951, "auc": 0.99452666, "loss": 0.27854, "seconds": 2.11},
        "difference": -0.03,
        "equivalent": False,
        "verified": True,
    }


def test_of_numbers_it_has_their_error_and_the_difference_of_that():
    found = scoreboard(numbers())
    assert found["torch"] == {"rmse": 55.1, "loss": 3000.0}
    assert found["difference"] == 0.4


def test_one_framework_alone_has_no_difference():
    assert scoreboard(alone()) == {"torch": scoreboard(metrics())["torch"], "verified": None}


@pytest.mark.parametrize("verified", [True, False, None])
def test_it_says_whether_the_twins_were_verified(verified):
    found = scoreboard(metrics(verification={"verified": verified, "text": ""}, comparison=ACTED_ON))
    assert found["verified"] is verified


def test_all_frameworks_are_in_it_and_it_stays_small_enough_for_a_table():
    found = scoreboard(full_metrics(**{"keras-jax": metrics()["keras"]}))
    assert list(found)[:3] == ["torch", "keras", "keras-jax"]
    columns = [len(value) if isinstance(value, dict) else 1 for value in found.values()]
    assert sum(columns) <= 4 * 3 + 3
