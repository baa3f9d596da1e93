"""A stage runs with the parameters that its command has written, or not at all."""

from pathlib import Path

import pytest

from twintrain import fixed_params
from twintrain.dvc_command import run_dvc
from twintrain.errors import UserError
from twintrain.fixed_params import unchanged_params

CHANGED = (
    "params.yaml was changed by somebody else since this command has begun; this stage belongs to the parameters "
    "before and stops here; type the command again"
)


@pytest.fixture
def params(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(fixed_params.WRITTEN, raising=False)
    path = Path("params.yaml")
    path.write_text("seed: 1\n")
    return path


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
    assert (str(error.value), ran) == (CHANGED, [])
    params.unlink()
    with pytest.raises(UserError), unchanged_params():
        pass


def test_parameters_that_are_changed_during_the_stage_are_refused(params):
    """Without a command, too: DVC would note the new ones as those of the outputs."""
    with pytest.raises(UserError) as error:
        run(lambda: params.write_text("seed: 2\n"))
    assert str(error.value) == CHANGED


STAGE = """
from pathlib import Path
from twintrain.commands import run_stage

def stage():
    Path("made").touch()
    if Path("editor").exists():
        Path("params.yaml").write_text("seed: 3")

run_stage(stage)
"""


def test_dvc_notes_no_stage_whose_parameters_were_edited_while_it_ran(params, monkeypatch):
    files = {
        ".dvc/config": "[core]\n    no_scm = true\n    analytics = false\n",
        "dvc.yaml": "stages:\n  one:\n    cmd: python stage.py\n    params: [seed]\n    outs: [made]\n",
        "stage.py": STAGE,
        "editor": "",
        "conf/x": "",
    }
    for name, text in files.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(Path(fixed_params.__file__).parents[1]))
    status = run_dvc("repro", environment=fixed_params.as_written())
    assert (status, status.reason) == (255, CHANGED)
    assert not Path("dvc.lock").exists()
    Path("editor").unlink()
    assert run_dvc("repro", environment=fixed_params.as_written()) == 0
    assert "seed: 3" in Path("dvc.lock").read_text()


def test_stage_by_hand_runs_with_what_is_there(params):
    params.write_text("seed: 2\n")
    assert run() == [1]


def test_error_of_the_stage_goes_before(params):
    with pytest.raises(ZeroDivisionError):
        run(lambda: (params.write_text("seed: 2\n"), 1 / 0))
