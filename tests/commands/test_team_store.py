"""Two clones that share the real servers of a team's store. The tests build on each other, in order."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from project_clone import INHERITED
from store_snapshot import snapshot, unfinished
from team_pipelines import Member
from team_services import Services

from twintrain.data.raw_rows import raw_rows
from twintrain.system.ports import free_port

NAME = "mnist5k-small_mlp"
# The smallest network of images, and so easy a baseline that a short training beats it, and a longer one beats that.
# The time is that of a busy machine.
PRESET = ("--preset", "mnist5k", "--model", "small_mlp")
SETTINGS = (*PRESET, "--baseline.name", "majority", "--baseline.others", "[]", "--train.threads", "1")
SETTINGS += ("--tracking.budget_seconds", "600")
SERVE_SECONDS = 180

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def client(services: Services) -> Iterator[mlflow.MlflowClient]:
    with pytest.MonkeyPatch.context() as patch:
        for name in INHERITED:
            patch.delenv(name, raising=False)
        for name, value in services.variables.items():
            patch.setenv(name, value)
        yield mlflow.MlflowClient(services.variables["MLFLOW_TRACKING_URI"])


@pytest.fixture(scope="module")
def first(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Member:
    """A clone that has run the whole pipeline, verified."""
    clone = Member.of(tmp_path_factory.mktemp("first") / "clone", services, verified=True)
    result = clone.run(*SETTINGS, "--train.epochs", "2")
    assert result.returncode == 0, result.stdout + result.stderr
    assert not {"warning:", "note:", "Traceback"} & set(result.stderr.split()), result.stderr
    assert "✓ twins: Verified twins" in result.stdout
    assert ") is the champion now." in result.stdout
    return clone


@pytest.fixture(scope="module")
def second(first: Member, services: Services, tmp_path_factory: pytest.TempPathFactory) -> Member:
    return Member.of(tmp_path_factory.mktemp("second") / "clone", services, verified=True)


def aliases(client: mlflow.MlflowClient) -> dict[str, int]:
    return {name: int(version) for name, version in client.get_registered_model(NAME).aliases.items()}


def test_a_run_arrives_whole(first: Member, services: Services):
    store = snapshot(services.database, services.artifacts)
    stages = {run["tags"]["stage"] for run in store["runs"].values()}
    assert stages >= {"run", "ingest", "preprocess", "split", "verify", "train", "baseline", "evaluate", "compare"}
    assert {run["status"] for run in store["runs"].values()} == {"FINISHED"}
    assert not any("incomplete" in run["tags"] for run in store["runs"].values())
    assert unfinished(store) == []
    assert first.journals() == []
    assert not (first.folder / "mlflow.db").exists()


def test_data_come_from_the_bucket(first: Member, second: Member):
    for clone in (first, second):
        added = clone.call("dvc", "remote", "add", "--local", "--default", "team", "s3://dvc")
        assert added.returncode == 0, added.stdout + added.stderr
    pushed = first.call("dvc", "push", "data.dvc")
    assert pushed.returncode == 0, pushed.stdout + pushed.stderr
    refused = second.run(*PRESET, "--target", "split", AWS_SECRET_ACCESS_KEY="wr0ng")
    line = refused.stderr.splitlines()[-1]
    assert line.startswith("error: the data could not be pulled: failed to connect to s3 (dvc/files/md5) - Forbidden")
    assert line.endswith("of S3 AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY")
    assert "wr0ng" not in refused.stdout + refused.stderr
    assert not (second.folder / "data").exists()
    pulled = second.call("dvc", "pull", "data.dvc")
    assert pulled.returncode == 0, pulled.stdout + pulled.stderr
    names = sorted(str(path.relative_to(first.folder)) for path in (first.folder / "data").rglob("*.gz"))
    assert names
    assert all((first.folder / name).read_bytes() == (second.folder / name).read_bytes() for name in names)


def test_the_second_clone_answers_with_the_champion_of_the_first(first: Member, second: Member, tmp_path: Path):
    with np.load(first.folder / "build/evaluate/torch/predictions.npz") as stored:
        np.save(tmp_path / "rows.npy", raw_rows(first.folder / "build/ingested", stored["index"][:20]))
    answers = []
    for clone in (first, second):
        file = tmp_path / f"{clone.folder.parent.name}.csv"
        model = ("--model", f"models:/{NAME}@champion")
        files = ("--input", str(tmp_path / "rows.npy"), "--output", str(file))
        result = clone.call("python", "-m", "pipelines.predict", *files, *model)
        assert result.returncode == 0, result.stdout + result.stderr
        answers.append(pd.read_csv(file))
    assert len(answers[0]) == 20
    pd.testing.assert_frame_equal(*answers)


def test_a_better_one_of_the_second_clone_is_promoted(first: Member, second: Member, client):
    former = aliases(client)["champion"]
    # What comes before the trainings is the same.
    shutil.copytree(first.folder / ".dvc/cache", second.folder / ".dvc/cache", dirs_exist_ok=True)
    result = second.run(*SETTINGS, "--train.epochs", "10")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "✓ champion: Better than the champion beyond chance: +" in result.stdout, result.stdout + result.stderr
    now = aliases(client)
    assert now["previous"] == former
    assert now["champion"] > former
    assert second.journals() == []


def test_the_first_clone_serves_the_champion_of_the_second(first: Member, client, tmp_path: Path):
    port, said = free_port(), tmp_path / "said.txt"
    with said.open("w") as output:
        process = first.start("python", "-u", "-m", "pipelines.serve", "--port", str(port), said=output)
        try:
            until = time.monotonic() + SERVE_SECONDS
            while not (curl := re.search("^curl .*", said.read_text(), re.MULTILINE)):
                assert process.poll() is None, said.read_text()
                assert time.monotonic() < until
                time.sleep(0.5)
            assert f"models:/{NAME}/{aliases(client)['champion']}" in said.read_text()
            answer = first.call("bash", "-c", f"{curl[0]} --silent --fail-with-body")
            assert len(json.loads(answer.stdout)["predictions"]) == 1
        finally:
            process.terminate()
            process.wait(60)


def test_the_first_clone_rolls_back_and_promotes(first: Member, second: Member, client):
    before = aliases(client)
    result = first.call("python", "-m", "pipelines.rollback")
    assert result.returncode == 0, result.stdout + result.stderr
    assert aliases(client) == {"champion": before["previous"], "previous": before["champion"]}
    kept = first.call("python", "-m", "pipelines.promote")
    assert (kept.returncode, ") is the champion already." in kept.stdout) == (0, True), kept.stdout + kept.stderr
    refused = second.call("python", "-m", "pipelines.promote")
    assert refused.returncode == 1
    assert "✗ rollback: Rolled back on " in refused.stdout


def test_no_password_is_in_what_commands_have_left(first: Member, second: Member, services: Services):
    site = services.site
    secrets = (site.database_password, site.secret_key, site.admin_password)
    places = [clone.folder / name for clone in (first, second) for name in ("build", "results", ".dvc", "params.yaml")]
    pattern = "|".join(secrets)
    folders = [*map(str, places), str(services.artifacts)]
    found = subprocess.run(["grep", "-rlE", pattern, *folders], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (1, "")
    assert not any(secret in json.dumps(snapshot(services.database, services.artifacts)) for secret in secrets)
