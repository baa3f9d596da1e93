import re

import pytest
from report_cases import COMPARISON, KERAS, LOGISTIC, TORCH, UNVERIFIED, alone, full_metrics, metrics, of_two_targets

from twintrain.report.figure_rows import COST_ROWS, SCORE_ROWS
from twintrain.report.statements import (
    DROPOUT,
    SAME_ROWS,
    baseline_conclusion,
    cells,
    columns,
    conclusion,
    difference_rows,
    frameworks_of,
    headline,
    note,
    print_comparison,
    reason,
    sentences,
    verdicts,
    winner,
)

SVM = {**LOGISTIC, "eval_acc": 0.95, "train_seconds": 0.6}
for gone in ("name", "others", "comparisons", "auc_score", "test_loss"):
    del SVM[gone]
AGAINST = (
    "Against the baseline, logistic, in points of accuracy: PyTorch +3.00 (95 % interval +1.10 to +5.00), better; "
    "Keras +6.00 (95 % interval +4.00 to +8.00), better."
)


def with_svm(**changes):
    return {**LOGISTIC, "others": {"svm": {**SVM, **changes}}}


def table(**changes):
    return cells(columns(metrics(**changes)))


@pytest.fixture
def printed(monkeypatch, capsys):
    """The lines that a comparison prints where there is no terminal."""
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)

    def lines(found):
        print_comparison(found)
        return capsys.readouterr().out.splitlines()

    return lines


def test_headline_says_what_was_compared():
    assert headline(metrics()) == "cnn on mnist5k, aligned"


def test_frameworks_stand_in_the_order_of_the_runs():
    assert frameworks_of(metrics()) == ["torch", "keras"]
    assert frameworks_of({"keras": {}, "model": "cnn", "torch": {}}) == ["keras", "torch"]


def test_cells_are_formatted_figures():
    assert list(columns(metrics())) == ["PyTorch", "Keras", "logistic (baseline)"]
    assert table() == [
        ["test accuracy", "0.9210", "0.9510", "0.8910"],
        ["test AUC", "0.9945", "0.9945", "0.9930"],
        ["test loss", "0.2785", "0.2785", "0.3343"],
        ["parameters", "13,940", "13,940", "–"],
        ["epochs", "10", "10", "–"],
        ["best epoch", "9", "9", "–"],
        ["training, s", "1.59", "2.11", "0.88"],
        ["samples / s", "23,717", "23,717", "–"],
        ["device", "cpu", "cpu", "cpu"],
        ["version", "2.11.0", "2.11.0", "scikit-learn 1.9.1"],
    ]


def test_small_loss_keeps_its_digits():
    assert table(keras={**KERAS, "test_loss": 1.23e-5})[2] == ["test loss", "0.2785", "0.0000123", "0.3343"]


def test_missing_figure_is_a_dash():
    without = {key: value for key, value in KERAS.items() if key != "auc_score"}
    assert table(keras=without)[1] == ["test AUC", "0.9945", "–", "0.9930"]


def test_conclusion_is_the_verdict_and_empty_for_one_framework():
    assert conclusion(metrics()) == (
        "Keras is 3.00 points more accurate (95 % interval -0.12 to 6.12), no more than the choice of test rows "
        "explains (McNemar p = 0.109); they agree on 95.0% of the test rows."
    )
    assert conclusion(full_metrics()) == f"{verdicts(full_metrics())} {reason(full_metrics())}"
    assert conclusion(alone()) == ""


def test_printed_table_has_headings_and_every_cell(printed):
    lines = [[cell.strip() for cell in re.split("[│┃]", line) if cell.strip()] for line in printed(metrics())]
    assert lines[0] == ["cnn on mnist5k, aligned"]
    assert ["PyTorch", "Keras", "logistic (baseline)"] in lines
    assert all(row in lines for row in table())
    assert lines[-2:] == [[conclusion(metrics())], [AGAINST]]


def test_one_framework_is_printed_without_a_conclusion(printed):
    lines = printed(alone())
    assert any("PyTorch" in line for line in lines)
    assert not any("Keras" in line for line in lines)
    assert lines[-3].startswith("└")
    assert lines[-2:] == [UNVERIFIED, AGAINST.partition(";")[0] + "."]


