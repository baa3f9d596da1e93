"""The command `twintrain`: what two recordings have in common, and where they part.

twintrain diff REFERENCE.npz OTHER.npz    a line a layer, the first place where they part, and the cause if it is known
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from twintrain.errors import UserError, cut, first_line
from twintrain.recordings.comparing.diff import Diff, diff

SAME, DIFFERENT, NOT_COMPARED = 0, 1, 2
INTERRUPTED, READER_GONE = 130, 141  # as a shell has them
STATUSES = "exit status: 0 the same but for rounding, 1 different, 2 not compared"


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; {self.prog} --help says what it takes")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; what the user can mend is one line on stderr and status 2."""
    try:
        given = _parser().parse_args(arguments)
        found = diff(given.reference, given.other, dict(map(_pair, given.pair)))
        _print(found, given.json)
    except UserError as error:
        return _told(str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes it once more at its end
        return READER_GONE
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # the last resort: whatever nobody foresaw is one line too
        return _told(f"{type(error).__name__}: {cut(first_line(error))}")
    return SAME if found.passed else DIFFERENT


def _told(reason: str) -> int:
    print(f"error: {reason}", file=sys.stderr)
    return NOT_COMPARED


def _parser() -> Parser:
    parser = Parser(prog="twintrain", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    compare = commands.add_parser(
        "diff", help="compare two recordings", description="Compares two recordings layer by layer.", epilog=STATUSES
    )
    compare.add_argument("reference", type=Path, help="what twintrain.record(…, to=…) wrote of one model")
    compare.add_argument("other", type=Path, help="the same of the model that is compared with it")
    compare.add_argument(
        "--pair",
        action="append",
        default=[],
        metavar="A=B",
        help="layer A of the reference is layer B of the other; may be given several times",
    )
    compare.add_argument("--json", action="store_true", help="print all that was found as JSON")
    return parser


def _pair(text: str) -> tuple[str, str]:
    ours, is_there, theirs = text.partition("=")
    if not (is_there and ours and theirs):
        raise UserError(f"--pair: expected A=B, the names of a layer on both sides, got '{cut(text)}'")
    return ours, theirs


def _print(found: Diff, as_json: bool) -> None:
    print(json.dumps(found.to_dict(), ensure_ascii=False, indent=1) if as_json else found)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
