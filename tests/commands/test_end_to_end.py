"""A fresh clone, the commands of the README, and what they leave behind. The tests build on each other, in order."""

import json
import time
from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow.entities import LoggedModel, Run
from project_clone import UNTRACKED, Clone

from twintrain.settings.yaml_files import read_yaml, write_yaml

FRAMEWORKS = ("torch", "keras")
LOGGED_PARAMS = {"epochs", "learning_rate", "batch_size", "loss_function", "metric_function", "optimizer"}
LOGGED_METRICS = {"train_loss", "train_accuracy", "val_loss", "val_accuracy", "eval_acc", "auc_score", "test_loss"}
ARTIFACTS = {
    "model_summary.txt",
    "loss_curve.png",
    "accuracy_curve.png",
    "confusion_matrix.png",
    "roc.png",
    "tensorboard",
    "weights.npz",
}
PREDICT = """
import sys, mlflow, numpy as np
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model(f"models:/{sys.argv[2]}")
np.save(sys.argv[4], model.predict(np.load(sys.argv[3])))
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """One clone for all tests of this file, in which the `car` preset has run for 3 epochs."""
    clone = Clone(tmp_path_factory.mktemp("end-to-end") / "clone")
    # One thread: the tests share their machine, and PyTorch's threads wait for each other.
    result = clone.run(
        "--preset", "car", "--train.epochs", "3", "--train.threads", "1", "--tracking.tensorboard", "true"
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "car_embedding on car, aligned" in result.stdout
    assert "Next: make ui, then open http://localhost:5000/#/metric?runs=" in result.stdout
    assert not {"warning:", "note:", "Traceback"} & set(result.stderr.split())
    return clone


@pytest.fixture(scope="module")
def metrics(clone: Clone) -> dict:
    return json.loads((clone.folder / "results/metrics.json").read_text(encoding="utf-8"))


def test_one_parent_has_one_child_a_stage(clone: Clone):
    (parent,) = clone.stage_runs("run")
    children = [run for run in clone.runs() if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    names = [
        "ingest",
        "preprocess",
        "split",
        "baseline logistic",
        "baseline svm",
        "baseline tree",
        "train@torch",
        "train@keras",
        "evaluate@torch",
        "evaluate@keras",
        "compare",
    ]
    assert sorted(run.info.run_name for run in children) == sorted(names)
    assert len(clone.runs()) == len(names) + 1
    assert {run.info.status for run in clone.runs()} == {"FINISHED"}


def test_both_training_runs_have_the_same_keys(clone: Clone):
    keras, torch = clone.stage_runs("train")
    assert torch.data.params.keys() == keras.data.params.keys() >= LOGGED_PARAMS
    assert torch.data.params["epochs"] == keras.data.params["epochs"] == "3"
    own = [{name for name in run.data.metrics if not name.startswith("system/")} for run in (torch, keras)]
    assert own[0] == own[1] >= LOGGED_METRICS
    for run in (torch, keras):
        assert any(name.startswith("system/") for name in run.data.metrics)
        assert run.data.tags.keys() >= {"stage", "framework", "git_commit", "dvc_lock", "data"}
        assert {source.tags[0].value for source in run.inputs.dataset_inputs} == {"train", "val"}
    assert [run.data.tags["framework"] for run in (torch, keras)] == ["torch", "keras"]
    digests = [{source.dataset.digest for source in run.inputs.dataset_inputs} for run in (torch, keras)]
    assert digests[0] == digests[1]


def test_metrics_are_logged_every_epoch_and_files_with_them(clone: Clone):
    client = mlflow.MlflowClient(f"sqlite:///{clone.folder}/mlflow.db")
    for run in clone.stage_runs("train"):
        assert [metric.step for metric in client.get_metric_history(run.info.run_id, "val_loss")] == [0, 1, 2]
        assert {artifact.path for artifact in client.list_artifacts(run.info.run_id)} == ARTIFACTS
        logged = logged_models(client, run)["model"]
        assert Path(logged.artifact_location.removeprefix("file://"), "data").is_dir()
        kind = {"torch": "model.pt2", "keras": "model.keras"}[run.data.tags["framework"]]
        assert (Path(logged.artifact_location.removeprefix("file://")) / "data" / kind).is_file()


def logged_models(client: mlflow.MlflowClient, run: Run) -> dict[str, LoggedModel]:
    """The models of a training: the network, and that which takes raw rows."""
    found = {
        model.name: model for model in (client.get_logged_model(out.model_id) for out in run.outputs.model_outputs)
    }
    assert found.keys() == {"model", "scorer"}
    return found


def test_results_name_runs_models_and_scores(clone: Clone, metrics: dict):
    client = mlflow.MlflowClient(f"sqlite:///{clone.folder}/mlflow.db")
    assert (metrics["dataset"], metrics["model"], metrics["mode"]) == ("car", "car_embedding", "aligned")
    keys = {"eval_acc", "auc_score", "test_loss", "parameters", "train_seconds", "samples_per_second"}
    for run in clone.stage_runs("train"):
        found = metrics[run.data.tags["framework"]]
        assert found.keys() >= keys | {"run_id", "model_id"}
        assert found["run_id"] == run.info.run_id
        assert found["model_id"] == logged_models(client, run)["model"].model_id
        assert found["eval_acc"] == run.data.metrics["eval_acc"]
    assert metrics["torch"]["parameters"] == metrics["keras"]["parameters"] == 28_696
    assert metrics["torch"]["threads"] == metrics["keras"]["threads"] == 1
    told = {"accuracy_difference", "accuracy_ci95", "mcnemar_p", "agreement", "kappa", "equivalent_within"}
    assert metrics["comparison"].keys() >= {*told, "winner", "reason", "test_digest"}


def test_baselines_are_scored_on_the_rows_of_the_networks(clone: Clone, metrics: dict):
    baseline = metrics["baseline"]
    assert (baseline["name"], list(baseline["others"])) == ("logistic", ["svm", "tree"])
    for run in clone.stage_runs("baseline"):
        name = run.data.tags["baseline"]
        found = baseline if name == "logistic" else baseline["others"][name]
        assert found["eval_acc"] == run.data.metrics["eval_acc"]
        assert found["train_rows"] == int(run.data.params["train_rows"]) == 1209
        assert bool(run.outputs.model_outputs) is (name == "logistic")
    predicted = np.load(clone.folder / "build/baseline/predictions.npz")
    network = np.load(clone.folder / "build/evaluate/torch/predictions.npz")
    assert np.array_equal(predicted["index"], network["index"])
    assert (predicted["probability"].argmax(axis=1) == predicted["label"]).mean() == baseline["eval_acc"]
    difference = metrics["torch"]["eval_acc"] - baseline["eval_acc"]
    assert baseline["comparisons"]["torch"]["accuracy_difference"] == pytest.approx(difference, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_logged_model_predicts_the_test_rows_as_evaluated(clone: Clone, metrics: dict, framework: str):
    store, test_rows = f"sqlite:///{clone.folder}/mlflow.db", str(clone.folder / "build/split/test/features.npy")
    out = clone.folder / f"{framework}.npy"
    result = clone.call("python", "-c", PREDICT, store, metrics[framework]["model_id"], test_rows, str(out))
    assert result.returncode == 0, result.stdout + result.stderr
    logits = np.load(out).astype(np.float64)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    evaluated = np.load(clone.folder / f"build/evaluate/{framework}/predictions.npz")
    assert evaluated["probability"].shape == (346, 4)
    np.testing.assert_allclose(odds / odds.sum(axis=1, keepdims=True), evaluated["probability"], rtol=0, atol=1e-5)
    out.unlink()


def test_a_second_repro_runs_nothing(clone: Clone):
    before = len(clone.runs())
    result = clone.call("dvc", "repro")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Data and pipelines are up to date." in result.stdout
    assert "Running stage" not in result.stdout
    assert len(clone.runs()) == before


def changed_stages(clone: Clone, section: str, key: str, value: object) -> set[str]:
    """Names of the stages that would run, were this parameter changed."""
    path = clone.folder / "params.yaml"
    original = path.read_text(encoding="utf-8")
    content = read_yaml(path)
    content[section][key] = value
    write_yaml(path, content)
    result = clone.call("dvc", "status", "--json")
    path.write_text(original, encoding="utf-8")
    return set(json.loads(result.stdout))


@pytest.mark.slow
def test_changing_epochs_reruns_training_and_what_follows(clone: Clone):
    # What follows shows no change of its own before the training has run.
    assert changed_stages(clone, "train", "epochs", 4) == {"train@torch", "train@keras"}
    assert changed_stages(clone, "split", "seed", 1) == {"split"}


@pytest.mark.slow
def test_changing_what_only_one_framework_has_reruns_that_one_and_the_verification(clone: Clone):
    assert changed_stages(clone, "train", "keras", {"run_eagerly": True}) == {"train@keras", "verify"}
    assert changed_stages(clone, "train", "torch", {"fused": False}) == {"train@torch", "verify"}


@pytest.mark.slow
def test_dvc_shows_metrics_and_plots(clone: Clone, metrics: dict):
    shown = clone.call("dvc", "metrics", "show", "--json")
    found = json.loads(shown.stdout)[""]["data"]["results/scores.json"]["data"]
    assert [found[framework]["loss"] for framework in FRAMEWORKS] == [
        metrics[framework]["test_loss"] for framework in FRAMEWORKS
    ]
    plots = clone.call("dvc", "plots", "show", "--json")
    assert plots.returncode == 0, plots.stdout + plots.stderr
    assert json.loads(plots.stdout)["data"].keys() == {
        "Loss",
        "Accuracy, or mean absolute error",
        "results/loss_curves.png",
        "results/metric_curves.png",
    }
    assert "WARNING" not in plots.stderr


def test_nothing_that_git_tracks_changes_but_lock_and_params(clone: Clone):
    status = clone.call("git", "status", "--porcelain").stdout.split("\n")
    assert sorted(filter(None, status)) == [" M dvc.lock", " M params.yaml"]


@pytest.mark.slow
def test_the_same_parameters_again_come_from_the_cache_without_a_new_run(clone: Clone):
    before = len(clone.stage_runs("train"))
    assert clone.run("--target", "train@torch", "--train.epochs", "1").returncode == 0
    assert len(clone.stage_runs("train")) == before + 1
    again = clone.run("--target", "train@torch", "--train.epochs", "3")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "train@torch is up to date; make ui shows its run" in again.stdout
    assert len(clone.stage_runs("train")) == before + 1


@pytest.mark.slow
def test_what_only_keras_has_trains_keras_alone_again(clone: Clone):
    before = {run.info.run_id for run in clone.runs()}
    result = clone.run("--train.keras.run_eagerly", "true")
    assert result.returncode == 0, result.stdout + result.stderr
    names = [run.info.run_name for run in clone.runs() if run.info.run_id not in before]
    named = "car · epochs 3 · threads 1 · keras.run_eagerly true"
    assert sorted(names) == [named, "compare", "evaluate@keras", "train@keras"]


def test_nothing_new_is_said_so_and_the_table_printed_all_the_same(clone: Clone):
    result = clone.run()
    assert result.returncode == 0, result.stdout + result.stderr
    assert "test accuracy" in result.stdout
    assert "Nothing has changed since these trainings, so nothing was trained again." in result.stdout
    assert len({run.data.tags["dvc_lock"] for run in clone.stage_runs("run")[:1]}) == 1


@pytest.mark.slow
def test_results_from_the_cache_in_a_new_store_are_said_to_be(clone: Clone):
    (clone.folder / "mlflow.db").rename(clone.folder / "mlflow.db.aside")
    result = clone.run()
    (clone.folder / "mlflow.db").unlink()
    (clone.folder / "mlflow.db.aside").rename(clone.folder / "mlflow.db")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "their runs not in this store; dvc repro --force makes new ones" in result.stdout


@pytest.mark.slow
def test_an_interrupted_command_ends_its_stage_and_says_so_in_the_store(clone: Clone):
    before = len(clone.stage_runs("train"))
    params = (clone.folder / "params.yaml").read_bytes()
    process = clone.start("python", "-m", "pipelines.run", "--target", "train@torch", "--train.epochs", "100000")
    while process.poll() is None and len(clone.stage_runs("train")) == before:
        time.sleep(0.2)
    process.terminate()
    assert process.wait(timeout=60) == 130
    assert [clone.stage_runs(stage)[0].info.status for stage in ("train", "run")] == ["KILLED", "KILLED"]
    (clone.folder / "params.yaml").write_bytes(params)


@pytest.mark.slow
def test_dvc_exp_run_leaves_its_runs_in_the_same_store(clone: Clone):
    before = len(clone.stage_runs("train"))
    result = clone.call("dvc", "exp", "run", "-S", "train.epochs=2")
    assert result.returncode == 0, result.stdout + result.stderr
    trained = clone.stage_runs("train")
    assert len(trained) == before + 2
    assert {run.data.params["epochs"] for run in trained[:2]} == {"2"}
    assert trained[0].data.tags["dvc_exp"]
    parent, *_ = clone.stage_runs("run")
    assert "epochs 2" in parent.info.run_name.split(" · ")
    assert parent.data.tags["dvc_exp"] == trained[0].data.tags["dvc_exp"]
    assert {run.data.tags["mlflow.parentRunId"] for run in trained[:2]} == {parent.info.run_id}


@pytest.mark.slow
def test_mlflow_run_trains_both_and_ends_its_own_run(clone: Clone):
    before = {run.info.run_id for run in clone.runs()}
    # Its data are prepared, and its baselines fitted.
    overrides = ("-P", "preset=car", "-P", "train.epochs=5", "-P", "train.threads=1")
    result = clone.call("mlflow", "run", ".", "--env-manager=local", *overrides)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "car_embedding on car, aligned" in result.stdout
    runs = [run for run in clone.runs() if run.info.run_id not in before]
    (parent,) = [run for run in runs if run.data.tags.get("stage") == "run"]
    assert parent.info.status == "FINISHED"
    assert parent.info.run_name == "car · epochs 5 · threads 1"
    assert parent.data.params.items() >= {"preset": "car", "train.epochs": "5"}.items()
    trained = [run for run in runs if run.data.tags.get("stage") == "train"]
    assert [run.info.status for run in trained] == ["FINISHED", "FINISHED"]
    assert {run.data.tags["mlflow.parentRunId"] for run in trained} == {parent.info.run_id}
    assert {run.info.experiment_id for run in runs} == {parent.info.experiment_id}
    content = read_yaml(clone.folder / "params.yaml")
    assert (content["dataset"], content["train"]["epochs"]) == ("car", 5)


@pytest.mark.slow
def test_dvc_shows_the_curves_of_two_commits_of_a_regression(clone: Clone):
    for epochs in ("2", "3"):
        short = ("--train.epochs", epochs, "--train.threads", "1", "--baseline.others", "[]", *UNTRACKED)
        result = clone.run("--preset", "diabetes_regression", "--registry.enabled", "false", *short)
        assert result.returncode == 0, result.stdout + result.stderr
        assert clone.call("git", "commit", "--quiet", "--all", "--message", f"{epochs} epochs").returncode == 0
    plots = clone.call("dvc", "plots", "diff", "HEAD~1", "HEAD", "--json")
    assert (plots.returncode, "WARNING" in plots.stderr) == (0, False), plots.stderr
    shown = json.loads(plots.stdout)["data"]
    pictures = [shown.pop(name) for name in ("results/loss_curves.png", "results/metric_curves.png")]
    assert [len(picture) for picture in pictures] == [2, 2]
    assert shown.keys() == {"Loss", "Accuracy, or mean absolute error"}
    for (chart,) in shown.values():
        points = chart["content"]["data"]["values"]
        drawn = {(point["rev"], point["filename::field"]) for point in points}
        assert len(drawn) == 2 * len(FRAMEWORKS) * 2, drawn  # commits, frameworks, training and validation rows
        assert len(points) == (2 + 3) * len(FRAMEWORKS) * 2