@pytest.mark.parametrize(("split", "times"), [("same", 1), ("stratified", 0)])
def test_scores_on_the_training_rows_are_called_so(split, times, printed):
    found = metrics(split=split)
    assert note(found) == SAME_ROWS * times
    assert printed(found).count(SAME_ROWS) == times


@pytest.mark.parametrize("mode", ["native", "aligned"])
def test_masks_of_its_own_are_named_where_each_framework_draws_them(mode):
    assert note(metrics(mode=mode, torch={**TORCH, "dropout": True})) == DROPOUT


def test_dropout_masks_are_named_as_a_reason(printed):
    found = metrics(mode="native")
    found["torch"] = {**found["torch"], "dropout": True}
    assert note(found) == DROPOUT
    assert printed(found).count(DROPOUT) == 1
    assert note({**found, "split": "same"}) == f"{SAME_ROWS}. {DROPOUT}"


def test_different_devices_are_named(printed):
    found = metrics(mixed="PyTorch on gpu, float32; Keras on cpu, float32")
    line = (
        "Different devices or precisions, as compare.allow_mixed allows: PyTorch on gpu, float32; Keras on cpu, float32"
    )
    assert note(found) == line
    assert printed(found).count(line) == 1


def test_every_further_framework_has_its_sentence():
    further = {"keras-jax": {**COMPARISON, "accuracy_difference": 0.0, "agreement": 1.0}}
    found = {**metrics(further_comparisons=further), "keras-jax": TORCH}
    second = "PyTorch and Keras on JAX are equally accurate; they agree on 100.0% of the test rows."
    assert conclusion(found) == f"{conclusion(metrics())} {second}"
    assert [len(row) for row in cells(columns(found))] == [5] * 10


def test_conclusion_on_the_baseline_says_which_others_are_better():
    assert baseline_conclusion(metrics()) == AGAINST
    found = metrics(baseline=with_svm(), keras=TORCH)
    assert baseline_conclusion(found) == f"{AGAINST} Others: svm accuracy 0.9500 (better than PyTorch and Keras)."
    found = metrics(baseline={**with_svm(eval_acc=0.93), "comparisons": LOGISTIC["comparisons"]})
    assert baseline_conclusion(found).endswith(" Others: svm accuracy 0.9300 (better than PyTorch).")
    found = metrics(baseline=with_svm(eval_acc=0.9))
    assert baseline_conclusion(found).endswith(" Others: svm accuracy 0.9000.")


def test_of_errors_the_smaller_is_better():
    network = {"rmse": 0.5, "mae": 0.4}
    against = {"torch": {"mae_difference": -0.1, "mae_ci95": [-0.2, -0.05]}}
    linear = {
        "name": "linear",
        "rmse": 0.6,
        "others": {"tree": {"rmse": 0.4}, "mean": {"rmse": 0.9}},
        "comparisons": against,
    }
    assert baseline_conclusion({"torch": network, "baseline": linear}) == (
        "Against the baseline, linear, in mean absolute error, less is better: PyTorch -0.1 "
        "(95 % interval -0.2 to -0.05), better. Others: tree RMSE 0.4 (better than PyTorch), mean RMSE 0.9."
    )


def test_note_names_samples_and_baselines_that_have_not_converged(printed):
    few = {**LOGISTIC, "train_rows": 1000, "others": {"mlp": {**SVM, "converged": False}}}
    line = (
        "The baseline logistic was fitted on 1,000 of 3,500 training rows, as baseline.rows allows. "
        "The baseline mlp ended at its largest number of iterations, before it had converged"
    )
    assert note(metrics(baseline=few)) == line
    assert printed(metrics(baseline=few)).count(line) == 1
    assert note(metrics()) == ""


@pytest.mark.parametrize("name", ["[red]", "a[/b]"])
def test_brackets_in_a_name_are_printed_as_they_are(name, printed):
    assert printed(metrics(model=name))[0].strip() == f"{name} on mnist5k, aligned"


def test_winner_comes_last_with_its_reason(printed):
    assert winner(full_metrics()) == "PyTorch"
    assert reason(full_metrics()).startswith("A tie, ")
    taken = f"Winner: PyTorch. {reason(full_metrics())}"
    assert printed(full_metrics())[-3:] == [verdicts(full_metrics()), AGAINST, taken]


def test_results_that_name_no_winner_have_none():
    assert [winner(found) or reason(found) for found in (metrics(), alone())] == ["", ""]
    found = {**alone(), "comparison": {"winner": "torch", "reason": "PyTorch was trained alone."}}
    assert (winner(found), sentences(found)[-1]) == ("", "PyTorch was trained alone.")


