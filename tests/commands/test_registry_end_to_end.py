"""The registry as a user meets it: a champion, a worse one, a better one, and back. The tests build on each other."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import psutil
import pytest
from project_clone import INHERITED, Clone

from twintrain.settings.params import Serving
from twintrain.system.ports import free_port

NAME = "mnist5k-small_mlp"
# Imports nothing of the project, and runs where none of it lies.
LABELS = """
import sys, mlflow, numpy as np
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model("models:/mnist5k-small_mlp@champion")
print("".join(model.predict(np.load(sys.argv[2]))["label"]))
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone in which the smallest network was trained on digits for 2 epochs; the twins were not verified."""
    clone = Clone(tmp_path_factory.mktemp("registry") / "clone")
    # One thread: the tests share their machine, and PyTorch's threads wait for each other. So easy a baseline that a
    # short training beats it, and a longer one beats that.
    settings = ("--baseline.name", "majority", "--baseline.others", "[]", "--train.threads", "1", "--train.epochs", "2")
    result = clone.run("--preset", "mnist5k", "--model", "small_mlp", *settings)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"\n{NAME}: PyTorch is version 1, Keras is version 2; " in result.stdout
    assert "✗ twins: Not verified, since verify.enabled is false; " in result.stdout
    assert "– smoke test: not looked at" in result.stdout
    assert f"{NAME}: no champion yet." in result.stdout
    return clone


def client(clone: Clone) -> mlflow.MlflowClient:
    return mlflow.MlflowClient(f"sqlite:///{clone.folder}/mlflow.db")


def aliases(clone: Clone) -> dict[str, int]:
    return {name: int(version) for name, version in client(clone).get_registered_model(NAME).aliases.items()}


def asked_rows(clone: Clone, folder: Path) -> tuple[Path, np.ndarray]:
    """A file of raw test rows, and the champion's probabilities of them."""
    champion = client(clone).get_model_version_by_alias(NAME, "champion")
    with np.load(clone.folder / f"build/evaluate/{champion.tags['framework']}/predictions.npz") as stored:
        index, expected = stored["index"], stored["probability"]
    np.save(folder / "rows.npy", np.load(clone.folder / "build/ingested/00000/array.npy")[index])
    return folder / "rows.npy", expected


def test_verified_twins_give_a_champion(clone: Clone):
    result = clone.run("--verify.enabled", "true")
    assert result.returncode == 0, result.stdout + result.stderr
    for name in ("twins", "baseline", "champion", "smoke test"):
        assert f"✓ {name}: " in result.stdout
    (champion,) = aliases(clone).values()
    assert f"{NAME}: version {champion} (" in result.stdout
    assert ") is the champion now." in result.stdout
    version = client(clone).get_model_version(NAME, str(champion))
    assert version.tags["gate"] == "passed"
    assert version.tags.keys() >= {"framework", "mode", "seed", "test_digest", "eval_acc", "git_commit", "dvc_lock"}
    run, *_ = clone.stage_runs("run")
    assert (run.info.status, run.data.tags["gate"]) == ("FINISHED", "passed")
    page = (clone.folder / "results/champion.html").read_text("utf-8")
    assert f"<strong>{NAME}: version {champion} (" in page
    assert {file.path for file in client(clone).list_artifacts(run.info.run_id)} == {"gate.json", "champion.html"}
    # Nothing of it is a file that DVC knows.
    assert "up to date" in clone.call("dvc", "status").stdout


def test_the_champion_loads_by_its_alias_with_stock_mlflow_and_labels_raw_images(clone: Clone, tmp_path):
    rows, expected = asked_rows(clone, tmp_path)
    environment = {name: value for name, value in os.environ.items() if name not in INHERITED}
    store = f"sqlite:///{clone.folder}/mlflow.db"
    said = subprocess.run(
        [sys.executable, "-P", "-c", LABELS, store, str(rows)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    assert said.stdout.strip() == "".join(map(str, expected.argmax(axis=1)))


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGHUP])
def test_the_champion_is_served_and_answers_the_request_that_is_printed(clone: Clone, tmp_path, sign):
    port = free_port()
    with (tmp_path / "said").open("w+") as said:
        process = clone.start("python", "-u", "-m", "pipelines.serve", "--port", str(port), said=said)
        try:
            until = time.monotonic() + Serving().start_seconds
            while not (curl := re.search("^curl .*", (tmp_path / "said").read_text(), re.MULTILINE)):
                assert process.poll() is None, (tmp_path / "said").read_text()
                assert time.monotonic() < until
                time.sleep(0.2)
            answer = clone.call("bash", "-c", f"{curl[0]} --silent --fail-with-body")
            (predicted,) = json.loads(answer.stdout)["predictions"]
            assert predicted["label"] == max(map(str, range(10)), key=lambda label: predicted[f"probability_{label}"])
            taken = clone.call("python", "-m", "pipelines.serve", "--port", str(port))
            assert taken.returncode == 1
            message = f"error: port {port} cannot be had \\(Address already in use\\); a free one: --port \\d+\n"
            assert re.fullmatch(message, taken.stderr)
            servers = psutil.Process(process.pid).children(recursive=True)
        finally:
            process.send_signal(sign)
            status = process.wait(timeout=60)
    assert (status, (tmp_path / "said").read_text().splitlines()[-1]) == (0, "ended")
    assert servers
    # A dead process stays listed as long as whoever has inherited it does not wait for it.
    assert not any(server.is_running() and server.status() != psutil.STATUS_ZOMBIE for server in servers)


