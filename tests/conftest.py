"""Fixtures that several test files share. Nothing here imports a framework."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from twintrain.errors import UserError

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def _seeded():
    np.random.seed(0)


@pytest.fixture
def error_of():
    """Calls a function that must raise a UserError, and returns the whole message."""

    def call(function, *args, **kwargs):
        with pytest.raises(UserError) as raised:
            function(*args, **kwargs)
        return str(raised.value)

    return call


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with the project's conf/ and params.yaml, to work in and to change."""
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def shipped_data():
    """The folder data/ as data.dvc pins it, pulled from the DVC remote if it is absent."""
    if not (ROOT / "data").is_dir():
        pull = [sys.executable, "-m", "dvc", "pull", "--quiet", "data.dvc"]
        subprocess.run(pull, cwd=ROOT, env={**os.environ, "DO_NOT_TRACK": "true"}, check=True)
    return ROOT / "data"
