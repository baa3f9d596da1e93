"""docs/course.md: what it claims is so, and its tables are those that its command gives."""

import json
import math
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT

from examples.course import tables, trainings
from examples.course.__main__ import ON_REQUEST, STATEMENTS, TABLES, measured
from twintrain.data.parts import Part
from twintrain.evaluation.metrics import loss

TEXT = (ROOT / tables.DOCUMENT).read_text("utf-8")
# These train for minutes; `python -m examples.course` writes all tables but those on request anew.
LONG = ("flattened_targets", "scored_on_training_rows", "last_weights", *ON_REQUEST)


def table_of(name):
    return re.search(rf"<!-- {name} -->\n(.*?)\n?<!-- end -->", TEXT, re.DOTALL)[1]


@pytest.fixture(scope="module")
def statements(tmp_path_factory):
    """The rows of all statements, by what is said or written."""
    out = tmp_path_factory.mktemp("course") / "statements.json"
    subprocess.run([sys.executable, "-m", "examples.course.statements", str(out)], cwd=ROOT, check=True)
    return json.loads(out.read_text("utf-8"))


def found(statements, table, beginning):
    (row,) = [row for row in statements[table] if row[0].startswith(beginning)]
    return row[1:]


# Trainings


def test_labels_of_the_course_are_those_of_its_confusion_matrix(shipped_data, monkeypatch):
    monkeypatch.chdir(ROOT)
    _, schema, parts = trainings.experiment("car")
    wrong = trainings.flattened(parts, schema.labels)
    assert np.bincount(wrong["test"].labels).tolist() == [259, 86]
    assert (len(wrong["train"]), len(wrong["test"])) == (1383, 345)


def test_flattened_label_is_that_of_another_row():
    # Codes of labels in the order of the course's columns: acc, good, unacc, vgood.
    part = Part(np.arange(4)[:, None], np.array([2, 0, 1, 3]), np.arange(4))
    nothing = Part(part.features[:0], part.labels[:0], part.index[:0])
    labels = list(trainings.CAR_CLASSES)
    wrong = trainings.flattened({"train": part, "val": nothing, "test": nothing}, labels)
    # Row 0 is of class 2: its four elements are what the four rows get.
    assert wrong["train"].labels.tolist() == [0, 0, 1, 0]
    assert wrong["train"].features.ravel().tolist() == [0, 1, 2, 3]


def test_rows_of_the_parts_come_back_in_the_order_of_the_file():
    parts = {
        name: Part(10 * np.array(rows)[:, None], 100 * np.array(rows), np.array(rows))
        for name, rows in {"train": [3, 0], "val": [1], "test": [4, 2]}.items()
    }
    whole = trainings.all_rows(parts)
    assert whole.index.tolist() == [0, 1, 2, 3, 4]
    assert whole.features.ravel().tolist() == [0, 10, 20, 30, 40]
    assert whole.labels.tolist() == [0, 100, 200, 300, 400]


def test_softmax_twice_bounds_the_loss():
    perfect = np.eye(10)
    assert loss(perfect, np.arange(10)) == pytest.approx(math.log(math.e + 9) - 1, abs=1e-12)
    assert math.log(math.e + 9) - 1 == pytest.approx(1.4611501717, abs=1e-10)


def test_joined_predictions_hit_no_label():
    outputs = np.zeros((20, 10))
    outputs[np.arange(20), np.arange(20) % 10] = 1 + np.arange(20)
    assert trainings.joined_accuracy(outputs, np.arange(20) % 10) == 0.0


def test_dead_outputs_are_0_for_every_row():
    assert trainings.dead(np.array([[0.0, 0.0, 1.0], [0.0, 2.0, 0.0]])) == 1


def test_row_is_told_by_more_than_rounding():
    logits = np.array([[1e-9], [2.0], [-2.0], [2.0]])
    assert trainings.told(logits, np.array([1, 1, 0, 0])) == 2


# Statements


def test_binary_cross_entropy_takes_probabilities_as_they_are(statements):
    comes_out, right = found(statements, "losses_and_activations", "BCELoss")
    assert comes_out.startswith(f"BCELoss of probability 0.9 for label 1: {-math.log(0.9):.4f};")
    assert f"−ln 0.9 = {-math.log(0.9):.4f}" in right


