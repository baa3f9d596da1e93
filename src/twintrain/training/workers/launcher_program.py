"""Runs a program that starts all workers of a training, wherever that is: Ray's, or one of deploy/.

The program is given the command of a worker as its arguments and their number as WORLD_SIZE. It tells each which it is,
passes on what they say to stderr, and ends with status 0 when all have ended well.
"""

from collections.abc import Sequence
from pathlib import Path

from twintrain.errors import UserError
from twintrain.system.processes import distant_environment, last_line, refusal, run_program
from twintrain.training.workers.launch import run_to_the_end

LOG = "launcher.log"


def run_workers(program: Sequence[str], command: list[str], count: int, folder: Path) -> None:
    """Has a program run the workers to their end, again where one is lost.

    Args:
        folder: where the log goes, of all workers and of the program.

    Raises:
        UserError: as of `launch.run_workers`.
    """
    run_to_the_end(lambda: _run_once([*program, *command], count, folder / LOG), folder)


def _run_once(command: list[str], count: int, log: Path) -> str | None:
    """Returns who was lost and how, or None where all have ended well."""
    status = run_program(command, {**distant_environment(), "WORLD_SIZE": str(count)}, log)
    if status == 0:
        return None
    if error := refusal(log):
        raise UserError(error)
    return f"one of {count} workers was lost: {last_line(log)}"
