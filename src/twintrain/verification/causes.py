"""Why networks are no twins: both are recorded call by call, and the diff of the recordings says where they part."""

from pathlib import Path

from twintrain.errors import UserError
from twintrain.recordings.comparing.diff import Diff, diff
from twintrain.verification.checks import Check
from twintrain.verification.layers_recorder import RECORDING
from twintrain.verification.records import SHAPES
from twintrain.verification.workers import run_workers

WORKER = ("-m", "twintrain.verification.layers_recorder")
MOST = 3
IN_TRAINING = (
    "call by call they compute the same before training, with the same weights: the cause is not in a forward pass, "
    "but in loss, gradients or steps"
)


def find_causes(folder: Path, frameworks: list[str], checks: list[Check]) -> dict[str, list[str]]:
    """Says of frameworks that part from the reference why they do, a sentence a cause.

    Of arrays of other shapes nothing is said: they cannot have the same weights, and the check has named them.

    Args:
        folder: what `workers.write_experiment` wrote.
        frameworks: the reference first.
        checks: what was found of them.
    """
    reference, *others = frameworks
    failed = [check for check in checks if check.failed]
    other_shapes = {check.framework for check in failed if check.name == SHAPES}
    parting = [name for name in others if name in {check.framework for check in failed} - other_shapes]
    if not parting:
        return {}
    try:
        run_workers(folder, [reference, *parting], WORKER)
        found = {name: diff(*(folder / RECORDING.format(each) for each in (reference, name))) for name in parting}
    except UserError as error:
        return {name: [f"not found, since the networks could not be recorded: {error}"] for name in parting}
    return {name: _sentences(each) for name, each in found.items()}


def _sentences(found: Diff) -> list[str]:
    if found.passed:
        return [IN_TRAINING]
    if found.causes:
        return [cause.sentence for cause in found.causes[:MOST]]
    first = found.first
    return [f"{first.name} / {first.other_name} ({first.op}) parts by {first.own:.1e} of its own"] if first else []
