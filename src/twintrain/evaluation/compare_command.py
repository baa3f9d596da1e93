"""Compares what two models predict of the same rows."""

import argparse
import itertools
import json
from pathlib import Path

HELP = "compare two models' predictions"
NOT_SHOWN, SHOWN = 0, 1
STATUSES = "exit status: 0 equivalent or no difference shown, 1 a difference shown, 2 not compared"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Says what the subcommand takes, and what its exit status means."""
    parser.epilog = STATUSES
    parser.add_argument("first", type=Path, help="an .npz file with arrays labels and predictions, and groups if any")
    parser.add_argument("second", type=Path, help="the same of the other model, of the same rows")
    parser.add_argument(
        "--margin",
        type=float,
        default=0.01,
        help="accuracies that differ by less count as equal; of numbers, a share of the smaller error (0.01)",
    )
    parser.add_argument(
        "--seed",
        nargs=2,
        type=Path,
        action="append",
        default=[],
        metavar=("A", "B"),
        help="files of both models trained with another seed; may be given several times",
    )
    parser.add_argument("--json", action="store_true", help="print all that was found as JSON")


def run(given: argparse.Namespace) -> int:
    """Compares, prints what was found, and returns the exit status."""
    from twintrain.evaluation.prediction_comparison import compare_predictions
    from twintrain.evaluation.prediction_files import read_predictions

    ours, theirs, *others = read_predictions([given.first, given.second, *itertools.chain(*given.seed)])
    predicted = [found["predictions"] for found in others]
    compared = compare_predictions(
        ours["labels"],
        ours["predictions"],
        theirs["predictions"],
        groups=ours.get("groups", theirs.get("groups")),
        seeds=list(zip(predicted[::2], predicted[1::2], strict=True)),
        margin=given.margin,
        names=_names(given.first, given.second),
    )
    print(json.dumps(compared.to_dict(), ensure_ascii=False, indent=1) if given.json else compared)
    return SHOWN if compared.differs else NOT_SHOWN


def _names(first: Path, second: Path) -> tuple[str, str]:
    """What sentences call two files: by their names, or their paths where these are the same."""
    return (first.stem, second.stem) if first.stem != second.stem else (str(first), str(second))
