import base64
import re
from html.parser import HTMLParser

import pytest

from twintrain.evaluation.report import (
    DROPOUT,
    SAME_ROWS,
    baseline_conclusion,
    cells,
    columns,
    conclusion,
    frameworks_of,
    headline,
    html_page,
    note,
    print_comparison,
)

COMPARISON = {
    "accuracy_difference": -0.03,
    "accuracy_ci95": [-0.06125, 0.00125],
    "mcnemar_p": 0.109375,
    "agreement": 0.95,
    "only_first_right": 2,
    "only_second_right": 8,
    "largest_probability_difference": 0.4321,
}
TORCH = {
    "eval_acc": 0.921,
    "auc_score": 0.99452666,
    "test_loss": 0.27854,
    "parameters": 13940,
    "epochs_run": 10,
    "best_epoch": 9,
    "train_seconds": 1.586,
    "samples_per_second": 23717.2,
    "device": "cpu",
    "version": "2.11.0",
}
KERAS = {**TORCH, "eval_acc": 0.951, "train_seconds": 2.11}
LOGISTIC = {
    "name": "logistic",
    "eval_acc": 0.891,
    "auc_score": 0.993,
    "test_loss": 0.33428,
    "train_rows": 3500,
    "available_rows": 3500,
    "train_seconds": 0.884,
    "converged": True,
    "device": "cpu",
    "version": "scikit-learn 1.9.1",
    "others": {},
    "comparisons": {
        "torch": {**COMPARISON, "accuracy_difference": 0.03, "accuracy_ci95": [0.011, 0.05]},
        "keras": {**COMPARISON, "accuracy_difference": 0.06, "accuracy_ci95": [0.04, 0.08]},
    },
}
SVM = {**LOGISTIC, "eval_acc": 0.95, "train_seconds": 0.6}
for gone in ("name", "others", "comparisons", "auc_score", "test_loss"):
    del SVM[gone]
AGAINST = (
    "Against the baseline, logistic, in points of accuracy: PyTorch +3.00 (95 % interval +1.10 to +5.00), better; "
    "Keras +6.00 (95 % interval +4.00 to +8.00), better."
)
UNVERIFIED = "Whether these are twins was not verified."
PICTURE = b"\x89PNG not really"


def metrics(**changes):
    return {
        "dataset": "mnist5k",
        "model": "cnn",
        "mode": "aligned",
        "split": "stratified",
        "torch": TORCH,
        "keras": KERAS,
        "mixed": "",
        "verification": {"verified": None, "text": UNVERIFIED},
        "comparison": COMPARISON,
        "further_comparisons": {},
        "baseline": LOGISTIC,
        **changes,
    }


def with_svm(**changes):
    return {**LOGISTIC, "others": {"svm": {**SVM, **changes}}}


def table(**changes):
    return cells(columns(metrics(**changes)))


def alone():
    against = {**LOGISTIC, "comparisons": {"torch": LOGISTIC["comparisons"]["torch"]}}
    return {key: value for key, value in metrics(comparison={}, baseline=against).items() if key != "keras"}


@pytest.fixture
def pictures(tmp_path):
    (tmp_path / "loss.png").write_bytes(PICTURE)
    return {"loss over the epochs": tmp_path / "loss.png"}


