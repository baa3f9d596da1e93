import pytest
from report_cases import measured_costs

from twintrain.evaluation.decision import alone, cheaper_one, decide, margin_text

EQUAL = {
    "accuracy_difference": 0.0,
    "accuracy_ci95": [-0.02, 0.02],
    "mcnemar_p": 1.0,
    "margin": 0.01,
    "equivalent": False,
}
BETTER = {**EQUAL, "accuracy_difference": 0.03, "accuracy_ci95": [0.01, 0.05], "mcnemar_p": 0.002}
WORSE = {**BETTER, "accuracy_difference": -0.03, "accuracy_ci95": [-0.05, -0.01]}
UNSURE = {**EQUAL, "accuracy_difference": 0.01, "mcnemar_p": 0.3}
NUMBERS = {
    "mae_difference": -0.25,
    "relative_difference": -0.1,
    "mae_ci95": [-0.4, -0.1],
    "margin": 0.01,
    "equivalent": False,
}
SEEDS = {"count": 3, "mean_difference": 0.02, "ci95": [0.01, 0.03], "equivalence_p": 0.2}
NO_TENTH = "cost decides nothing, since no difference of a tenth is shown ({}), so the first one is taken, PyTorch."
FIRST_TAKEN = "no latencies are known, so the first one is taken, PyTorch."


def winner(comparison, torch=None, keras=None):
    known = torch and keras
    return decide(comparison, measured_costs(torch=torch, keras=keras) if known else {"torch": {}, "keras": {}})


@pytest.mark.parametrize(("comparison", "name"), [(BETTER, "torch"), (WORSE, "keras")])
def test_better_one_wins_whatever_it_costs(comparison, name):
    titles = {"torch": "PyTorch", "keras": "Keras"}
    other = next(title for key, title in titles.items() if key != name)
    found, reason = winner(comparison, torch=9.0 if name == "torch" else 1.0, keras=9.0 if name == "keras" else 1.0)
    assert found == name
    assert reason == (
        f"{titles[name]} is better: 3.00 points more accurate than {other}, more than the choice of test rows explains."
    )


@pytest.mark.parametrize(
    ("torch", "keras", "name", "why"),
    [
        (1.0, 0.5, "keras", "Keras is cheaper than PyTorch, 0.5 ms a row against 1 ms, 50 to 50 % of it."),
        (0.5, 1.0, "torch", "PyTorch is cheaper than Keras, 0.5 ms a row against 1 ms, 50 to 50 % of it."),
        (1.0, 0.9, "keras", "Keras is cheaper than PyTorch, 0.9 ms a row against 1 ms, 90 to 90 % of it."),
        (1.0, 0.91, "torch", NO_TENTH.format("1 ms a row against 0.91 ms, 110 to 110 % of it")),
        (0.91, 1.0, "torch", NO_TENTH.format("0.91 ms a row against 1 ms, 91 to 91 % of it")),
        (None, None, "torch", FIRST_TAKEN),
    ],
)
def test_tie_goes_to_the_one_that_is_cheaper_by_a_tenth_else_to_the_first(torch, keras, name, why):
    assert winner(EQUAL, torch, keras) == (name, f"A tie, equally good; {why}")


@pytest.mark.parametrize(
    ("comparison", "why"),
    [
        (UNSURE, "a difference of no more than the choice of test rows explains"),
        ({**UNSURE, "equivalent": True}, "equivalent within 1.0 points"),
        ({**BETTER, "equivalent": True}, "equivalent within 1.0 points, though the difference is more than chance"),
        (
            {**UNSURE, "equivalent": True, "seeds": SEEDS},
            "equivalent within 1.0 points with the first seed (over the 3 seeds that is not shown)",
        ),
        ({**UNSURE, "equivalent": True, "seeds": {**SEEDS, "equivalence_p": 0.04}}, "equivalent within 1.0 points"),
        ({**BETTER, "seeds": {**SEEDS, "ci95": [-0.01, 0.05]}}, "a difference of no more than the seeds explain"),
        (
            {**BETTER, "seeds": {"mean_difference": -0.02, "ci95": [-0.03, -0.01]}},
            "a difference of no more than the seeds explain",
        ),
        ({**NUMBERS, "mae_ci95": [-0.6, 0.1]}, "a difference of no more than the choice of test rows explains"),
        ({**NUMBERS, "equivalent": True, "mae_ci95": [-0.6, 0.1]}, "equivalent within 1.0 % of the error"),
        ({**NUMBERS, "relative_difference": -9e-6}, "equally good"),
        (
            {**NUMBERS, "mae_ci95": None},
            "a difference of which chance is not known, by as much on nearly all test rows, which tells no interval",
        ),
    ],
)
def test_what_is_no_clear_difference_is_a_tie(comparison, why):
    assert winner(comparison) == ("torch", f"A tie, {why}; {FIRST_TAKEN}")


