"""A stage runs with the parameters that its command has written, or not at all."""

import sys
from pathlib import Path

import pytest

from pipelines import run as run_module
from twintrain.command_line import fixed_params
from twintrain.command_line.dvc_command import run_dvc
from twintrain.command_line.fixed_params import unchanged_params
from twintrain.errors import UserError

CHANGED = (
    "{} was changed since this command has begun; this stage belongs to what it was before and stops here; type the "
    "same command again"
)
PARAMS = CHANGED.format("params.yaml")
FILES = ("params.yaml", "twins/mine.py", "conf/datasets/car.yaml")


@pytest.fixture
def params(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(fixed_params.WRITTEN, raising=False)
    for name in FILES:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("model: twins/mine.py\ndataset: car\nseed: 1\n")
    return Path("params.yaml")


def run(change=lambda: None) -> list[int]:
    ran = []
    with unchanged_params():
        ran.append(1)
        change()
    return ran


def test_stage_of_unchanged_parameters_runs(params, monkeypatch):
    monkeypatch.setenv(*next(iter(fixed_params.as_written().items())))
    assert run() == [1]


def test_parameters_that_were_changed_before_the_stage_are_refused(params, monkeypatch):
    monkeypatch.setenv(*next(iter(fixed_params.as_written().items())))
    params.write_text("seed: 2\n")
    ran = []
    with pytest.raises(UserError) as error, unchanged_params():
        ran.append(1)
    assert (str(error.value), ran) == (PARAMS, [])
    params.unlink()
    with pytest.raises(UserError), unchanged_params():
        pass


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("change", [lambda path: path.write_text("units: 41"), Path.unlink], ids=["edited", "removed"])
@pytest.mark.usefixtures("params")
def test_file_that_is_changed_during_a_stage_or_between_two_is_refused(name, change, monkeypatch):
    monkeypatch.setenv(*next(iter(fixed_params.as_written().items())))
    assert run() == [1]
    with pytest.raises(UserError) as during:
        run(lambda: change(Path(name)))
    ran = []
    with pytest.raises(UserError) as between, unchanged_params():
        ran.append(1)
    assert (str(during.value), str(between.value), ran) == (CHANGED.format(name), CHANGED.format(name), [])


@pytest.mark.parametrize("name", FILES)
@pytest.mark.usefixtures("params")
def test_file_that_is_changed_during_a_stage_by_hand_is_refused(name):
    with pytest.raises(UserError) as error:
        run(lambda: Path(name).write_text("units: 41"))
    assert str(error.value) == CHANGED.format(name)


def test_model_by_its_name_is_that_of_conf(params):
    params.write_text("model: mine\ndataset: car\n")
    Path("conf/models").mkdir()
    Path("conf/models/mine.yaml").touch()
    with pytest.raises(UserError) as error:
        run(Path("conf/models/mine.yaml").unlink)
    assert str(error.value) == CHANGED.format("conf/models/mine.yaml")


@pytest.mark.parametrize("text", ["model: 3\ndataset: [car]\n", "model: gone.py\ndataset: gone\n", "a: [", "- 1", None])
def test_what_is_wrong_with_the_parameters_a_stage_says_itself(text, params):
    params.unlink() if text is None else params.write_text(text)
    assert run() == [1]


def test_parameters_that_are_changed_during_the_stage_are_refused(params):
    """Without a command, too: DVC would note the new ones as those of the outputs."""
    with pytest.raises(UserError) as error:
        run(lambda: params.write_text("seed: 2\n"))
    assert str(error.value) == PARAMS


STAGE = """
from pathlib import Path
from twintrain.command_line.commands import run_stage

def stage():
    Path("made").touch()
    if Path("editor").exists():
        Path(Path("editor").read_text()).write_text("seed: 3")

run_stage(stage)
"""


@pytest.mark.parametrize("changed", FILES)
@pytest.mark.usefixtures("params")
def test_dvc_notes_no_stage_of_which_a_file_was_edited_while_it_ran(changed, monkeypatch):
    files = {
        ".dvc/config": "[core]\n    no_scm = true\n    analytics = false\n",
        "dvc.yaml": "stages: {one: {cmd: python stage.py, params: [seed], deps: [twins/mine.py], outs: [made]}}\n",
        "stage.py": STAGE,
        "editor": changed,
    }
    for name, text in files.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(Path(fixed_params.__file__).parents[2]))
    status = run_dvc("repro", environment=fixed_params.as_written())
    assert (status, status.reason) == (255, CHANGED.format(changed))
    assert not Path("dvc.lock").exists()
    Path("editor").unlink()
    assert run_dvc("repro", environment=fixed_params.as_written()) == 0
    assert f"seed: {3 if changed == 'params.yaml' else 1}" in Path("dvc.lock").read_text()


def test_stage_by_hand_runs_with_what_is_there(params):
    params.write_text("seed: 2\n")
    assert run() == [1]


def test_error_of_the_stage_goes_before(params):
    with pytest.raises(ZeroDivisionError):
        run(lambda: (params.write_text("seed: 2\n"), 1 / 0))


@pytest.mark.parametrize("isolated", ["true", "false"])
def test_edit_while_the_data_is_fetched_is_not_taken_back(isolated, project, monkeypatch, error_of):
    params = Path("params.yaml")
    mine = params.read_text().replace("epochs: ", "epochs: 1")
    monkeypatch.setattr(run_module, "get_data", lambda _: params.write_text(mine))
    monkeypatch.setattr(sys, "argv", ["run", "--isolated", isolated, "--train.seed", "3"])
    assert error_of(run_module.run) == (
        "params.yaml was changed since this command has read it, and is left as it is now; type the same command again"
    )
    assert params.read_text() == mine
