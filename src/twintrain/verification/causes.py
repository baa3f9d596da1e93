"""Why networks are no twins: the diff of their recordings says where they part, and finds the cause."""

from pathlib import Path

import numpy as np

from twintrain.errors import UserError
from twintrain.recordings.comparing.diff import Diff, diff
from twintrain.settings.frameworks import TITLES
from twintrain.verification.checks import Check
from twintrain.verification.layers import Diffs
from twintrain.verification.records import INITIAL, SHAPES, Record
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
    begun = {name: sentence for name in parting if (sentence := _other_start(folder, reference, name))}
    parting = [name for name in parting if name not in begun]
    found: dict[str, Diff | str] = {name: diffs[name, EXACT] for name in parting}
    alike = [name for name, each in found.items() if isinstance(each, str) or each.passed]
    try:
        if alike:
            run_workers(folder, [reference, *alike], WORKER)
        for name in alike:
            found[name] = diff(*(folder / RECORDING.format(each) for each in (reference, name)))
    except UserError as error:
        said = f"not found, since the networks could not be recorded: {error}"
        return {**begun, **{name: [said] for name in parting}}
    return {**begun, **{name: _sentences(each) for name, each in found.items()}}


def _other_start(folder: Path, reference: str, name: str) -> list[str]:
    """That arrays do not begin with the same numbers, which only those of the user's own can; none if all do."""
    records = [Record.load(folder / f"{framework}-{EXACT}.npz") for framework in (reference, name)]
    ours, theirs = (record.arrays.get(INITIAL, {}) for record in records)
    other = [array for array in ours if array in theirs and not np.array_equal(ours[array], theirs[array])]
    if not other:
        return []
    said = f"{TITLES[name]} begins with other numbers than {TITLES[reference]}"
    mend = "an array that one network makes constant stays so, so make it constant in both, or none"
    return [f"{', '.join(other[:MOST])} ({len(other)} of {len(ours)} arrays): {said}; {mend}"]


def _sentences(found: Diff | str) -> list[str]:
    if isinstance(found, str):
        return [found]
    if found.passed:
        return [IN_STEPS]
    if found.causes:
        return [cause.sentence for cause in found.causes[:MOST]]
    if found.first:
        first = found.first
        return [f"{first.name} / {first.other_name} ({first.op}) parts by {first.own:.1e} of its own"]
    return [f"they part first in {found.parts_in}, which no known mistake explains"]