def test_a_server_that_takes_longer_than_it_may_says_how_to_give_it_longer(clone: Clone):
    result = clone.call("python", "-m", "pipelines.serve", "--serving.start_seconds", "0.2", "--model", "''")
    assert result.returncode == 1
    assert " is loaded, for " in result.stdout
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("error: "))
    assert "has not answered within 0.2 seconds (serving.start_seconds)" in line
    assert line.endswith('; give it longer: make serve ARGS="--serving.start_seconds 0.4"')


def test_answers_go_to_results_where_no_file_is_named(clone: Clone, tmp_path):
    rows, expected = asked_rows(clone, tmp_path)
    result = clone.call("python", "-m", "pipelines.predict", "--input", str(rows))
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.endswith(": results/answers.csv\n")
    assert len(pd.read_csv(clone.folder / "results/answers.csv")) == len(expected)


def test_drift_says_what_was_trained_on_last_where_params_yaml_has_gone_on(clone: Clone, tmp_path):
    (tmp_path / "new.csv").write_text("buying,maint\nhigh,low\n", "utf-8")
    params = clone.folder / "params.yaml"
    before = params.read_text("utf-8")
    params.write_text(re.sub("^dataset: mnist5k", "dataset: car", before, count=1, flags=re.M), "utf-8")
    try:
        result = clone.call("python", "-m", "pipelines.drift", "--input", str(tmp_path / "new.csv"))
    finally:
        params.write_text(before, "utf-8")
    assert result.returncode == 1
    said = "; these are no rows of mnist5k, which was trained on last; train on car first: make run\n"
    assert result.stderr.endswith(said)


def test_mlflow_run_answers_a_file(clone: Clone, tmp_path):
    rows, expected = asked_rows(clone, tmp_path)
    files = ("-P", f"input={rows}", "-P", f"output={tmp_path / 'answers.csv'}")
    result = clone.call("mlflow", "run", ".", "-e", "predict", "--env-manager", "local", *files)
    assert result.returncode == 0, result.stdout + result.stderr
    answers = pd.read_csv(tmp_path / "answers.csv")
    assert answers["row"].tolist() == list(range(1, len(expected) + 1))
    np.testing.assert_allclose(answers.filter(like="probability_"), expected, rtol=0, atol=1e-6)
    run, *_ = clone.stage_runs("predict")
    assert run.data.metrics["rows"] == len(expected)


