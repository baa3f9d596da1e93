"""Why networks are no twins: the diff of their recordings says where they part, and finds the cause."""

from pathlib import Path

from twintrain.errors import UserError
from twintrain.recordings.comparing.diff import Diff, diff
from twintrain.verification.checks import Check
from twintrain.verification.layers import Diffs
from twintrain.verification.records import SHAPES
from twintrain.verification.training_recorder import RECORDING
from twintrain.verification.workers import run_workers

WORKER = ("-m", "twintrain.verification.training_recorder")
EXACT = "float64"
MOST = 3
IN_STEPS = (
    "call by call they compute the same, with the same weights, and so they do in two steps of plain gradient descent: "
    "the cause is not in the networks, but in the loss, the update rule or the batches"
)


def find_causes(folder: Path, frameworks: list[str], checks: list[Check], diffs: Diffs) -> dict[str, list[str]]:
    """Says of frameworks that part from the reference why they do, a sentence a cause.

    Those whose layers give the same are recorded again while they train. Of arrays of other shapes nothing is said:
    they cannot have the same weights, and the check has named them.

    Args:
        folder: what `workers.run_workers` has recorded in.
        frameworks: the reference first.
        checks: what was found of them.
        diffs: of their layers.
    """
    reference, *others = frameworks
    failed = [check for check in checks if check.failed]
    other_shapes = {check.framework for check in failed if check.name == SHAPES}
    parting = [name for name in others if name in {check.framework for check in failed} - other_shapes]
    found = {name: diffs[name, EXACT] for name in parting}
    alike = [name for name, each in found.items() if each is None or each.passed]
    try:
        if alike:
            run_workers(folder, [reference, *alike], WORKER)
        for name in alike:
            found[name] = diff(*(folder / RECORDING.format(each) for each in (reference, name)))
    except UserError as error:
        return {name: [f"not found, since the networks could not be recorded: {error}"] for name in parting}
    return {name: _sentences(each) for name, each in found.items() if each}


def _sentences(found: Diff) -> list[str]:
    if found.passed:
        return [IN_STEPS]
    if found.causes:
        return [cause.sentence for cause in found.causes[:MOST]]
    if found.first:
        first = found.first
        return [f"{first.name} / {first.other_name} ({first.op}) parts by {first.own:.1e} of its own"]
    return [f"they part first in {found.parts_in}, which no known mistake explains"]
