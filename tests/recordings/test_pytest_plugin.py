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

def test_another(twins):
    twins(torch_network, another_torch_network, x).assert_equal()

def test_same(twins):
    assert twins(torch_network, torch_network, [x]).verdict == "same"

def test_broken(twins):
    twins(torch_network, broken_network, x)

def test_lambda(twins):
    twins(lambda: None, torch_network, x)
"""
PORT = """
import numpy as np
from built_networks import *

x = np.random.default_rng(0).normal(size=(3, 3, 6, 6))

def test_port(twins):
    twins(torch_network, keras_network, x).assert_equal()
"""


@pytest.fixture
def run(tmp_path):
    """Runs tests in a folder of their own; pages go to its folder `pages`."""

    def run(*tests):
        (tmp_path / "test_suite.py").write_text(SUITE)
        (tmp_path / "test_port.py").write_text(PORT)
        (tmp_path / "built_networks.py").write_text(Path(__file__).with_name("built_networks.py").read_text())
        plugin = ("-p", "twintrain.recordings.building.pytest_plugin", "-p", "no:cacheprovider", "--rootdir", tmp_path)
        command = [sys.executable, "-m", "pytest", "-q", *plugin, "--twins-html", tmp_path / "pages", *tests]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "TF_CPP_MIN_LOG_LEVEL": "3"}
        ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        return ended.stdout, {path.name for path in (tmp_path / "pages").glob("*.html")}

    return run


@pytest.mark.slow
def test_fixture_compares_what_two_functions_build(run):
    said, pages = run("test_suite.py")
    assert "3 failed, 1 passed" in said, said
    assert "they part first in 1 (relu)" in said
    assert "broken_network: RuntimeError: no such checkpoint" in said
    assert "<lambda> cannot be run in another process; expected a function at the top of a module" in said
    assert "Traceback" not in said
    assert "During handling" not in said
    assert pages == {f"test_suite.py_test_{name}.html" for name in ("another", "same")}


@pytest.mark.slow
def test_fixture_gives_each_framework_a_process_and_the_weights_of_the_first(run):
    said, pages = run("test_port.py::test_port")
    assert "1 passed" in said, said
    assert pages == {"test_port.py_test_port.html"}
