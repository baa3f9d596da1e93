"""How a diff is shown: as a table, as JSON, and as a page."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from twintrain.recordings.commands.files import write_text

if TYPE_CHECKING:
    from twintrain.recordings.comparing.diff import Diff

SAME, DIFFERENT = 0, 1
STATUSES = "exit status: 0 the same but for rounding, 1 different, 2 not compared"


def add_forms(parser: argparse.ArgumentParser) -> None:
    """Adds the options, and what the exit status means."""
    parser.epilog = STATUSES
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with all that was found")
    parser.add_argument("--json", action="store_true", help="print all that was found as JSON")


def show(found: "Diff", given: argparse.Namespace) -> int:
    """Writes and prints what was found, and returns the exit status."""
    if given.html:
        write_text(given.html, found.to_html(), "--html")
    print(json.dumps(found.to_dict(), ensure_ascii=False, indent=1) if given.json else found)
    return SAME if found.passed else DIFFERENT
