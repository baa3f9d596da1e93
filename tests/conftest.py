"""Fixtures that several test files share. Nothing here imports a framework."""

import gc
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from hypothesis import settings
from hypothesis.internal.conjecture import providers
from own_store import mlflow_as_found, use_store
from shipped_experiment import shipped_params

from twintrain.errors import UserError
from twintrain.system.cpus import usable_cpus
from twintrain.tracking import open_store

ROOT = Path(__file__).resolve().parents[1]
# pytest takes the asserts of all tests apart, which takes seconds, and keeps what it has made of them where it may.
sys.dont_write_bytecode = False
# Hundreds of processes that tests start compile the project once, and not each of them anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Twelve thousand tests and what they import all stay: searching them for garbage again and again takes time.
gc.set_threshold(100_000)
# The same examples each time, so that a test fails for what was changed; `--hypothesis-profile=search` draws others.
settings.register_profile("same", derandomize=True)
settings.register_profile("search", derandomize=False)
settings.load_profile("same")
# Else constants of the modules that a process happens to have loaded are among the examples: others in each process.
providers._get_local_constants = lambda: providers._local_constants


def pytest_addoption(parser):
    parser.addoption("--save-pictures", action="store_true", help="run the tests that take the pictures of docs/ alone")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    # One more than processors: tests wait for an eighth of the time, for a server or what ends a process.
    return len(usable_cpus()) + 1


def pytest_collection_modifyitems(config, items):
    # Files side by side are started in this order: what runs whole commands for minutes is not left for the end.
    items.sort(key=lambda item: [not hasattr(item.module, name) for name in ("Clone", "start_worker", "run_worker")])
    if config.getoption("--save-pictures"):
        config.hook.pytest_deselected(items=[item for item in items if "save_picture" not in item.fixturenames])
        items[:] = [item for item in items if "save_picture" in item.fixturenames]


@pytest.fixture(autouse=True)
def _seeded():
    np.random.seed(0)


@pytest.fixture(autouse=True, scope="module")
def _own_mlflow():
    with mlflow_as_found():
        yield


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
    """A folder with the project's conf/ and shipped params.yaml, to work in and to change."""
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    (tmp_path / "params.yaml").write_text(shipped_params(), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def store_folder(tmp_path_factory):
    """A folder to work in, with a store of MLflow's for all tests of a file: to make one takes seconds."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        use_store(patch, f"sqlite:///{folder}/mlflow.db")
        open_store("Default")
        yield folder


@pytest.fixture(scope="session")
def shipped_data(tmp_path_factory):
    """The folder data/ as data.dvc pins it, pulled from the DVC remote if it is absent."""
    # Of the processes that test side by side, one pulls.
    with FileLock(tmp_path_factory.getbasetemp().parent / "data.lock"):
        if not (ROOT / "data").is_dir():
            pull = [sys.executable, "-m", "dvc", "pull", "--quiet", "data.dvc"]
            subprocess.run(pull, cwd=ROOT, env={**os.environ, "DO_NOT_TRACK": "true"}, check=True)
    return ROOT / "data"


@pytest.fixture(scope="module")
def services():
    """The servers of a team's store, for all tests of a file: to start them takes half a minute."""
    import team_services

    if lacking := team_services.missing():
        pytest.skip(lacking)
    with team_services.team_services() as started:
        yield started


@pytest.fixture(scope="module")
def browser():
    """The installed Chromium."""
    pages = pytest.importorskip("browser_pages", reason="playwright is not installed", exc_type=ImportError)
    if pages.CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    with pages.chromium() as opened:
        yield opened


@pytest.fixture
def open_page(browser):
    """Opens an address in a window of its own: `open_page(address, size=PHONE, dark=True)` gives an `Opened`."""
    from browser_pages import DESKTOP, Opened

    contexts = []

    def open_it(address, size=DESKTOP, dark=False):
        width, height = size
        scheme = "dark" if dark else "light"
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme))
        contexts[-1].set_default_timeout(120_000)  # ms; the tests share their machine
        opened = Opened(contexts[-1].new_page())
        opened.page.goto(address)
        return opened

    yield open_it
    for context in contexts:
        context.close()


@pytest.fixture
def save_picture(request, tmp_path):
    """Takes a picture of a page (or of one element of it), for docs/ where --save-pictures says so."""

    def save(page, name, **options):
        folder = ROOT / "docs" if request.config.getoption("--save-pictures") else tmp_path
        page.screenshot(path=folder / name, **options)
        return folder / name

    return save
