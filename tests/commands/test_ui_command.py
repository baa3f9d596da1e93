"""make ui: what it refuses, in one line, and that it serves."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.request

import pytest
from project_clone import ROOT, heard_signals

from twintrain.system.ports import free_port
from twintrain.tracking.store_address import check_there


def test_a_missing_store_is_refused_and_another_database_left_to_mlflow(error_of, tmp_path):
    database = tmp_path / "mlflow.db"
    assert error_of(check_there, f"sqlite:///{database}") == (
        f"{database} is missing, so there are no runs to show; the first one makes it: make run"
    )
    database.touch()
    check_there(f"sqlite:///{database}")
    check_there("postgresql://example.org/mlflow")


def call(folder, **environment):
    """Runs the command in a folder that passes for a project's."""
    (folder / "conf").mkdir(exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_TRACKING_")}
    environment = {**inherited, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-m", "pipelines.ui"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_errors_are_one_line(tmp_path):
    refused = call(tmp_path)
    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert line.startswith(f"error: {tmp_path}/mlflow.db is missing")
    assert [path.name for path in tmp_path.iterdir()] == ["conf"]


# The second one is where `make ui` itself serves.
@pytest.mark.parametrize("server", ["https://mlflow.example.org", "http://localhost:5000"])
def test_of_a_tracking_server_only_its_address_is_said(server, tmp_path):
    told = call(tmp_path, MLFLOW_TRACKING_URI=server)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout == f"MLFLOW_TRACKING_URI names a server, which has its own UI: {server}\n"


def test_of_a_server_with_users_it_says_who_to_log_in_as_and_no_password(tmp_path):
    login = {"MLFLOW_TRACKING_USERNAME": "ada", "MLFLOW_TRACKING_PASSWORD": "secret"}
    told = call(tmp_path, MLFLOW_TRACKING_URI="https://mlflow.example.org", **login)
    assert told.stdout.endswith(
        "https://mlflow.example.org; log in as ada, with the password in MLFLOW_TRACKING_PASSWORD\n"
    )


@pytest.mark.slow
def test_ui_serves_the_store_and_ends_with_ctrl_c(tmp_path):
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    client.create_experiment("shown")
    (tmp_path / "conf").mkdir()  # the command is for a project's folder
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": ""}
    command = [sys.executable, "-m", "pipelines.ui", "--port", str(port)]
    with heard_signals():
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    with process as served:
        try:
            found = ""
            end = time.monotonic() + 120
            while "shown" not in found and time.monotonic() < end:
                time.sleep(0.5)
                request = urllib.request.Request(
                    f"http://127.0.0.1:{port}/ajax-api/2.0/mlflow/experiments/search",
                    data=b'{"max_results": 10}',
                    headers={"Content-Type": "application/json"},
                )
                with contextlib.suppress(OSError):
                    found = urllib.request.urlopen(request, timeout=5).read().decode()
            assert '"name": "shown"' in found
        finally:
            served.send_signal(signal.SIGINT)
            served.wait(timeout=60)
