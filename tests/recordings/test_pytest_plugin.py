"""The fixture `twins`, in tests that pytest runs in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SUITE = """
import numpy as np
from built_networks import *

x = np.random.default_rng(0).normal(size=(3, 3, 6, 6))

def test_port(twins):
    twins(torch_network, keras_network, x).assert_equal()

def test_another(twins):
    twins(torch_network, another_torch_network, [x]).assert_equal()

def test_broken(twins):
    twins(broken_network, torch_network, x)

def test_lambda(twins):
    twins(lambda: None, torch_network, x)
"""


@pytest.mark.slow
def test_fixture_compares_what_two_functions_build_each_in_a_process_of_its_own(tmp_path):
    (tmp_path / "test_suite.py").write_text(SUITE)
    (tmp_path / "built_networks.py").write_text(Path(__file__).with_name("built_networks.py").read_text())
    plugin = ("-p", "twintrain.recordings.building.pytest_plugin", "-p", "no:cacheprovider", "--rootdir", tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", *plugin, "--twins-html", tmp_path / "pages"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "TF_CPP_MIN_LOG_LEVEL": "3"}
    said = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False).stdout
    assert "3 failed, 1 passed" in said, said
    assert "they part first in 1 (relu)" in said
    assert "broken_network: RuntimeError: no such checkpoint" in said
    assert "<lambda> cannot be run in another process; expected a function at the top of a module" in said
    assert "Traceback" not in said
    assert "During handling" not in said
    pages = {path.name for path in (tmp_path / "pages").iterdir()}
    assert pages == {f"test_suite.py_test_{name}.html" for name in ("port", "another")}
