"""Layers that the user pairs by hand."""

import argparse

from twintrain.errors import UserError, cut


def add_pairs(parser: argparse.ArgumentParser) -> None:
    """Adds the option."""
    parser.add_argument(
        "--pair",
        action="append",
        default=[],
        metavar="A=B",
        help="layer A of the reference is layer B of the other; may be given several times",
    )


def read_pairs(given: argparse.Namespace) -> dict[str, str]:
    """The other's names by the reference's.

    Raises:
        UserError: one is not written A=B.
    """
    return dict(map(_pair, given.pair))


def _pair(text: str) -> tuple[str, str]:
    ours, is_there, theirs = text.partition("=")
    if not (is_there and ours and theirs):
        raise UserError(f"--pair: expected A=B, the names of a layer on both sides, got '{cut(text)}'")
    return ours, theirs