class Page(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.text = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        if data.strip() and self.elements[-1][0] != "style":
            self.text.append(" ".join(data.split()))


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
    assert table(keras={**KERAS, "test_loss": 1.23e-5})[2] == ["test loss", "0.2785", "1.23e-05", "0.3343"]


def test_missing_figure_is_a_dash():
    without = {key: value for key, value in KERAS.items() if key != "auc_score"}
    assert table(keras=without)[1] == ["test AUC", "0.9945", "–", "0.9930"]


def test_conclusion_is_the_verdict_and_empty_for_one_framework():
    assert conclusion(metrics()) == (
        "Keras is 3.00 points more accurate, no more than the choice of test rows explains (McNemar p = 0.109); "
        "they agree on 95.0% of the test rows."
    )
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
def test_scores_on_the_training_rows_are_called_so(split, times, pictures, printed):
    found = metrics(split=split)
    assert note(found) == SAME_ROWS * times
    assert printed(found).count(SAME_ROWS) == times
    assert Page(html_page(found, pictures)).text.count(SAME_ROWS) == times


@pytest.mark.parametrize("mode", ["native", "aligned"])
def test_masks_of_its_own_are_named_where_each_framework_draws_them(mode):
    assert note(metrics(mode=mode, torch={**TORCH, "dropout": True})) == DROPOUT


def test_dropout_masks_are_named_as_a_reason(pictures, printed):
    found = metrics(mode="native")
    found["torch"] = {**found["torch"], "dropout": True}
    assert note(found) == DROPOUT
    assert printed(found).count(DROPOUT) == 1
    assert note({**found, "split": "same"}) == f"{SAME_ROWS}. {DROPOUT}"


def test_page_leaves_out_inference_where_there_is_none(pictures):
    found = metrics()
    found["comparison"] = {k: v for k, v in COMPARISON.items() if k not in ("accuracy_ci95", "mcnemar_p")}
    text = " ".join(Page(html_page(found, pictures)).text)
    assert "McNemar" not in text
    assert "bootstrap" not in text


def test_page_shows_verdict_table_and_statistics(pictures):
    text = Page(html_page(metrics(), pictures)).text
    headings = ["cnn on mnist5k, aligned", "cnn on mnist5k, aligned"]
    assert text[:5] == [*headings, UNVERIFIED, conclusion(metrics()), AGAINST]
    for row in [["PyTorch", "Keras", "logistic (baseline)"], *table()]:
        assert any(text[index : index + len(row)] == row for index in range(len(text)))
    statistics = text[text.index("The difference on these test rows") + 1 :]
    assert statistics == [
        "accuracy, PyTorch less Keras",
        "-0.0300",
        "its 95 % interval, paired bootstrap",
        "-0.0612 to +0.0013",
        "exact McNemar test, p",
        "0.109",
        "only PyTorch right, rows",
        "2",
        "only Keras right, rows",
        "8",
        "same prediction, share of rows",
        "0.9500",
        "largest difference of a probability",
        "0.43",
        "loss over the epochs",
    ]


@pytest.mark.parametrize(("verified", "mark"), [(True, "✓ "), (False, "✗ "), (None, "")])
def test_page_and_terminal_say_first_whether_the_twins_were_verified(verified, mark, pictures, printed):
    found = metrics(verification={"verified": verified, "text": "What verify found."})
    assert Page(html_page(found, pictures)).text[2] == f"{mark}What verify found."
    assert printed(found)[-3] == "What verify found."


def test_different_devices_are_named(pictures, printed):
    found = metrics(mixed="PyTorch on gpu, float32; Keras on cpu, float32")
    line = (
        "Different devices or precisions, as compare.allow_mixed allows: PyTorch on gpu, float32; Keras on cpu, float32"
    )
    assert note(found) == line
    assert printed(found).count(line) == 1
    assert Page(html_page(found, pictures)).text.count(line) == 1


def test_every_further_framework_has_its_sentence():
    further = {"keras-jax": {**COMPARISON, "accuracy_difference": 0.0, "agreement": 1.0}}
    found = {**metrics(further_comparisons=further), "keras-jax": TORCH}
    first, second = conclusion(metrics()), conclusion(found).removeprefix(conclusion(metrics())).strip()
    assert conclusion(found).startswith(first)
    assert second == ("PyTorch and Keras on JAX are equally accurate; they agree on 100.0% of the test rows.")
    assert [len(row) for row in cells(columns(found))] == [5] * 10


def test_page_of_one_framework_has_no_statistics(pictures):
    text = Page(html_page(alone(), pictures)).text
    assert "Keras" not in text
    assert "The difference on these test rows" not in text


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


def test_page_has_a_table_of_several_baselines(pictures):
    text = Page(html_page(metrics(baseline=with_svm()), pictures)).text
    start = text.index("The baselines")
    assert text[start : start + 6] == ["The baselines", "logistic", "svm", "test accuracy", "0.8910", "0.9500"]
    assert "The baselines" not in Page(html_page(metrics(), pictures)).text


def test_note_names_samples_and_baselines_that_have_not_converged(printed):
    few = {**LOGISTIC, "train_rows": 1000, "others": {"mlp": {**SVM, "converged": False}}}
    line = (
        "The baseline logistic was fitted on 1,000 of 3,500 training rows, as baseline.rows allows. "
        "The baseline mlp ended at its largest number of iterations, before it had converged"
    )
    assert note(metrics(baseline=few)) == line
    assert printed(metrics(baseline=few)).count(line) == 1
    assert note(metrics()) == ""


def test_page_carries_its_pictures(pictures):
    images = [attributes for tag, attributes in Page(html_page(metrics(), pictures)).elements if tag == "img"]
    assert [image["alt"] for image in images] == ["loss over the epochs"]
    kind, _, data = images[0]["src"].partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data) == PICTURE


def test_page_fetches_nothing_from_elsewhere(pictures):
    page = html_page(metrics(), pictures)
    elements = Page(page).elements
    assert not {"script", "link", "iframe", "object", "embed", "base"} & {tag for tag, _ in elements}
    addresses = [
        attributes[key] for _, attributes in elements for key in ("src", "href", "srcset") if key in attributes
    ]
    assert addresses
    assert all(address.startswith("data:image/png;base64,") for address in addresses)
    assert not re.search(r"url\(|@import|https?://", page)


EVIL = "<script>alert('x')</script>"


@pytest.mark.parametrize(
    "change",
    [
        {"model": EVIL},
        {"dataset": EVIL},
        {"torch": {**TORCH, "device": EVIL}},
        {"baseline": {**LOGISTIC, "version": EVIL}},
    ],
)
def test_name_stays_text(change, pictures):
    page = Page(html_page(metrics(**change), pictures))
    assert "script" not in {tag for tag, _ in page.elements}
    assert any(EVIL in text for text in page.text)


def test_caption_stays_text(pictures):
    evil = '"><script>alert(1)</script>'
    page = Page(html_page(metrics(), {evil: pictures["loss over the epochs"]}))
    assert "script" not in {tag for tag, _ in page.elements}
    assert [attributes["alt"] for tag, attributes in page.elements if tag == "img"] == [evil]


@pytest.mark.parametrize("name", ["[red]", "a[/b]"])
def test_brackets_in_a_name_are_printed_as_they_are(name, printed):
    assert printed(metrics(model=name))[0].strip() == f"{name} on mnist5k, aligned"


def test_metrics_are_left_as_they_were(pictures, printed):
    found = metrics()
    html_page(found, pictures)
    printed(found)
    assert found == metrics()
