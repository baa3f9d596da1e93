"""Compares two recordings layer by layer."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from twintrain.errors import UserError
from twintrain.recordings.commands.pairs import add_pairs, read_pairs
from twintrain.recordings.commands.shown import add_forms, show

if TYPE_CHECKING:
    from twintrain.recordings.comparing.diff import Diff

HELP = "compare two recordings"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Says what the subcommand takes."""
    parser.add_argument("reference", type=Path, help="what twintrain.record(…, to=…) wrote of one model")
    parser.add_argument("other", type=Path, help="the same of the model that is compared with it")
    add_pairs(parser)
    add_forms(parser)
    parser.add_argument(
        "--repro",
        type=Path,
        metavar="FOLDER",
        help="write the first layer that differs by itself as two scripts that need its framework alone",
    )


def run(given: argparse.Namespace) -> int:
    """Compares, prints what was found, and returns the exit status."""
    from twintrain.recordings.comparing.diff import diff

    found = diff(given.reference, given.other, read_pairs(given))
    if given.repro and not found.passed:
        _reproduce(found, given)  # before anything is printed, whose reader may go away
    return show(found, given)


def _reproduce(found: "Diff", given: argparse.Namespace) -> None:
    """Writes scripts where a layer can be written as such; that none can changes nothing of what was found."""
    from twintrain.recordings.reproducing.scripts import write_reproduction

    try:
        files = write_reproduction(found, given.reference, given.other, given.repro)
    except UserError as error:
        print(f"--repro: {error}", file=sys.stderr)
    else:
        print("\n".join(f"wrote {path}" for path in files), file=sys.stderr)
