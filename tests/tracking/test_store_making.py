"""A store that is a file is made whole or not at all."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from twintrain.system.processes import worker_environment
from twintrain.tracking.store import open_client

MAKES = [sys.executable, "-c", "from twintrain.tracking.store import open_client; open_client()"]
HALF = 150_000  # bytes; of some 700,000


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_what_a_killed_process_has_left_of_a_store_is_not_taken_for_one():
    for name in ("mlflow.db-partial", "mlflow.db-partial-journal"):
        Path(name).write_bytes(b"half a store")
    assert open_client().get_experiment("0").name == "Default"
    assert sorted(path.name for path in Path().glob("mlflow.db*")) == ["mlflow.db", "mlflow.db.lock"]


@pytest.mark.slow
def test_a_process_that_is_killed_while_it_makes_a_store_leaves_none():
    process, part = subprocess.Popen(MAKES, env=worker_environment()), Path("mlflow.db-partial")
    while not part.exists() or part.stat().st_size < HALF:
        assert process.poll() is None
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert not Path("mlflow.db").exists()
    assert open_client().get_experiment("0").name == "Default"
