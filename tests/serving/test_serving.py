"""Logged models answer raw rows as the stages have answered their test rows: every kind of data, both frameworks.

Models are loaded by stock MLflow, in a process that knows nothing of the project.
"""

import contextlib
import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scoring_cases import CASES, clinic
from worker_process import finish, start_worker

from twintrain import tracking
from twintrain.data.dataset import Dataset
from twintrain.data.prepare.encoding import encode_array
from twintrain.errors import UserError
from twintrain.serving import new_rows
from twintrain.serving.evaluated import check_answers, evaluated_rows
from twintrain.serving.packaging import load_description, load_example, log_scorer
from twintrain.serving.process import ScoringProcess
from twintrain.serving.raw_input import as_written
from twintrain.serving.server import Server, request_body
from twintrain.serving.smoke import smoke_test
from twintrain.settings.params import Serving, Tracking
from twintrain.system import project

pytestmark = pytest.mark.slow

FRAMEWORKS = ("torch", "keras")
# Loads each model and answers the rows that lie beside, typed as they were read and as text.
STOCK = """
import importlib.util, json, sys
import mlflow, numpy as np, pandas as pd
from pathlib import Path
assert importlib.util.find_spec("twintrain") is None
mlflow.set_tracking_uri(sys.argv[1])
for path, uri in json.loads(Path(sys.argv[2]).read_text()).items():
    path = Path(path)
    model = mlflow.pyfunc.load_model(uri)
    for file in path.glob("asked-*"):
        rows = np.load(file) if file.suffix == ".npy" else pd.read_pickle(file)
        model.predict(rows).to_pickle(path / file.name.replace("asked", "answered"))
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory, shipped_data):
    """A folder of projects a framework, each trained and evaluated."""
    folders = {framework: tmp_path_factory.mktemp(framework) / "cases" for framework in FRAMEWORKS}
    workers = [
        start_worker("scoring_worker.py", framework, folder, shipped_data) for framework, folder in folders.items()
    ]
    for worker in workers:
        finish(worker)
    return folders


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store that all logged models share."""
    before = os.environ.get("MLFLOW_TRACKING_URI")
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"
    yield os.environ["MLFLOW_TRACKING_URI"]
    os.environ.pop("MLFLOW_TRACKING_URI")
    if before:
        os.environ["MLFLOW_TRACKING_URI"] = before


@pytest.fixture(scope="module")
def logged(trained, store):
    """The URI of each logged model, by framework and case."""
    uris, before = {}, set(sys.modules)
    for framework, folder in trained.items():
        for case in CASES:
            with contextlib.chdir(folder / case), tracking.stage_run("train", {}, Tracking()) as run:
                uris[framework, case] = log_scorer(framework, run.ref, run)
    assert not {"torch", "keras", "tensorflow"} & (sys.modules.keys() - before)
    return uris


def spellings(rows):
    """The same rows in the forms that users have."""
    if isinstance(rows, pd.DataFrame):
        dataset = Dataset.model_validate(project.read_json(project.INGESTED / "dataset.json"))
        text = as_written(rows, dataset).astype(object)
        for name, feature in dataset.inputs.items():
            if feature.kind == "number":
                text[name] = text[name].astype(str).str.replace(".", dataset.decimal)
        return {"typed": rows, "text": text.where(text.notna(), "").astype(str)}
    whole = {"pixels": rows, "floats": encode_array(rows), "doubles": encode_array(rows).astype(np.float64)}
    return whole if rows.dtype == np.uint8 else {"floats": rows, "doubles": rows.astype(np.float64)}


@pytest.fixture(scope="module", params=FRAMEWORKS)
def answered(request, trained, logged, store, tmp_path_factory):
    """What stock MLflow answers in a fresh process: answers and what was evaluated, by case and spelling."""
    folder, framework = tmp_path_factory.mktemp("asked"), request.param
    expected, asked = {}, {}
    for case in CASES:
        asked[str(folder / case)] = logged[framework, case]
        (folder / case).mkdir()
        with contextlib.chdir(trained[framework] / case):
            rows, expected[case] = evaluated_rows(framework, 100)
            for name, spelt in spellings(rows).items():
                path = folder / case / f"asked-{name}"
                if isinstance(spelt, pd.DataFrame):
                    spelt.to_pickle(f"{path}.pkl")
                else:
                    np.save(f"{path}.npy", spelt)
    (folder / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-I", "-c", STOCK, store, str(folder / "asked.json")]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return expected, {
        case: {path.stem.removeprefix("answered-"): pd.read_pickle(path) for path in (folder / case).glob("answered-*")}
        for case in CASES
    }


@pytest.mark.parametrize("case", CASES)
def test_stock_mlflow_answers_as_evaluated(answered, case):
    expected, found = answered
    assert len(found[case]) >= 2
    for answers in found[case].values():
        check_answers(answers, expected[case])
        # `check_answers` has a share of large numbers; probabilities and pixels are held to the difference itself.
        numbers = expected[case].select_dtypes("number")
        if case not in ("regression", "sequences"):
            np.testing.assert_allclose(answers[numbers.columns], numbers, rtol=0, atol=1e-6)


