"""What a stage of dvc.yaml takes on its command line: nothing, or the framework that it is run for."""

import sys
from collections.abc import Sequence

from twintrain.errors import UserError, unknown
from twintrain.settings.frameworks import TITLES

STAGES = ("ingest", "preprocess", "split", "parity", "baseline", "cost", "compare")
FRAMEWORK_STAGES = ("train", "evaluate")


def refuse_early(command: str, arguments: Sequence[str]) -> None:
    """Ends a process whose arguments its stage does not take; what other commands take they look at themselves.

    For `pipelines`, before Python imports the module of the stage, and with it all that the stage works with.
    """
    try:
        if command in STAGES:
            check_no_arguments(command, arguments)
        elif command in FRAMEWORK_STAGES:
            framework_of(command, arguments)
    except UserError as error:
        sys.exit(f"error: {error}")


def check_no_arguments(stage: str, arguments: Sequence[str]) -> None:
    """Raises a UserError where a stage that takes none is given arguments."""
    if arguments:
        raise UserError(f"unexpected argument '{arguments[0]}'; python -m pipelines.{stage} takes none")


def framework_of(stage: str, arguments: Sequence[str]) -> str:
    """The framework that a stage is given; raises a UserError where that is none, or not all."""
    if len(arguments) != 1:
        *others, last = TITLES
        known = f"{', '.join(others)} or {last}"
        raise UserError(f"expected one framework, {known}: python -m pipelines.{stage} {others[0]}")
    if arguments[0] not in TITLES:
        raise unknown("framework", arguments[0], TITLES)
    return arguments[0]