def test_costs_follow_the_scores_and_places_the_costs():
    found = {name: full_metrics()[name] for name in ("torch", "keras")}
    assert cells(found, COST_ROWS)[:8] == [
        ["training, s", "1.59", "2.11"],
        ["to best epoch, s", "1.41", "1.41"],
        ["samples / s", "23,717", "23,717"],
        ["peak memory, MiB", "512", "512"],
        ["FLOPs a row", "123,456", "123,456"],
        ["saved file, bytes", "61,234", "61,234"],
        ["latency, 1 row, ms", "0.312", "0.62"],
        ["p95, 1 row, ms", "0.4", "0.4"],
    ]
    assert cells(found)[:-2] == cells(found, SCORE_ROWS) + cells(found, COST_ROWS)
    assert [heading for heading, *_ in cells({"PyTorch": TORCH}, COST_ROWS)] == ["training, s", "samples / s"]


def test_difference_rows_name_what_was_found_and_leave_out_the_rest():
    rows = dict(difference_rows(full_metrics()["comparison"], "PyTorch", "Keras"))
    assert rows["AUC, PyTorch less Keras"] == "-0.0020"
    assert rows["cross entropy, PyTorch less Keras"] == "+0.0123"
    assert rows["Cohen's kappa"] == "0.9444"
    assert rows["equivalence within 1.0 points, TOST, p"] == "0.87"
    assert rows["smallest margin of equivalence"] == "5.61%"
    assert len(difference_rows(COMPARISON, "PyTorch", "Keras")) == 7
    assert difference_rows({**COMPARISON, "mcnemar_p": None}, "PyTorch", "Keras")[2][0] == "only PyTorch right, rows"


def test_of_several_seeds_it_is_said_which_one_the_figures_are_of():
    assert note(full_metrics()) == "Where nothing is said of seeds, scores, tests and rows are those of seed 0"


def test_digits_of_a_tiny_p_are_left_out():
    found = {"mcnemar_p": 0.0, "equivalence_p": 0.00074092, "margin": 0.01, "accuracy_difference": 0.5}
    rows = dict(difference_rows(found, "PyTorch", "Keras"))
    assert rows["McNemar's test, p"] == "< 0.0001"
    assert rows["equivalence within 1.0 points, TOST, p"] == "0.000741"


def test_a_difference_of_rounding_has_no_negative_zero():
    found = {"auc_difference": -1e-5, "auc_ci95": [-3e-5, 5e-6]}
    assert [text for _, text in difference_rows(found, "PyTorch", "Keras")] == ["+0.0000", "+0.0000 to +0.0000"]


def test_table_fits_a_narrow_terminal_with_its_headings_on_one_line(printed, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    versions = {"keras": "3.15.1 on TensorFlow 2.21.0", "torch": "2.11.0+cu130"}
    lines = printed(full_metrics(**{name: {**full_metrics()[name], "version": v} for name, v in versions.items()}))
    (end,) = (number for number, line in enumerate(lines) if line.startswith("└"))
    assert max(map(len, lines[: end + 1])) == 80
    headings = [line.split("│")[1].strip() for line in lines if "p95" in line]
    assert headings == ["p95, 1 row, ms", "p95, 256 rows, ms"]


def test_narrow_columns_break_versions_and_lose_nothing(printed, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    lines = printed(full_metrics(torch={**full_metrics()["torch"], "version": "2.11.0+cu130"}))
    assert "…" not in "".join(lines)
    parts = [line.split("│")[2].strip() for line in lines if line.startswith("│")]
    assert "".join(parts[parts.index("cpu") + 1 :]) == "2.11.0+cu130"


def test_metrics_are_left_as_they_were(printed):
    found = metrics()
    printed(found)
    assert found == metrics()


def test_a_further_target_has_a_sentence_of_its_own():
    *_, said, baseline = sentences(of_two_targets())
    assert said.startswith("parity: accuracy PyTorch 0.9871, Keras 0.9821. PyTorch is 0.50 points more accurate")
    assert baseline == baseline_conclusion(metrics())
    assert [each for each in sentences(of_two_targets()) if each != said] == sentences(metrics())
    assert conclusion(of_two_targets()) == conclusion(metrics())