def test_answers_are_named_after_what_is_asked(answered):
    expected, found = answered
    columns = {case: list(next(iter(found[case].values())).columns) for case in CASES}
    assert columns["codes"] == ["label", "probability_unacc", "probability_acc", "probability_good"]
    assert columns["table"] == ["label", "probability_no", "probability_yes"]
    assert columns["regression"] == columns["sequences"] == ["prediction"]
    of_digits = [f"probability_{digit}" for digit in range(10)]
    of_parity = ["parity_label", "parity_probability_even", "parity_probability_odd"]
    assert columns["targets"] == ["label", *of_digits, *of_parity]
    assert columns["segmentation"] == [f"pixel_{place}" for place in range(784)]
    assert columns["reconstruction"] == [f"value_{place}" for place in range(784)]
    # The cases tell right from wrong: networks do not answer all rows alike.
    for case in CASES:
        assert expected[case].select_dtypes("number").std().max() > 1e-4, case


def test_logged_model_says_what_it_takes_and_needs(logged, store):
    from mlflow.models import get_model_info

    tracking.connect("Default")
    info = get_model_info(logged["torch", "table"])
    inputs = {spec.name: spec.required for spec in info.signature.inputs.inputs}
    assert inputs == {"born": False, "weight": False, "grade": False, "city": True}
    assert [spec.name for spec in info.signature.outputs.inputs] == ["label", "probability_no", "probability_yes"]
    assert load_description(logged["torch", "table"]).inputs["born"].date == "%d.%m.%Y"
    example = load_example(logged["torch", "table"])
    assert len(example) == 2
    assert list(example.columns) == list(inputs)


@pytest.mark.parametrize(
    ("framework", "needs", "not_needed"), [("torch", "torch", "keras"), ("keras", "tensorflow", "torch")]
)
def test_logged_model_has_one_framework_and_no_pickle(logged, store, tmp_path, framework, needs, not_needed):
    from mlflow.artifacts import download_artifacts

    tracking.connect("Default")
    folder = tmp_path / "model"
    folder.mkdir()
    download_artifacts(logged[framework, "codes"], dst_path=str(folder))
    requirements = (folder / "requirements.txt").read_text(encoding="utf-8").split()
    assert all("==" in requirement for requirement in requirements)
    names = {requirement.split("==")[0] for requirement in requirements}
    assert needs in names
    assert not_needed not in names
    assert not list(folder.rglob("*.pkl"))
    assert {path.name for path in (folder / "artifacts/network").iterdir()} == {
        "recipe.json",
        {"torch": "model.pt2", "keras": "model.keras"}[framework],
    }


def test_process_answers_refuses_and_goes_on(trained, logged, store, error_of):
    with contextlib.chdir(trained["torch"] / "table"):
        rows, expected = evaluated_rows("torch", 30)
        with ScoringProcess(logged["torch", "table"]) as process:
            assert process.metadata["framework"] == "torch"
            bad = rows.assign(city=None)
            assert error_of(process.score, bad) == ("row 1: no value in city, which must have one; so are 29 more rows")
            assert "Model is missing inputs ['city']" in error_of(process.score, rows.drop(columns="city"))
            check_answers(process.score(rows), expected)
            # What may be missing may be left out.
            left_out = process.score(rows.drop(columns=["grade"]))
            check_answers(left_out, process.score(rows.assign(grade=None)))
        assert process._process.returncode == 0


def test_process_that_dies_tells_its_last_words(trained, logged, store, error_of):
    with contextlib.chdir(trained["torch"] / "codes"):
        rows, _ = evaluated_rows("torch", 3)
        with ScoringProcess(logged["torch", "codes"]) as process:
            process._process.kill()
            process._process.wait()
            assert error_of(process.score, rows).startswith(
                f"the process that answers with {logged['torch', 'codes']} has ended"
            )
    assert error_of(ScoringProcess, "models:/nothing/1") == (
        "models:/nothing/1 cannot be loaded: Registered Model with name=nothing not found"
    )


