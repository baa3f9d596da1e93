"""The command `twintrain`: its subcommands, how errors are told, and what the exit status means.

twintrain diff REFERENCE.npz OTHER.npz    a line a layer, the first place where they part, and the cause if it is known
twintrain verify MY_TWIN.py               the same of what build_torch and build_keras of a file give, each in a process
twintrain compare A.npz B.npz             which of two models predicts better, and what of it chance explains
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from twintrain.errors import UserError, cut, did_you_mean, first_line
from twintrain.evaluation import compare_command
from twintrain.recordings.commands import diff, verify

NOT_COMPARED = 2
INTERRUPTED, READER_GONE = 130, 141  # as a shell has them
COMMANDS = {"diff": diff, "verify": verify, "compare": compare_command}


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; {self.prog} --help says what it takes")

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """Parses all arguments: what a subcommand leaves is none of another's."""
        found, rest = super().parse_known_args(args, namespace)
        for option in (argument.partition("=")[0] for argument in rest if argument.startswith("-")):
            names = [name for action in self._actions for name in action.option_strings if name.startswith("--")]
            self.error(f"unknown option '{cut(option)}'{did_you_mean(option, names)}")
        if rest:
            self.error(f"unexpected argument '{cut(rest[0])}'")
        return found, rest

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            close = did_you_mean(str(value), map(str, action.choices))
            raise argparse.ArgumentError(action, f"invalid choice: '{cut(str(value))}'{close}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; what the user can mend is one line on stderr and status 2."""
    try:
        given = _parser().parse_args(arguments)
        status = COMMANDS[given.command].run(given)
        sys.stdout.flush()
    except UserError as error:
        return _told(str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes it once more at its end
        return READER_GONE
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # the last resort: whatever nobody foresaw is one line too
        return _told(f"{type(error).__name__}: {cut(first_line(error))}")
    return status


def _told(reason: str) -> int:
    print(f"error: {reason}", file=sys.stderr)
    return NOT_COMPARED


def _parser() -> Parser:
    parser = Parser(prog="twintrain", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        module.add_arguments(commands.add_parser(name, help=module.HELP, description=module.__doc__))
    return parser


if __name__ == "__main__":
    sys.exit(main())