def test_negative_log_likelihood_and_a_second_log_softmax_are_cross_entropy(statements):
    scores = np.array([2.0, -1.0, 0.5])
    expected = f"{-(scores[0] - math.log(np.exp(scores).sum())):.4f}"
    assert found(statements, "losses_and_activations", "NLLLoss")[0].count(expected) == 2
    assert found(statements, "losses_and_activations", "`log_softmax`")[0] == f"{expected}, as without"


def test_selu_is_no_elu(statements):
    comes_out, _ = found(statements, "losses_and_activations", "α = 1")
    elu, alpha, scale = math.exp(-1) - 1, 1.6732632423543772, 1.0507009873554805
    figures = [float(number) for number in re.findall(r"-?\d\.\d{4}", comes_out)]
    assert figures == [round(number, 4) for number in (elu, alpha, alpha * elu, scale * alpha * elu, 1.0, scale)]


def test_gate_of_ones_is_or_from_0_on(statements):
    assert found(statements, "arithmetic", "weights 1, 1 and bias −1") == [
        "[0, 1, 1, 1]",
        "above 0 (> 0), as the code has it: [0, 0, 0, 1]",
    ]


def test_typing_errors_of_the_worked_example_are_mended_by_its_own_figures(statements):
    assert found(statements, "arithmetic", "backpropagation by hand")[1].endswith("= 0.29959556")
    assert found(statements, "arithmetic", "there, the error is 1/9")[1] == "half of them: 0.02397190"


@pytest.mark.parametrize(
    ("written", "error"),
    [
        ("`nn.Linear(10)`", "missing 1 required positional argument: 'out_features'"),
        ("`transforms.Compose", "ToTensor.__init__() takes 1 positional argument but 2 were given"),
        ("`best = deepcopy", "Expected state_dict to be dict-like, got <class 'method'>."),
        ("`history += loss`", "'float' object is not iterable"),
    ],
)
def test_code_of_the_course_stops(statements, written, error):
    assert found(statements, "code", written)[0].endswith(error)


def test_joined_rows_have_one_argmax(statements):
    comes_out, right = found(statements, "code", "`torch.cat")
    assert comes_out == "shape (40,), argmax 39"
    assert right == "`torch.stack(rows)`: shape (4, 10), argmax [9, 9, 9, 9]"


# Tables


def test_figures_differ_only_where_a_framework_does():
    table = tables.training_table(
        "any", [["rows", 1728, 10], ["loss", 0.5, None]], [["rows", 1728, 10], ["loss", 0.25, None]]
    )
    assert table.splitlines() == [
        "| PyTorch / Keras | as the course has it | mended |",
        "| --- | --- | --- |",
        "| rows | 1,728 / 1,728 | 10 / 10 |",
        "| loss | 0.5000 / 0.2500 | – |",
    ]


def test_small_figures_keep_their_digits():
    assert [tables.figure(value) for value in (0.0, 0.0125, 0.00125, 1.0, 1)] == [
        "0.0000",
        "0.0125",
        "1.3e-03",
        "1.0000",
        "1",
    ]


def test_table_goes_between_its_own_marks():
    text = "<!-- a -->\nold\n<!-- end -->\n<!-- b -->\nkept\n<!-- end -->\n"
    assert (
        tables.with_tables(text, {"a": "new \\1"})
        == "<!-- a -->\nnew \\1\n<!-- end -->\n<!-- b -->\nkept\n<!-- end -->\n"
    )


def test_text_without_a_place_is_refused(error_of):
    expected = "docs/course.md: expected <!-- a --> and <!-- end --> around the table of a"
    assert error_of(tables.with_tables, "no marks", {"a": "new"}) == expected


def test_unknown_table_is_refused():
    command = [sys.executable, "-m", "examples.course", "sofmax_twice"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "error: unknown table 'sofmax_twice'; did you mean 'softmax_twice'?\n"


def test_document_shows_every_table_once():
    assert sorted(re.findall(r"<!-- (\w+) -->\n\|", TEXT)) == sorted(TABLES)


def test_document_has_the_statements_that_come_out(statements):
    assert {name: table_of(name) for name in STATEMENTS} == {
        name: tables.statement_table(name, statements[name]) for name in STATEMENTS
    }


@pytest.mark.slow
def test_document_has_the_figures_that_come_out(shipped_data, monkeypatch):
    names = [name for name in TABLES if name not in (*STATEMENTS, *LONG)]
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))
    assert measured(names) == {name: table_of(name) for name in names}
