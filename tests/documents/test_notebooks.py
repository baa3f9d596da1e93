"""The notebooks of examples/notebooks/: kept without outputs, and each runs from its first cell to its last."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from project_clone import BIN, INHERITED, ROOT, Clone

FOLDER = Path("examples/notebooks")
NAMES = ("course_mistakes", "first_run", "is_my_port_right")
# A cell has ten minutes: the tests share their machine. Alone, a whole notebook takes two.
LIMIT_SECONDS = 600


def read(path):
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    return notebook


def left_by_running(notebook):
    """Ids of code cells that have an output or a count, or what an editor keeps of them."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [cell.id for cell in code if cell.outputs or cell.execution_count is not None or cell.metadata]


def test_all_notebooks_are_tested():
    assert sorted(path.stem for path in (ROOT / FOLDER).glob("*.ipynb")) == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_notebook_is_kept_without_outputs(name):
    notebook = read(ROOT / FOLDER / f"{name}.ipynb")
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert left_by_running(notebook) == []


def test_an_output_is_seen():
    notebook = read(ROOT / FOLDER / "first_run.ipynb")
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    cell.execution_count = 1
    assert left_by_running(notebook) == [cell.id]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_notebook_runs_in_a_fresh_clone(name, tmp_path, monkeypatch):
    clone = Clone(tmp_path / "clone")
    # The kernel has this process's environment; its shell cells and workers have it from there.
    for inherited in INHERITED:
        monkeypatch.delenv(inherited, raising=False)
    monkeypatch.setenv("PATH", str(BIN), prepend=":")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = read(clone.folder / FOLDER / f"{name}.ipynb")
    client = NotebookClient(
        notebook,
        timeout=LIMIT_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(clone.folder / FOLDER)}},
    )
    try:
        client.execute()
    except CellExecutionError as error:
        pytest.fail(str(error))
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    # A shell cell that fails does not stop the notebook.
    printed = "".join(output.get("text", "") for cell in code for output in cell.outputs)
    assert "Traceback" not in printed
    assert "error:" not in printed
