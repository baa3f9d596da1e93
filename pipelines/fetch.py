"""Fetches the raw files of a data set that does not ship with the repository into fetched/NAME.

python -m pipelines.fetch mnist             what conf/datasets/mnist.yaml lists; files that are there already stay
python -m pipelines.fetch                   the data set of params.yaml
python -m pipelines.fetch mnist --force     replaces files that are not as described

TWINTRAIN_MIRROR names folders or base URLs, separated by commas, that are tried before upstream: BASE/NAME/FILE.
"""

import argparse
import sys

from twintrain.command_line.commands import command_parser, run_command
from twintrain.command_line.dvc_command import fetch_data
from twintrain.data.dataset import load_dataset, raw_files, raw_folder
from twintrain.settings.overrides import CURRENT
from twintrain.settings.params import load_params


def fetch() -> None:
    """Runs the command."""
    arguments = _parser().parse_args(sys.argv[1:])
    name = load_params().dataset if arguments.name in CURRENT else arguments.name
    dataset = load_dataset(name)
    if dataset.sources is not None:
        fetch_data(name, dataset, arguments.force)
    files = raw_files(name, dataset)
    print(f"{name}: {len(files)} file{'s' if len(files) > 1 else ''} in {raw_folder(name, dataset)}, as described")


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("fetch", __doc__)
    parser.add_argument("name", nargs="?", default="current", help="a file of conf/datasets; default: of params.yaml")
    parser.add_argument("--force", action="store_true", help="replace files that are there and not as described")
    return parser


if __name__ == "__main__":
    run_command(fetch)