def test_with_several_seeds_both_kinds_of_chance_are_excluded():
    found = winner({**WORSE, "seeds": {"mean_difference": -0.02, "ci95": [-0.03, -0.01]}})
    assert found == (
        "keras",
        "Keras is better: 3.00 points more accurate than PyTorch, more than the choice of test rows explains and more "
        "than the seeds do.",
    )


@pytest.mark.parametrize(("sign", "name", "other"), [(-1, "torch", "Keras"), (1, "keras", "PyTorch")])
def test_of_numbers_the_smaller_error_wins(sign, name, other):
    ends = sorted([sign * 0.1, sign * 0.4])
    found = {**NUMBERS, "mae_difference": sign * 0.25, "relative_difference": sign * 0.1, "mae_ci95": ends}
    found["seeds"] = {"mean_difference": sign * 0.2, "ci95": ends}
    chosen, reason = winner(found)
    assert chosen == name
    assert f"it errs by 0.25 less than {other} in the mean, more than the choice of test rows explains" in reason


@pytest.mark.parametrize(("sign", "name", "other"), [(1, "torch", "Keras"), (-1, "keras", "PyTorch")])
def test_of_masks_the_larger_overlap_wins(sign, name, other):
    ends = sorted([sign * 0.1, sign * 0.4])
    chosen, reason = winner({"iou_difference": sign * 0.25, "relative_difference": sign * 0.1, "iou_ci95": ends})
    assert chosen == name
    assert f"its masks have 0.25 of IoU more than those of {other} in the mean, more than the choice" in reason


def test_where_the_rows_are_all_there_are_the_margin_decides():
    whole = {"accuracy_difference": 0.25, "margin": 0.01}
    reason = "PyTorch is better: 25.00 points more accurate than Keras, on all the rows that there are."
    assert winner(whole) == ("torch", reason)
    assert winner({**whole, "accuracy_difference": -0.005}) == (
        "torch",
        f"A tie, a difference of no more than 1.0 points; {FIRST_TAKEN}",
    )
    numbers = {"mae_difference": 0.25, "relative_difference": 0.1, "margin": 0.2}
    assert winner(numbers)[1].startswith("A tie, a difference of no more than 20.0 % of the error;")
    assert winner({**numbers, "margin": 0.05})[0] == "keras"


@pytest.mark.parametrize(("low", "high", "name"), [(0.4, 0.9, "keras"), (0.4, 0.91, None), (0.91, 2.5, None)])
def test_cost_names_nobody_where_the_interval_includes_a_tie(low, high, name):
    entries = measured_costs(torch=1.0, keras=0.5)
    entries["keras"]["latency_1_ratio_ci95"]["torch"] = [low, high]
    entries["torch"]["latency_1_ratio_ci95"]["keras"] = [1 / high, 1 / low]
    assert cheaper_one(entries) == name
    winner, reason = decide(EQUAL, entries)
    assert winner == (name or "torch")
    assert ("no difference of a tenth is shown" in reason) == (name is None)


def test_cost_names_nobody_where_it_was_measured_beside_other_work():
    entries = measured_costs(torch=64.2, keras=1.0, load=1.94)
    assert cheaper_one(entries) is None
    why = "cost decides nothing, since other work kept 1.9 of 2 CPUs busy meanwhile, so the first one is taken, PyTorch"
    assert decide(EQUAL, entries) == ("torch", f"A tie, equally good; {why}.")


def test_better_one_wins_on_a_busy_machine_too():
    assert decide(WORSE, measured_costs(torch=1.0, keras=64.2, load=1.94))[0] == "keras"


def test_one_alone_wins():
    assert alone("keras-jax") == ("keras-jax", "Keras on JAX was trained alone.")


@pytest.mark.parametrize(
    ("share", "text"), [(0.01, "1.0 points"), (0.0125, "1.25 points"), (0.0005, "0.05 points"), (0.5, "50.0 points")]
)
def test_margin_is_written_out_whole(share, text):
    assert margin_text(EQUAL, share) == text
    assert margin_text(NUMBERS, share) == text.replace("points", "% of the error")
