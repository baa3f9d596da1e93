"""The wheel in an environment with NumPy and SciPy alone, as for `record`, `diff` and `compare`."""

import importlib
import os
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from made_recordings import image_network

ROOT = Path(__file__).parents[2]
PACKAGES = ("numpy", "scipy")
# Of the package, what the three may import; of settings the titles of the frameworks alone, of system the language.
LIGHT = {"__main__", "errors", "evaluation", "recordings", "settings", "system"}


def run(*command, cwd, env=None, status=0):
    found = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert found.returncode == status, found.stderr
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    files = run("git", "ls-files", "src", "pyproject.toml", "README.md", "LICENSE", cwd=ROOT).stdout.split()
    for file in files:
        (source / file).parent.mkdir(parents=True, exist_ok=True)
        (source / file).write_bytes((ROOT / file).read_bytes())
    build = ("pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", made, source)
    run(sys.executable, "-m", *build, cwd=source)
    (found,) = made.glob("twintrain-*-py3-none-any.whl")
    return found


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """The interpreter of a fresh environment, into which the packages are linked as they are installed here."""
    folder = tmp_path_factory.mktemp("fresh") / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=ROOT)
    (site,) = folder.glob("lib/python*/site-packages")
    for name in PACKAGES:
        home = Path(importlib.import_module(name).__file__).parents[1]
        linked = (name, f"{name}.libs", f"{name}-{metadata.version(name)}.dist-info")
        for entry in (home / each for each in linked if (home / each).exists()):
            (site / entry.name).symlink_to(entry)
    install = ("pip", "--python", folder / "bin/python", "install", "--quiet", "--no-index", wheel)
    run(sys.executable, "-m", *install, cwd=ROOT)  # fails where a dependency is not met
    return folder / "bin/python"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    image_network("torch").save(folder / "torch.npz")
    image_network("keras", {"bn2": {"options": {"epsilon": 1e-2}}}).save(folder / "keras.npz")
    labels = np.arange(300) % 2
    np.savez(folder / "a.npz", labels=labels, predictions=labels)
    np.savez(folder / "b.npz", labels=labels, predictions=labels * (np.arange(300) % 3 > 0))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("diff", "torch.npz", "keras.npz"), "they part first in bn2 (batch_norm)"),
        (("compare", "a.npz", "b.npz"), "a is 16.67 points more accurate"),
    ],
)
def test_commands_need_numpy_and_scipy_alone(python, files, arguments, said):
    listed = {"PYTHONPROFILEIMPORTTIME": "1", "PATH": os.environ["PATH"]}
    found = run(python.with_name("twintrain"), *arguments, cwd=files, env=listed, status=1)
    assert said in found.stdout
    imported = {line.rpartition("|")[2].strip() for line in found.stderr.splitlines()}
    assert "numpy" in imported
    assert {name.split(".")[1] for name in imported if name.startswith("twintrain.")} <= LIGHT
    light = {name for name in imported if name.startswith(("twintrain.settings.", "twintrain.system."))}
    assert light <= {"twintrain.settings.frameworks", "twintrain.system.language"}


@pytest.mark.slow
def test_library_says_what_else_a_name_needs(python, files):
    code = """
import twintrain
assert twintrain.diff("torch.npz", "torch.npz").passed
assert twintrain.compare_predictions([0, 1, 1], [0, 1, 1], [0, 1, 0]).better is None
assert twintrain.record and twintrain.__version__
try:
    twintrain.load_params
except ModuleNotFoundError as error:
    print(error)
"""
    found = run(python, "-c", code, cwd=files)
    assert "needs pydantic, which is not installed; type: pip install 'twintrain[pipeline]'" in found.stdout
    assert "the following arguments are required" in run(python, "-m", "twintrain", cwd=files, status=2).stderr


@pytest.mark.slow
def test_wheel_has_all_that_the_package_has_and_the_command(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (entry_points,) = [name for name in names if name.endswith("entry_points.txt")]
        said = archive.read(entry_points).decode()
    for entry in ("__main__:main", "recordings.building.pytest_plugin", "evaluation.mlflow_evaluator:PairedEvaluator"):
        assert f"twintrain = twintrain.{entry}" in said
    tracked = run("git", "ls-files", "src", cwd=ROOT).stdout.split()
    assert {name.removeprefix("src/") for name in tracked} <= set(names)
