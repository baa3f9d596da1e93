"""The report as HTML, without a browser; test_report_browser.py opens it in one."""

import base64
import itertools
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from plotly.offline import get_plotlyjs_version
from report_cases import (
    COMPARISON,
    LOGISTIC,
    TORCH,
    UNVERIFIED,
    alone,
    details,
    disagreement,
    full_metrics,
    history,
    material,
    metrics,
    numbers,
    of_two_targets,
)

from twintrain.report.page import PLOTLY, Material, html_page
from twintrain.report.statements import SAME_ROWS, reason, verdicts

PICTURE = b"\x89PNG not really"
EVIL = "<script>alert(1)</script>"


class Page(HTMLParser):
    """The elements of a page with their attributes, its text, and its tables by the headings above them."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.text, self.tables = [], [], {}
        self._rows = self._heading = None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag == "table":
            self._rows = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")

    def handle_endtag(self, tag):
        if tag == "table":
            self.tables.setdefault(self._heading, []).append(self._rows)
            self._rows = None

    def handle_data(self, data):
        words = " ".join(data.split())
        if not words or self.elements[-1][0] in ("style", "script"):
            return
        self.text.append(words)
        if self.elements[-1][0] in ("h2", "h3"):
            self._heading = words
        if self._rows and self._rows[-1]:
            self._rows[-1][-1] += words

    def headings(self):
        return [tag for tag, _ in self.elements if re.fullmatch("h[1-6]", tag)]


def figures(page):
    """The plotly figures of a page, by their ids."""
    found = re.search(r'<script type="application/json" id="figures">(.*?)</script>', page, re.DOTALL)
    return json.loads(found[1]) if found else {}


def page_of(found, **changes):
    return Page(html_page(found, material(**changes)))


def test_verdict_winner_seal_statistics_and_baseline_come_first():
    text = page_of(full_metrics()).text
    start = text.index("cnn on mnist5k, aligned", 1)
    assert text[start + 1] == reason(full_metrics())
    assert text[start + 2 : start + 5] == [
        "Winner:",
        "PyTorch",
        "✓ Verified twins: all 31 checks passed over 200 training steps in float64 and float32.",
    ]
    assert text[start + 5 : start + 14] == [
        *("test accuracy, PyTorch", "0.9210", "test accuracy, Keras", "0.9510"),
        *("test accuracy, logistic (baseline)", "0.8910"),
        *("PyTorch less Keras", "-3.00 points", "95 % interval -6.12 to +0.12"),
    ]
    chart, said, against = text[start + 14 : start + 17]
    assert chart.startswith("Loss over the epochs")
    assert said == verdicts(full_metrics())
    assert against.startswith("Against the baseline, logistic")


def test_results_that_name_no_winner_show_what_was_found_as_the_verdict():
    text = page_of(metrics()).text
    assert text[text.index("cnn on mnist5k, aligned", 1) + 1] == verdicts(metrics())
    assert text.count(verdicts(metrics())) == 1
    assert "Winner:" not in text


@pytest.mark.parametrize(
    ("score", "named", "shown"),
    [("eval_acc", "accuracy", "0.9210"), ("mae", "mean absolute error", "7.01")],
)
def test_seeds_of_one_framework_are_listed_by_the_score_that_is_compared(score, named, shown):
    own = {"eval_acc": 0.921} if score == "eval_acc" else {"mae": 7.01, "rmse": 9.0}
    found = {**alone(), "torch": {**own, "seeds": [{"seed": seed, "run_id": "", **own} for seed in range(2)]}}
    page = Page(html_page(found, Material()))
    assert f"The {named} of each training on the test rows" in page.text
    assert page.tables["Seed by seed"][0][:2] == [["seed", "PyTorch"], ["0", shown]]


@pytest.mark.parametrize(("verified", "sign"), [(True, "✓ "), (False, "✗ "), (None, "")])
def test_seal_says_whether_twins_were_verified(verified, sign):
    found = metrics(verification={"verified": verified, "text": UNVERIFIED})
    assert f"{sign}{UNVERIFIED}" in Page(html_page(found, Material())).text


def test_runs_are_linked():
    links = {attributes["href"] for tag, attributes in page_of(full_metrics()).elements if tag == "a"}
    torch, keras = (f"{letter * 31}0" for letter in "ab")
    quoted = f"runs=%5B%22{torch}%22%2C%22{keras}%22%5D&metric=%22val_loss%22&experiments=%5B%220%22%5D"
    curves = "%5B%22train_loss%22%2C%22val_loss%22%2C%22train_accuracy%22%2C%22val_accuracy%22%5D"
    assert links == {
        f"http://localhost:5000/#/experiments/0/runs/{torch}",
        f"http://localhost:5000/#/experiments/0/runs/{keras}",
        f"http://localhost:5000/#/metric?{quoted}&plot_metric_keys={curves}&x_axis=step",
    }
    assert "Runs in the MLflow UI" not in " ".join(page_of(metrics()).text)


def test_tables_hold_the_figures():
    tables = page_of(full_metrics()).tables
    assert tables["Figures"][0][:2] == [
        ["", "PyTorch", "Keras", "logistic (baseline)"],
        ["test accuracy", "0.9210", "0.9510", "0.8910"],
    ]
    assert ["latency, 1 row, ms", "0.312", "0.62", "–"] in tables["Cost"][0]
    assert ["accuracy, PyTorch less Keras", "-0.0300"] in tables["The difference on these test rows"][0]
    assert tables["Seed by seed"][0] == [
        ["seed", "PyTorch", "Keras"],
        ["0", "0.9210", "0.9510"],
        ["1", "0.9310", "0.9610"],
        ["2", "0.9410", "0.9710"],
        ["mean ± standard deviation", "0.9310 ± 0.0100", "0.9610 ± 0.0100"],
    ]
    assert tables["PyTorch and Keras"][0][1][:4] == ["0", "90", "10", "0"]
    assert tables["By class"][0][2] == ["0", "100", *["0.900", "0.900", "0.990", "0.900"]]
    assert tables["Parts of the test rows on which they differ most"][0][1] == [
        "label",
        "0",
        "100",
        "0.9",
        "0.95",
        "-0.05",
        "0.02",
    ]


def test_disagreements_show_their_rows():
    page = page_of(full_metrics())
    images = [attributes for tag, attributes in page.elements if tag == "img"]
    assert [image["alt"] for image in images] == [f"test row {row}, true: {row}" for row in range(6)]
    start = page.text.index("row 1, true")
    assert page.text[start : start + 8] == ["row 1, true", "1", "PyTorch", "0", "(51.3 %)", "Keras", "1", "(98.7 %)"]


def test_networks_that_never_differ_have_it_said():
    same = {**details()["slices"][0], "difference": 0.0}
    page = page_of(full_metrics(), details={**details(), "slices": [same], "disagreements": []})
    assert "There is none: both give the same answer to every test row." in page.text
    assert "Parts of the test rows on which they differ most" not in page.text
    assert "There is none" not in " ".join(Page(html_page(metrics(), Material())).text)


def test_numbers_are_the_same_but_for_rounding():
    page = page_of(numbers(), details={"torch": {}, "keras": {}, "slices": [], "disagreements": []})
    assert "There is none: both give the same answer to every test row, but for rounding." in page.text


def test_reconstructions_are_listed_by_their_errors():
    listed = [{**disagreement(4, None, 0.0123, 0.045), "first_probability": None, "second_probability": None}]
    page = page_of(numbers(), details={"torch": {}, "keras": {}, "slices": [], "disagreements": listed})
    start = page.text.index("row 4, errors")
    assert page.text[start + 1 : start + 5] == ["PyTorch", "0.0123", "Keras", "0.045"]


def test_columns_of_a_table_row_are_listed():
    found = details(columns={"age": "51", EVIL: "a & b"})
    page = page_of(full_metrics(), details=found, samples={})
    start = page.text.index("age")
    assert page.text[start : start + 4] == ["age", "51", EVIL, "a & b"]
    assert page.text.count(EVIL) == page.text.count("a & b") == 6


def test_what_was_compared_stands_at_the_end():
    text = page_of(full_metrics()).text
    assert text[text.index("What was compared") + 1 :] == [
        *("data set", "mnist5k", "model", "cnn", "mode", "aligned", "split", "stratified"),
        *("test rows (sha256)", "0123456789abcdef" * 4, "seeds", "0, 1, 2"),
        *("PyTorch", "2.11.0, cpu, float32", "Keras", "2.11.0, cpu, float32"),
        *("logistic (baseline)", "scikit-learn 1.9.1, cpu"),
    ]


def test_results_without_details_have_no_empty_sections():
    page = Page(html_page(metrics(), Material(histories={"torch": [history()], "keras": [history()]})))
    assert set(page.tables) == {"Figures", "Cost", "The difference on these test rows"}
    assert not {"Calibration", "By class", "Confusion matrices", "Test rows on which they differ most"} & set(page.text)


def test_one_framework_alone():
    page = html_page(
        alone(),
        material(
            details=details(names=("torch",)) | {"slices": [], "disagreements": []}, histories={"torch": [history()]}
        ),
    )
    assert "Keras" not in Page(page).text
    assert "The difference on these test rows" not in Page(page).text
    assert set(figures(page)) == {"loss-curves", "metric-curves", "reliability"}


def test_numbers_have_no_classes():
    histories = {name: [history(metric="mae")] for name in ("torch", "keras")}
    page = html_page(numbers(), Material(histories=histories))
    assert Page(page).tables["Figures"][0][1] == ["test RMSE", "55.1", "54.7", "55.1"]
    unit = "of the numbers as they are trained on"  # mostly scaled, while the figures are in the data's own unit
    drawn = "training pale, validation strong; below, the first less each other one"
    assert f"Mean absolute error, {unit}, over the epochs: {drawn}" in Page(page).text
    found = figures(page)["differences"]
    assert found["data"][0]["x"] == [0.5]
    assert found["layout"]["xaxis"]["title"]["text"] == "difference in mean absolute error"
    bounded = numbers()
    bounded["comparison"]["margin"] = 0.01
    (band, _) = figures(html_page(bounded, Material()))["differences"]["layout"]["shapes"]
    assert band["x1"] == pytest.approx(0.01 * 0.5 / 0.011)  # a share of the smaller error


def test_three_frameworks():
    further = {"keras-jax": {**COMPARISON, "accuracy_difference": 0.0, "accuracy_ci95": [-0.01, 0.01]}}
    found = {**metrics(further_comparisons=further), "keras-jax": TORCH}
    page = html_page(found, material(details=details(names=("torch", "keras", "keras-jax"))))
    assert Page(page).tables["Figures"][0][0][1:4] == ["PyTorch", "Keras", "Keras on JAX"]
    assert figures(page)["differences"]["data"][0]["x"] == [-3.0, 0.0]
    assert len(Page(page).tables["PyTorch, Keras and Keras on JAX"][0]) == 11


def test_split_same_has_no_intervals():
    found = metrics(split="same")
    found["comparison"] = {k: v for k, v in COMPARISON.items() if k not in ("accuracy_ci95", "mcnemar_p")}
    page = html_page(found, material())
    assert "differences" not in figures(page)
    text = " ".join(Page(page).text)
    assert text.count(SAME_ROWS) == 1
    assert "McNemar" not in text
    assert "bootstrap" not in text


def test_many_classes_have_their_commonest_confusions_listed():
    labels = [f"class {number}" for number in range(40)]
    page = page_of(full_metrics(), details=details(labels))
    assert page.tables["Commonest confusions"][0][:2] == [
        ["true", "predicted", "PyTorch", "Keras"],
        ["class 0", "class 1", "10", "10"],
    ]
    assert len(page.tables["Commonest confusions"][0]) == 21
    assert "Confusion matrices" not in page.text


def test_page_has_a_table_of_several_baselines():
    svm = {key: value for key, value in LOGISTIC.items() if key not in ("name", "others", "comparisons")}
    found = metrics(baseline={**LOGISTIC, "others": {"svm": {**svm, "eval_acc": 0.95}}})
    page = Page(html_page(found, Material()))
    assert page.tables["The baselines"][0][:2] == [["", "logistic", "svm"], ["test accuracy", "0.8910", "0.9500"]]
    assert "The baselines" not in Page(html_page(metrics(), Material())).text


def test_page_carries_its_pictures(tmp_path):
    (tmp_path / "roc.png").write_bytes(PICTURE)
    evil = f'">{EVIL}'
    page = Page(html_page(metrics(), Material(pictures={evil: tmp_path / "roc.png"})))
    ((image),) = [attributes for tag, attributes in page.elements if tag == "img"]
    assert image["alt"] == evil
    kind, _, data = image["src"].partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data) == PICTURE


def test_page_names_no_file_to_load_and_no_address_but_the_links_to_runs():
    page = page_of(full_metrics())
    loaded = [
        attributes[key]
        for tag, attributes in page.elements
        for key in ("src", "srcset", "data", "action", *([] if tag == "a" else ["href"]))
        if key in attributes
    ]
    assert loaded
    assert all(address.startswith("data:") for address in loaded)
    assert not {"iframe", "object", "embed", "base", "form"} & {tag for tag, _ in page.elements}


def test_page_is_made_of_headings_in_order_and_tables_with_scopes():
    page = page_of(full_metrics())
    levels = [int(tag[1]) for tag in page.headings()]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert all(attributes.get("scope") for tag, attributes in page.elements if tag == "th")
    assert all(attributes.get("alt") for tag, attributes in page.elements if tag == "img")


@pytest.mark.parametrize(
    "change",
    [
        {"model": EVIL},
        {"dataset": EVIL},
        {"torch": {**TORCH, "device": EVIL}},
        {"baseline": {**LOGISTIC, "version": EVIL}},
        {"comparison": {**COMPARISON, "winner": "torch", "reason": EVIL}},
    ],
)
def test_name_stays_text(change):
    page = html_page(metrics(**change), material())
    scripts = [attributes for tag, attributes in Page(page).elements if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "figures"}, {}, {}, {}]
    assert any(EVIL in text for text in Page(page).text)


def test_material_is_left_as_it_was():
    found, shown = full_metrics(), material()
    html_page(found, shown)
    assert found == full_metrics()
    assert shown.details == details()
    assert np.array_equal(shown.histories["torch"][0], history())


def test_the_same_results_make_the_same_page():
    assert html_page(full_metrics(), material()) == html_page(full_metrics(), material())


def test_charts_are_drawn_by_the_small_bundle_of_the_plotly_that_makes_them():
    bundle = PLOTLY.read_text(encoding="utf-8")
    assert f"plotly.js (basic - minified) v{get_plotlyjs_version()}\n" in bundle
    page = html_page(full_metrics(), material())
    assert bundle in page
    kinds = {trace["type"] for figure in figures(page).values() for trace in figure["data"]}
    assert kinds
    assert kinds <= {"scatter", "bar", "pie"}
    assert len(page.encode()) < 1_500_000


def test_a_further_target_has_a_part_of_its_own():
    page = Page(html_page(of_two_targets(), Material()))
    scores, differences = page.tables["Target parity"]
    assert scores[1] == ["test accuracy", "0.9871", "0.9821"]
    assert differences[1] == ["accuracy, PyTorch less Keras", "+0.0050"]
    assert "Target parity" not in Page(html_page(metrics(), Material())).tables
