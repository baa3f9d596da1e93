"""Compares two recordings layer by layer."""

import argparse
import json
from pathlib import Path

from twintrain.command.files import write_text
from twintrain.errors import UserError, cut

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
    parser.add_argument("--json", action="store_true", help="print all that was found as JSON")


def run(given: argparse.Namespace) -> int:
    """Compares, prints what was found, and returns the exit status."""
    from twintrain.recordings.comparing.diff import diff

    found = diff(given.reference, given.other, dict(map(_pair, given.pair)))
    if given.html:
        write_text(given.html, found.to_html(), "--html")
    print(json.dumps(found.to_dict(), ensure_ascii=False, indent=1) if given.json else found)
    return SAME if found.passed else DIFFERENT


def _pair(text: str) -> tuple[str, str]:
    ours, is_there, theirs = text.partition("=")
    if not (is_there and ours and theirs):
        raise UserError(f"--pair: expected A=B, the names of a layer on both sides, got '{cut(text)}'")
    return ours, theirs
