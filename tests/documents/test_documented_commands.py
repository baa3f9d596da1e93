"""Every command that the documents tell to type exists, with its options, names and values.

commands.yaml beside this file says which of them are run, where, and why the others are not.
"""

import re
from pathlib import Path

import documented_commands
import pytest
from documented_commands import DOCUMENTS, Documented, python_command
from project_clone import ROOT, Clone

from twintrain.errors import UserError
from twintrain.settings.yaml_files import read_yaml

WHERE = ROOT / "tests/documents/commands.yaml"
RULES = read_yaml(WHERE)
HERE = str(Path(__file__).relative_to(ROOT))
COMMANDS = documented_commands.documented_commands()


def beginnings():
    """How each group has what commands begin with."""
    return {start: (group, by) for group, rules in RULES.items() for by, starts in rules.items() for start in starts}


def rule_of(command):
    said = python_command(command.text) or re.sub(r"^([A-Z_]+=\S+ )+", "", command.text)
    return max((start for start in beginnings() if said.startswith(start)), key=len, default=None)


def typed_here():
    """Commands that this file runs; those of Python by way of make, as the documents have them."""
    exact = {start for start, (_, by) in beginnings().items() if by == HERE}
    return sorted({command.text for command in COMMANDS if (python_command(command.text) or command.text) in exact})


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_commands_exist_with_their_options_names_and_values(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    wrong = []
    for command in COMMANDS:
        if ROOT / command.document == path:
            try:
                documented_commands.check(command.text)
            except UserError as error:
                wrong.append(f"{command}: {error}")
    assert wrong == []


def test_every_command_is_run_or_the_list_says_why_not():
    missing = [str(command) for command in COMMANDS if not rule_of(command)]
    assert missing == [], f"add what these begin with to {WHERE.relative_to(ROOT)}"


def test_every_line_of_the_list_is_of_a_command_and_a_file():
    used = {rule_of(command) for command in COMMANDS}
    assert [start for start in beginnings() if start not in used] == []
    assert [by for group in ("typed", "run") for by in RULES[group] if not (ROOT / by).is_file()] == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("make rum", "no target 'rum'"),
        ('make run ARGS="--preset carr"', "unknown preset 'carr'"),
        ('make run ARGS="--train.epoch 3"', "train.epoch"),
        ('make run ARGS="--train.epochs many"', "train.epochs"),
        ("python -m pipelines.predict --inptu new.csv", "did you mean '--input'"),
        ("python -m pipelines.train tensorflow", "tensorflow"),
        ("mlflow run . -e trian", "no entry point 'trian'"),
        ("mlflow run . -P train.epochs=0", "train.epochs"),
        ("make fetch NAME=minst", "minst"),
        ("make family NAME=ovrfit", "ovrfit"),
        ("dvc repro trian@torch", "trian"),
        ("dvc exp run -S train.epoch=3", "train.epoch"),
        ("dvc metric show", "dvc does not take"),
        ("python -m twintrain diff torch.npz --htlm x.html", "unknown option"),
        ("python examples/port/in_torch.py", "no file"),
        ("python -m examples.curse", "no module"),
        ("for name in a b; do echo $name", "syntax error"),
    ],
)
def test_a_slip_in_a_document_is_found(text, message, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(UserError, match=re.escape(message)):
        documented_commands.check(text)


def test_commands_are_found_in_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(documented_commands, "ROOT", tmp_path)
    document = tmp_path / "page.md"
    document.write_text(
        "```\nmake run\n[…]\nA=1 make test  # both\n```\n\n```\nno command\nmake ui\n```\n\n"
        "```bash\n$ curl x \\\n    -d y\n```\n\n```python\nmake\n```\n",
        "utf-8",
    )
    assert list(documented_commands._commands_of(document)) == [
        Documented("page.md", 2, "make run"),
        Documented("page.md", 4, "A=1 make test"),
        Documented("page.md", 13, "curl x       -d y"),
    ]


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    return Clone(tmp_path_factory.mktemp("documents") / "clone")


@pytest.mark.slow
@pytest.mark.parametrize("text", typed_here())
def test_command_does_what_the_document_tells(clone, text):
    # Packages are there already, and not in a .venv of the clone.
    without_install = text.replace("make ", "make --old-file=.venv/bin/.installed ", 1)
    result = clone.call("bash", "-c", without_install)
    assert result.returncode == 0, result.stdout + result.stderr
