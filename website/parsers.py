"""The argument parsers of the commands, as the commands make them."""

import argparse
import runpy
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

from twintrain import __main__ as library
from twintrain.command_line import commands

ROOT = Path(__file__).resolve().parents[1]


class _ParserFoundError(BaseException):
    """Ends a command where it would read its arguments; no `Exception`, which commands make a line of."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser


def command_names() -> list[str]:
    """The modules of pipelines/ that have a parser: the commands. Stages take a framework at most, and have none."""
    makes_one = ("command_parser(", "experiment_parser(")
    files = sorted((ROOT / "pipelines").glob("*.py"))
    return [file.stem for file in files if any(name in file.read_text("utf-8") for name in makes_one)]


def command_parser(name: str) -> argparse.ArgumentParser:
    """The parser of `python -m pipelines.NAME`: the command is started, and stopped where it would use its parser."""
    with _stopped_at_the_parser():
        try:
            runpy.run_module(f"pipelines.{name}", run_name="__main__")
        except _ParserFoundError as found:
            return found.parser
    raise LookupError(f"pipelines/{name}.py has read no arguments")


def library_parsers() -> dict[str, argparse.ArgumentParser]:
    """The parsers of the subcommands of `twintrain`."""
    subcommands = [action for action in library._parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(subcommands[0].choices)


@contextmanager
def _stopped_at_the_parser() -> Iterator[None]:
    def stop(parser: argparse.ArgumentParser, *_: Any, **__: Any) -> NoReturn:
        raise _ParserFoundError(parser)

    with (
        mock.patch.object(sys, "argv", ["command"]),
        mock.patch.object(commands.Parser, "parse_known_args", stop),
        mock.patch.object(commands, "run_command", lambda main: main()),
    ):
        yield


def options_of(parser: argparse.ArgumentParser) -> Sequence[argparse.Action]:
    """What a parser takes, but for --help."""
    return [action for action in parser._actions if action.dest != "help"]
