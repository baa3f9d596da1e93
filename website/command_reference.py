"""The page of the command line, from the parsers, the Makefile and MLproject."""

import argparse
import ast
import re

from twintrain.settings.yaml_files import read_yaml
from website.parsers import ROOT, command_names, command_parser, library_parsers, options_of

HEAD = """# Command line

Every command of the project is `python -m pipelines.NAME`; those with a target of make make `.venv` first, and take
their arguments as `ARGS="…"`. Many are entry points of `mlflow run` too. `--help` prints what stands here.

"""
STAGES = """## Stages

DVC runs these, each where something that it reads has changed; `make run` has it run all, and `dvc repro STAGE` one and
what it needs. FRAMEWORK is torch, keras, keras-jax or keras-torch.

"""
LIBRARY = """## twintrain

The command of the library, which needs NumPy and SciPy alone: [is my port right?](is-my-port-right.md)

"""


def command_page() -> str:
    """The page in Markdown."""
    targets, entries = make_targets(), _entry_points()
    parts = [HEAD]
    for name in command_names():
        parser = command_parser(name)
        parts.append(f"## {name}\n\n{_description(parser)}{_ways(name, targets, entries)}{_table(parser)}")
    parts += [STAGES, _stage_table(), LIBRARY]
    for name, parser in library_parsers().items():
        parts.append(f"### twintrain {name}\n\n{_description(parser)}`{_usage(parser)}`\n\n{_table(parser)}")
    return "".join(parts)


def _stage_table() -> str:
    """What each stage of dvc.yaml runs, and what its module says that it does."""
    rows = []
    for name, stage in read_yaml(ROOT / "dvc.yaml")["stages"].items():
        command = str(stage["cmd"]).replace("${item.framework}", "FRAMEWORK")
        module = re.search(r"pipelines\.(\w+)", command)[1]  # type: ignore[index]
        said = ast.get_docstring(ast.parse((ROOT / f"pipelines/{module}.py").read_text("utf-8"))) or ""
        rows.append(f"| `{name}` | {_cell(said.splitlines()[0])} | `{command}` |")
    return "\n".join(["| stage | what it does | command |", "|---|---|---|", *rows]) + "\n\n"


def make_targets() -> dict[str, str]:
    """What each target of the Makefile that runs a command of pipelines/ is called, by the command."""
    recipes = re.findall(r"^([a-z-]+):[^\n]*\n\t@python -m pipelines\.(\w+)", (ROOT / "Makefile").read_text(), re.M)
    return {command: target for target, command in recipes}


def _entry_points() -> dict[str, str]:
    """Which entry point of MLproject runs a command."""
    found: dict[str, str] = {}
    for entry, content in read_yaml(ROOT / "MLproject")["entry_points"].items():
        found.setdefault(str(content["command"]).split()[2].removeprefix("pipelines."), entry)
    return found


def _ways(name: str, targets: dict[str, str], entries: dict[str, str]) -> str:
    ways = [f"`make {targets[name]}`"] if name in targets else []
    ways += [f"`python -m pipelines.{name}`"]
    if name in entries:
        entry = "" if entries[name] == "main" else f" -e {entries[name]}"
        ways.append(f"`mlflow run . --env-manager=local{entry}`")
    return f"{' · '.join(ways)}\n\n"


def _description(parser: argparse.ArgumentParser) -> str:
    """The docstring: lines that show a command keep their form."""
    paragraphs = (parser.description or "").strip().split("\n\n")
    shows_commands = re.compile(r"^(python -m|twintrain|make) ", re.M)
    return "".join(f"```text\n{text}\n```\n\n" if shows_commands.match(text) else f"{text}\n\n" for text in paragraphs)


def _table(parser: argparse.ArgumentParser) -> str:
    rows = [f"| {_names(action)} | {_cell(_help(action))} | {_default(action)} |" for action in options_of(parser)]
    epilog = f"Also taken: {_cell(parser.epilog)}.\n\n" if parser.epilog else ""
    if not rows:
        return epilog or "It takes no arguments.\n\n"
    return "\n".join(["| argument | meaning | default |", "|---|---|---|", *rows]) + f"\n\n{epilog}"


def _names(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"`{action.metavar or action.dest}`"
    return ", ".join(f"`{name}`" for name in action.option_strings) + f"{_value(action)}"


def _value(action: argparse.Action) -> str:
    """What stands after an option."""
    if action.nargs == 0:
        return ""
    value = "|".join(map(str, action.choices)) if action.choices else action.metavar or action.dest.upper()
    return " `" + str(value).replace("|", "` or `") + "`"


def _default(action: argparse.Action) -> str:
    shown = action.default is not None and action.nargs != 0 and action.default not in ("", [])
    return f"`{action.default}`" if shown else ""


def _help(action: argparse.Action) -> str:
    return (action.help or "") % {**vars(action), "prog": ""} if action.help else ""


def _usage(parser: argparse.ArgumentParser) -> str:
    return " ".join(parser.format_usage().removeprefix("usage: ").split())


def _cell(text: str) -> str:
    plain = text.replace("|", r"\|").replace("<", r"\<").replace("*", r"\*").replace("_", r"\_")
    return re.sub(r"(?<![`\w])--[\w.-]*\w", r"`\g<0>`", plain)