def test_drift_of_new_images_is_an_exit_status_and_a_run(clone: Clone, tmp_path):
    rows, _ = asked_rows(clone, tmp_path)
    command = ("python", "-m", "pipelines.drift", "--input")
    same = clone.call(*command, str(rows))
    assert same.returncode == 0, same.stdout + same.stderr
    assert same.stdout.endswith("drift: none of 2 columns has drifted. All figures: results/drift.json\n")
    np.save(tmp_path / "dark.npy", np.load(rows) // 3)
    dark = clone.call(*command, str(tmp_path / "dark.npy"))
    assert dark.returncode == 3
    assert "training rows of mnist5k" in dark.stdout
    found = json.loads((clone.folder / "results/drift.json").read_text("utf-8"))
    assert sorted(found["drifted"]) == ["brightness", "contrast"]
    drifted, *_ = clone.stage_runs("drift")
    assert drifted.info.status == "FINISHED"
    psi = {column["name"]: column["psi"] for column in found["columns"]}
    assert drifted.data.metrics["psi/contrast"] == pytest.approx(psi["contrast"])
    assert drifted.data.metrics["psi_max"] == pytest.approx(max(psi.values()))
    given = ("-P", f"input={tmp_path / 'dark.npy'}")
    by_mlflow = clone.call("mlflow", "run", ".", "-e", "drift", "--env-manager", "local", *given)
    assert by_mlflow.returncode == 1
    assert "drift: 2 of 2 columns have drifted: " in by_mlflow.stdout


def test_a_model_made_worse_on_purpose_is_not_promoted(clone: Clone):
    before = aliases(clone)
    result = clone.run("--train.epochs", "1")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "✓ twins: Verified twins" in result.stdout
    assert "✓ baseline: Better than majority beyond chance" in result.stdout
    assert "✗ champion: Worse than the champion beyond chance: -" in result.stdout
    assert "– smoke test: not looked at" in result.stdout
    assert f"{NAME}: version {before['champion']} (" in result.stdout
    assert ") stays the champion." in result.stdout
    assert aliases(clone) == before
    (run, *_) = clone.stage_runs("run")
    assert run.data.tags["gate"] == "failed"
    assert run.data.tags["gate_reason"].startswith("champion: Worse than the champion beyond chance: -")


def test_there_is_nothing_to_roll_back_to_yet(clone: Clone):
    result = clone.call("python", "-m", "pipelines.rollback")
    assert result.returncode == 1
    champion = aliases(clone)["champion"]
    assert result.stderr == f"error: nothing to roll back: {NAME} had no champion before version {champion}\n"


def test_a_better_one_is_promoted_by_its_run(clone: Clone):
    former = aliases(clone)["champion"]
    result = clone.run("--train.epochs", "10")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "✓ champion: Better than the champion beyond chance: +" in result.stdout
    now = aliases(clone)
    assert now["previous"] == former
    assert now["champion"] > former
    (run, *_) = clone.stage_runs("run")
    assert run.data.tags["gate"] == "passed"


def test_a_rollback_swaps_the_two_and_mlflow_run_undoes_it(clone: Clone):
    before = aliases(clone)
    result = clone.call("python", "-m", "pipelines.rollback")
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{NAME}: version {before['previous']} (" in result.stdout
    assert "the same command undoes it" in result.stdout
    assert aliases(clone) == {"champion": before["previous"], "previous": before["champion"]}
    assert result.stdout.split(";")[0] in (clone.folder / "results/champion.html").read_text("utf-8")
    refused = clone.call("python", "-m", "pipelines.promote")
    assert refused.returncode == 1
    assert "✗ rollback: Rolled back on " in refused.stdout
    again = clone.call("mlflow", "run", ".", "-e", "rollback", "--env-manager", "local")
    assert again.returncode == 0, again.stdout + again.stderr
    assert aliases(clone) == before
    kept = clone.call("mlflow", "run", ".", "-e", "promote", "--env-manager", "local")
    assert kept.returncode == 0, kept.stdout + kept.stderr
    assert f"{NAME}: version {before['champion']} (" in kept.stdout
    assert ") is the champion already." in kept.stdout


def test_a_page_of_the_champion_does_not_outlive_the_report_it_is_made_of(clone: Clone):
    page = clone.folder / "results/champion.html"
    assert page.is_file()
    result = clone.run("--train.epochs", "1", "--registry.enabled", "false")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Report: results/report.html\n" in result.stdout
    assert not page.exists()
    # DVC restores the former report without running a stage.
    result = clone.run("--train.epochs", "10", "--registry.enabled", "true")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Report: results/champion.html\n" in result.stdout
    assert ") is the champion already." in result.stdout


def test_results_of_other_settings_are_not_promoted(clone: Clone):
    text = (clone.folder / "params.yaml").read_text("utf-8")
    (clone.folder / "params.yaml").write_text(text.replace("epochs: 10", "epochs: 11"), "utf-8")
    result = clone.call("python", "-m", "pipelines.promote")
    (clone.folder / "params.yaml").write_text(text, "utf-8")
    assert result.returncode == 1
    assert result.stderr == (
        "error: results/ is not of the settings, data and code as they are now; make run brings it up to date\n"
    )


def test_a_store_that_does_not_answer_is_one_line(clone: Clone):
    for command in ("promote", "rollback"):
        result = clone.call("python", "-m", f"pipelines.{command}", MLFLOW_TRACKING_URI="http://127.0.0.1:9")
        assert result.returncode == 1
        assert result.stderr.splitlines()[-1].startswith("error: ")
        assert "does not answer" in result.stderr
        assert "Traceback" not in result.stderr
