"""The commands that documents tell to type: found in their blocks of code, and checked without being run."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import NamedTuple

from twintrain.command_line.experiment import check_experiment
from twintrain.command_line.stage_arguments import check_no_arguments, framework_of
from twintrain.errors import UserError
from twintrain.settings.overrides import parse_overrides
from twintrain.settings.presets import changed_params
from twintrain.settings.yaml_files import read_yaml
from twintrain.system import project
from website.documents import FENCE
from website.parsers import command_names, command_parser, library_parsers

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
# A block of code without a language is one of commands if it begins with one of these; its other lines are output.
PROGRAMS = (
    *("make", "python", "pip", "twintrain", "mlflow", "dvc", "tensorboard", "curl", "git", "npm"),
    *("export", "source", ".", "cp", "mkdir", "for", "ssh", "sbatch", "docker"),
)
SETTING = re.compile(r"^[A-Z_]+=\S+$")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
ENTRY_POINTS = read_yaml(ROOT / "MLproject")["entry_points"]
# Files of the reader's, which are not here; what they are put for is left out before an experiment is checked.
READERS_OWN = {"model": ("my_network.yaml",), "train.initial_model": ("runs:/RUN_ID",)}


class Documented(NamedTuple):
    """One command as it stands in a document."""

    document: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}: {self.text}"


def documented_commands() -> list[Documented]:
    """All commands of all blocks."""
    return [command for path in DOCUMENTS for command in _commands_of(path)]


def _commands_of(path: Path) -> Iterator[Documented]:
    text = path.read_text("utf-8")
    for fence in FENCE.finditer(text):
        lines = fence[3].splitlines()
        if fence[2] not in ("", "bash", "sh", "console") or (not fence[2] and not _program(lines[0])):
            continue
        first = text[: fence.start(3)].count("\n") + 1
        whole = fence[3].replace("\\\n", "  ").splitlines()  # a command may go on in the next line
        for number, line in enumerate(whole):
            if _program(line):
                for part in line.removeprefix("$ ").split(" && "):
                    command = re.sub(r"\s+#\s.*", "", part).strip()
                    yield Documented(str(path.relative_to(ROOT)), first + number, command)


def _program(line: str) -> str | None:
    words = line.removeprefix("$ ").split()
    while words and SETTING.match(words[0]):
        words.pop(0)
    return words[0] if words and words[0] in PROGRAMS else None


def python_command(text: str) -> str | None:
    """What a command runs by way of make, MLflow or Python: `pipelines.NAME ARGUMENTS`; None: none of those."""
    words = shlex.split(text)
    while SETTING.match(words[0]):
        words.pop(0)
    match words:
        case ["make", *_]:
            return _of_make(words[1:])
        case ["mlflow", "run", _, *rest]:
            return _of_mlflow(rest)
        case ["python", "-m", module, *rest] if module.startswith("pipelines."):
            return shlex.join([module, *rest])
    return None


def _of_make(words: list[str]) -> str | None:
    targets = [word for word in words if "=" not in word]
    given = dict(word.split("=", 1) for word in words if "=" in word)
    settings = dict(re.findall(r"^(\w+) \?= (\w+)$", MAKEFILE, re.M)) | given
    for target in targets or ["help"]:
        recipe = re.search(rf"^{target}:[^\n]*\n((?:\t[^\n]*\n)*)", MAKEFILE, re.M)
        if recipe is None:
            raise UserError(f"the Makefile has no target '{target}'")
        if called := re.search(r"python -m (pipelines\.\w+.*)", recipe[1]):
            return " ".join(re.sub(r"\$\((\w+)\)", lambda name: settings.get(name[1], ""), called[1]).split())
    return None


def _of_mlflow(words: list[str]) -> str:
    entry, given, rest = "main", {}, []
    for word in (waiting := iter(words)):
        if word == "-e":
            entry = next(waiting)
        elif word == "-P":
            name, _, value = next(waiting).partition("=")
            given[name] = value
    if entry not in ENTRY_POINTS:
        raise UserError(f"MLproject has no entry point '{entry}'")
    declared = {name: str(of.get("default", "")) for name, of in (ENTRY_POINTS[entry].get("parameters") or {}).items()}
    rest = [f"--{name}={value}" for name, value in given.items() if name not in declared]
    values = {name: shlex.quote(value) for name, value in (declared | given).items() if name in declared}
    command = ENTRY_POINTS[entry]["command"].format(**values)
    return f"{command.removeprefix('python -m ')} {shlex.join(rest)}".strip()


@cache
def check(text: str) -> None:
    """Checks that a command could be run: its target, options, names and values exist.

    Raises:
        UserError: as the command would say it.
    """
    command = python_command(text)
    if command is not None:
        name, *arguments = shlex.split(command)
        _check_pipeline(name.removeprefix("pipelines."), arguments)
        return
    words = shlex.split(text)
    match words:
        case ["twintrain", command, *rest] | ["python", "-m", "twintrain", command, *rest]:
            library_parsers()[command].parse_args(rest)
        case ["python", "-m", module, *_] if not _is_module(module):
            raise UserError(f"no module {module}")
        case ["python", file, *_] if file != "-m" and not (ROOT / file).is_file():
            raise UserError(f"no file {file}")
        case ["dvc", *rest]:
            _check_dvc(rest)
        case _:
            syntax = subprocess.run(["bash", "-n", "-c", text], capture_output=True, text=True, check=False)
            if syntax.returncode:
                raise UserError(syntax.stderr.strip())


def _is_module(module: str) -> bool:
    if module in ("pip", "pytest"):
        return True
    path = ROOT / module.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


@cache
def _shipped_params() -> dict:
    return read_yaml(ROOT / "params.yaml")


@cache
def _stages() -> dict:
    return read_yaml(ROOT / "dvc.yaml")["stages"]


@cache
def _parser(name: str):
    return command_parser(name)


def _check_pipeline(name: str, arguments: list[str]) -> None:
    if name not in command_names():
        if name in ("train", "evaluate"):
            framework_of(name, arguments)
        else:
            check_no_arguments(name, arguments)
        return
    known, rest = _parser(name).parse_known_args(arguments)
    _check_name(name, vars(known).get("name"))
    overrides = parse_overrides(rest)
    for parameter, placeholders in READERS_OWN.items():
        if overrides.get(parameter) in placeholders:
            del overrides[parameter]
    preset = None if vars(known).get("preset", "current") in ("current", "") else known.preset
    content = changed_params(deepcopy(_shipped_params()), preset, overrides)
    if not vars(known).get("data"):
        check_experiment(content)


def _check_name(command: str, name: str | None) -> None:
    """What `make COMMAND NAME=…` names exists."""
    if name in (None, "", "current"):
        return
    folder = {"fetch": project.DATASETS, "model": project.MODELS}.get(command)
    names = project.names_in(folder or project.PRESETS)
    if not (name in names if folder else any(each.startswith(f"{name}_") for each in names)):
        raise UserError(f"{command} knows no '{name}'")


def _check_dvc(arguments: list[str]) -> None:
    from dvc.cli import parse_args

    try:
        given = parse_args(arguments)
    except (SystemExit, Exception) as error:
        raise UserError(f"dvc does not take {shlex.join(arguments)}: {error}") from error
    for target in vars(given).get("targets") or [] if given.cmd in ("repro",) else []:
        if target.partition("@")[0] not in _stages():
            raise UserError(f"dvc.yaml has no stage '{target}'")
    for setting in vars(given).get("set_param") or []:
        changed_params(deepcopy(_shipped_params()), None, parse_overrides([f"--{setting}"]))