def test_predict_answers_a_file_and_names_its_bad_rows(trained, logged, store, tmp_path, monkeypatch, error_of, capsys):
    from mlflow import MlflowClient

    from pipelines.predict import predict

    monkeypatch.chdir(trained["torch"] / "table")
    monkeypatch.setattr(new_rows, "TABLE_ROWS", 100)  # three chunks
    given, output = tmp_path / "new.csv", tmp_path / "answers.parquet"
    table = clinic().drop(columns=["seen", "ill"])

    def call(*options):
        table.to_csv(given, sep=";", index=False)
        command = ["predict", "--input", str(given), "--output", str(output), "--model", logged["torch", "table"]]
        monkeypatch.setattr(sys, "argv", [*command, *options])
        return predict()

    assert call() == 0
    answers = pd.read_parquet(output)
    assert answers["row"].tolist() == list(range(1, 241))
    test = np.load("build/evaluate/torch/predictions.npz")
    found = answers.iloc[test["index"]]
    np.testing.assert_allclose(found[["probability_no", "probability_yes"]], test["probability"], rtol=0, atol=1e-6)
    output.unlink()
    table.loc[[3, 150], "weight"] = ["heavy", "-2"]
    expected = f"{given}: line 5: 'heavy' in weight is not a number from 0 to inf; mend them, or leave them out: "
    assert error_of(call) == f"{expected}--bad-rows drop"
    assert not output.exists()
    assert call("--bad-rows", "drop") == 0
    assert pd.read_parquet(output)["row"].tolist() == [row for row in range(1, 241) if row not in (4, 151)]
    assert "left out: line 152: '-2' in weight" in capsys.readouterr().err
    runs = [run for run in MlflowClient().search_runs(["0"]) if run.data.tags.get("stage") == "predict"]
    assert sorted(run.info.status for run in runs) == ["FAILED", "FINISHED", "FINISHED"]
    assert runs[0].data.metrics.keys() >= {"rows", "bad_rows", "seconds"}
    assert (runs[0].data.metrics["rows"], runs[0].data.metrics["bad_rows"]) == (238, 2)


MALFORMED = {
    "missing column": ({"dataframe_records": [{"grade": "1"}]}, "missing inputs ['city']"),
    "unseen category": ({"dataframe_records": [{"grade": "9", "city": "Jeju"}]}, "unseen category '9' in grade"),
    "text in a number": (
        {"dataframe_records": [{"weight": "heavy", "city": "Jeju"}]},
        "'heavy' in weight is not a number from 0 to inf",
    ),
    "out of bounds": ({"dataframe_records": [{"weight": -1, "city": "Jeju"}]}, "is not a number from 0 to inf"),
    "no date": ({"dataframe_records": [{"born": "2020-01-01", "city": "Jeju"}]}, "is not a date like %d.%m.%Y"),
    "empty": ({"dataframe_records": []}, "expected a list of at least one row, got none"),
    "no table": ({"inputs": "Jeju"}, "expected a list of at least one row, got text"),
    "other words": ({"rows": [1]}, "expected an object with one of dataframe_records"),
}


def test_malformed_requests_for_a_table_get_a_4xx_with_the_reason(logged, store):
    with Server(logged["torch", "table"], Serving()) as server:
        server.wait()
        status, answer = server.ask(
            json.dumps({"dataframe_records": [{"city": "Seoul", "grade": 2, "weight": "70,5"}]})
        )
        assert (status, list(answer["predictions"][0])) == (200, ["label", "probability_no", "probability_yes"])
        for what, (body, reason) in MALFORMED.items():
            status, answer = server.ask(json.dumps(body))
            assert (what, status) == (what, 400)
            assert reason in answer["message"], what
            assert "Traceback" not in json.dumps(answer), what
        status, answer = server.ask("{broken")
        assert (status, "expected JSON" in answer["message"]) == (400, True)


def test_malformed_requests_for_images_get_a_4xx_with_the_reason(trained, logged, store):
    with contextlib.chdir(trained["keras"] / "images"):
        rows, expected = evaluated_rows("keras", 5)
    with Server(logged["keras", "images"], Serving()) as server:
        server.wait()
        for spelt in (rows, rows[..., 0], rows / 255):
            status, answer = server.ask(request_body(spelt))
            assert status == 200
            check_answers(pd.DataFrame(answer["predictions"]), expected)
        for body, reason in (
            (rows[:, :5].tolist(), "expected an array (rows, 28, 28, 1), got (5, 5, 28, 1)"),
            ((rows.astype(int) + 256).tolist(), "row 1: pixels as whole numbers are from 0 to 255"),
            ((rows + 1.5).tolist(), "row 1: pixels as decimals are from 0 to 1"),
            ([[1], [2, 3]], "expected rows of one shape"),
            ([["a"]], "expected numbers, got text"),
        ):
            status, answer = server.ask(json.dumps({"inputs": body}))
            assert (status, reason in answer["message"]) == (400, True), reason


def test_smoke_test_passes_and_tells_a_wrong_model(trained, logged, store):
    with contextlib.chdir(trained["torch"] / "table"):
        rows, expected = evaluated_rows("torch")
        passed = smoke_test(logged["torch", "table"], rows, expected, Serving())
        assert passed == (
            True,
            "20 test rows over HTTP are answered as evaluated, and a malformed request refused",
        )
        swapped = expected.assign(
            probability_no=expected["probability_yes"], probability_yes=expected["probability_no"]
        )
        failed = smoke_test(logged["torch", "table"], rows, swapped, Serving())
        assert not failed.passed
        assert "evaluated as" in failed.reason


def test_server_that_cannot_load_its_model_tells_why(store):
    with pytest.raises(UserError, match=r"has ended: .*nothing"), Server("models:/nothing/1", Serving()) as server:
        server.wait()
