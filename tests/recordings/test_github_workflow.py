"""The workflow for GitHub in docs/is-my-port-right.md: its commands are ours, and pass in a repository with a port."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/is-my-port-right.md").read_text(encoding="utf-8")
SUITE = """
import numpy as np
from built_networks import keras_network, torch_network

def test_port(twins):
    twins(torch_network, keras_network, np.random.default_rng(0).normal(size=(3, 3, 6, 6))).assert_equal()
"""


@pytest.fixture(scope="module")
def workflow():
    (found,) = re.findall(r"^```yaml\n(on: .*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return yaml.load(found, yaml.BaseLoader)  # YAML 1.1 would take `on` for true


@pytest.fixture(scope="module")
def commands(workflow):
    return [shlex.split(step["run"]) for step in workflow["jobs"]["port"]["steps"] if "run" in step]


def test_each_step_is_an_action_of_a_version_or_a_command(workflow):
    assert (workflow["on"], list(workflow["jobs"])) == (["push"], ["port"])
    for step in workflow["jobs"]["port"]["steps"]:
        assert len({"uses", "run"} & step.keys()) == 1
        assert set(step) <= {"uses", "run", "with", "if"}
        assert re.fullmatch(r"actions/[a-z-]+@v\d+", step.get("uses", "actions/none@v1"))


def test_what_is_installed_has_the_extras_and_takes_the_python_that_are_named(workflow, commands):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    install, _ = commands
    assert install[:3] == ["pip", "install", "pytest"]
    name, extras = re.fullmatch(r"(\w+)\[(.*)\] @ git\+https://\S+", install[3]).groups()
    assert name == project["name"]
    assert set(extras.split(",")) <= set(project["optional-dependencies"])
    (python,) = [step["with"]["python-version"] for step in workflow["jobs"]["port"]["steps"] if "setup" in str(step)]
    assert f">={python}" == project["requires-python"]


def test_the_pages_that_are_kept_are_those_that_the_tests_write(workflow, commands):
    last = workflow["jobs"]["port"]["steps"][-1]
    assert commands[1] == ["pytest", "--twins-html", last["with"]["path"]]
    assert last["if"] == "always()"  # the page is wanted most where the test has failed


@pytest.mark.slow
def test_the_tests_run_in_a_repository_with_a_port(commands, tmp_path):
    (tmp_path / "test_port.py").write_text(SUITE)
    (tmp_path / "built_networks.py").write_text(Path(__file__).with_name("built_networks.py").read_text())
    plugin = "-p twintrain.recordings.building.pytest_plugin -p no:cacheprovider --rootdir ."  # as if installed
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTEST_ADDOPTS": plugin}
    command = [sys.executable, "-m", *commands[1]]
    found = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    assert [path.name for path in (tmp_path / commands[1][-1]).iterdir()] == ["test_port.py_test_port.html"]
