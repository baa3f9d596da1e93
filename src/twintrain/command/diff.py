"""Compares two recordings layer by layer."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from twintrain.command.files import write_text
from twintrain.errors import UserError, cut

if TYPE_CHECKING:
    from twintrain.recordings.comparing.diff import Diff

HELP = "compare two recordings"
SAME, DIFFERENT = 0, 1
STATUSES = "exit status: 0 the same but for rounding, 1 different, 2 not compared"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Says what the subcommand takes."""
    parser.add_argument("reference", type=Path, help="what twintrain.record(…, to=…) wrote of one model")
    parser.add_argument("other", type=Path, help="the same of the model that is compared with it")
    parser.add_argument(
        "--pair",
        action="append",
        default=[],
        metavar="A=B",
        help="layer A of the reference is layer B of the other; may be given several times",
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with all that was found")
    parser.add_argument(
        "--repro",
        type=Path,
        metavar="FOLDER",
        help="write the first layer that differs by itself as two scripts that need its framework alone",
    )
    parser.add_argument("--json", action="store_true", help="print all that was found as JSON")


def run(given: argparse.Namespace) -> int:
    """Compares, prints what was found, and returns the exit status."""
    from twintrain.recordings.comparing.diff import diff

    found = diff(given.reference, given.other, dict(map(_pair, given.pair)))
    if given.html:
        write_text(given.html, found.to_html(), "--html")
    print(json.dumps(found.to_dict(), ensure_ascii=False, indent=1) if given.json else found)
    if given.repro and not found.passed:
        _reproduce(found, given)
    return SAME if found.passed else DIFFERENT


def _reproduce(found: "Diff", given: argparse.Namespace) -> None:
    """Writes scripts where a layer can be written as such; that none can changes nothing of what was found."""
    from twintrain.recordings.reproducing.scripts import write_reproduction

    try:
        files = write_reproduction(found, given.reference, given.other, given.repro)
    except UserError as error:
        print(f"--repro: {error}", file=sys.stderr)
    else:
        print("\n".join(f"wrote {path}" for path in files), file=sys.stderr)


def _pair(text: str) -> tuple[str, str]:
    ours, is_there, theirs = text.partition("=")
    if not (is_there and ours and theirs):
        raise UserError(f"--pair: expected A=B, the names of a layer on both sides, got '{cut(text)}'")
    return ours, theirs
