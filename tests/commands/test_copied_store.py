"""A laptop's store on the team's server, by real servers: all as it was, and again after all was lost and restored.

The lines of docs/team.md for backup and restore are run as they stand there.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient
from own_store import use_store
from project_clone import INHERITED, ROOT, Clone
from store_fields import fields, places
from store_snapshot import difference

from twintrain.errors import UserError
from twintrain.tracking.services.servers import servers
from twintrain.tracking.services.site import FOLDER, Site
from twintrain.tracking.store_copy.team_store import SERVED

NAME = "doubling"
MODEL = ROOT / "tests/tracking/doubling_model.py"
ROWS = np.arange(6.0).reshape(3, 2)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clone():
    """A clone whose services run on free ports, until all tests are done."""
    with tempfile.TemporaryDirectory(prefix="team-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL is not run by root
        try:
            for server in servers(Site(Path(folder) / FOLDER, {})):
                server.check()
        except UserError as error:
            pytest.skip(str(error))
        found = Clone(Path(folder) / "clone")
        try:
            said(found, "python", "-m", "pipelines.services")
            yield found
        finally:
            found.call("python", "-m", "pipelines.services", "--stop")


@pytest.fixture(scope="module")
def local(clone):
    """What the laptop's store says; it has a model whose champion is its second version."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(clone.folder)
        address = f"sqlite:///{clone.folder}/mlflow.db"
        use_store(patch, address)
        mlflow.set_tracking_uri(address)
        client = MlflowClient(address)
        number = client.create_experiment("laptop", artifact_location=str(clone.folder / "mlruns/1"))
        client.create_registered_model(NAME)
        for seed in (0, 1):
            with mlflow.start_run(experiment_id=number, run_name="train") as run:
                mlflow.log_params({"seed": seed})
                for step, loss in enumerate((0.5, float("nan"), float("inf"), 1e-300)):
                    mlflow.log_metric("loss", loss, step)
                mlflow.log_input(mlflow.data.from_numpy(ROWS, name="rows"), "train")
                mlflow.log_text("λ\n", "notes/λ.txt")
                model = mlflow.pyfunc.log_model(name="model", python_model=str(MODEL), input_example=ROWS)
            client.create_model_version(NAME, f"models:/{model.model_id}", run.info.run_id, model_id=model.model_id)
        client.set_registered_model_alias(NAME, "champion", "2")
        return {**fields(client), "answers": answers()}


def answers():
    return mlflow.pyfunc.load_model(f"models:/{NAME}@champion").predict(ROWS).tolist()


def said(clone, *command):
    done = clone.call(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def on_server(clone):
    """What the server says, and what its champion answers."""
    variables = Site.of(clone.folder / FOLDER).client_variables()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        address = variables["MLFLOW_TRACKING_URI"]
        mlflow.set_tracking_uri(address)
        client = MlflowClient(address)
        assert {place.partition("/")[0] for place in places(client)} == {SERVED.rstrip("/")}
        return {**fields(client), "answers": answers()}


def lines_of(heading):
    """The block of commands below a heading of docs/team.md, for a shell that has no `make` of a fresh environment."""
    text = (ROOT / "docs/team.md").read_text("utf-8")
    block = re.search(rf"^## {heading}$.*?^```\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[1]
    return block.replace("make services", "python -m pipelines.services")


def shell(clone, lines):
    """Runs lines one after another, until one fails."""
    environment = {name: value for name, value in os.environ.items() if name not in INHERITED}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", lines], cwd=clone.folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_is_on_the_server_as_it_was(clone, local):
    assert said(clone, "python", "-m", "pipelines.copy_store") == (
        "2 runs and 2 logged models have come along\ndoubling: versions 1, 2; with its aliases\n"
    )
    assert difference(local, on_server(clone)) == []
    assert local["answers"] == (2 * ROWS).tolist()


def test_a_second_time_changes_nothing(clone, local):
    assert said(clone, "python", "-m", "pipelines.copy_store").startswith("0 runs and 0 logged models have come along")
    assert difference(local, on_server(clone)) == []


def test_a_bucket_that_is_not_there_is_one_line_and_leaves_nothing(clone, local):
    site = Site.of(clone.folder / FOLDER)
    options = ["--database", site.database("mlflow"), "--artifacts", "s3://nowhere"]
    variables = {**site.database_variables(), **site.s3_variables()}
    refused = clone.call("python", "-m", "pipelines.copy_store", *options, **variables)
    (line,) = refused.stderr.splitlines()
    assert re.match(
        r"error: --artifacts s3://nowhere: .*NoSuchBucket.*; expected a bucket that AWS_ENDPOINT_URL, ", line
    )
    wrong = {**variables, "AWS_SECRET_ACCESS_KEY": "another"}
    (line,) = clone.call("python", "-m", "pipelines.copy_store", *options, **wrong).stderr.splitlines()
    assert line.startswith("error: --artifacts s3://nowhere: ")
    wrong = {**variables, "PGPASSFILE": "nowhere"}
    (line,) = clone.call("python", "-m", "pipelines.copy_store", *options, **wrong).stderr.splitlines()
    assert re.match(r"error: --database postgresql\+psycopg://…@127.0.0.1:\d+/mlflow: .*password", line)
    assert difference(local, on_server(clone)) == []


def test_what_was_lost_comes_back_by_the_lines_of_the_document(clone, local):
    shell(clone, f". build/services/client.env\n{lines_of('Backup')}")
    said(clone, "python", "-m", "pipelines.services", "--stop")
    shutil.rmtree(clone.folder / FOLDER)
    shell(clone, lines_of("Restore"))
    assert difference(local, on_server(clone)) == []
