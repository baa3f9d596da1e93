"""What the layers of two frameworks give: recordings of both networks, call by call, and the check of their diff."""

from pathlib import Path

import numpy as np

from twintrain.recordings.comparing.diff import REARRANGING, Diff, diff
from twintrain.recordings.comparing.notes import MOST_ROUNDINGS, rounding_notes
from twintrain.recordings.comparing.rows import ROUNDING, Row
from twintrain.recordings.comparing.side import LAST_DIGITS
from twintrain.settings.sections.precision import HALF
from twintrain.verification.checks import Check
from twintrain.verification.records import OUTPUTS
from twintrain.verification.tolerances import PERTURBATION_ULPS, SELF_ERRORS, least_tolerance

RECORDING = "{}-{}-layers.npz"
REASON = ".txt"  # in the place of a recording that could not be made
# Of each framework but the reference, and in each precision that layers are recorded in; or why there is none.
Diffs = dict[tuple[str, str], Diff | str]


def recorded_precisions(dtypes: tuple[str, ...]) -> list[str]:
    """Those that layers are recorded in, one by one: not half precision, in which the networks as a whole are."""
    return [dtype for dtype in dtypes if dtype not in HALF]


def diff_all(folder: Path, frameworks: list[str], dtypes: tuple[str, ...]) -> Diffs:
    """The diffs of all that workers have recorded, the reference's framework being the first."""
    reference, *others = frameworks
    pairs = [(name, dtype) for name in others for dtype in recorded_precisions(dtypes)]
    return {(name, dtype): diff_layers(folder, reference, name, dtype) for name, dtype in pairs}


def diff_layers(folder: Path, reference: str, other: str, dtype: str) -> Diff | str:
    """The diff of what two workers have recorded in a precision, or why one of them has not."""
    paths = [folder / RECORDING.format(framework, dtype) for framework in (reference, other)]
    reasons = [path.with_suffix(REASON).read_text("utf-8") for path in paths if path.with_suffix(REASON).exists()]
    if all(path.exists() for path in paths):
        return diff(*paths)
    return next(iter(reasons), "nothing was recorded of arrays of other shapes")


def check_layers(found: Diff | str, framework: str, dtype: str) -> Check:
    """The check of a framework's layers against the reference's.

    Where the check fails, it names the layer that parts by itself, not the first that gives other numbers.
    """
    if isinstance(found, str):
        return Check(OUTPUTS, framework, dtype, np.inf, 0.0, f"not recorded: {found}")
    rows = [row for row in (*found.layers, *found.outputs) if not _is_rearranged(found, row)]
    above = [row for row in rows if not row.error <= _tolerance(row, dtype)]
    first = found.first if found.first in above else next(iter(above), None)
    shown = first or max(rows, key=lambda row: row.error / _tolerance(row, dtype))
    return Check(OUTPUTS, framework, dtype, shown.error, _tolerance(shown, dtype), _name(shown), _self_error(shown))


def rounding(found: Diff | str) -> float:
    """By how much layers part because one framework keeps their constants in float32; 0 where none does."""
    if isinstance(found, str) or found.verdict != ROUNDING:
        return 0.0
    return max((row.own for row in found.layers if row.verdict == ROUNDING), default=0.0)


def roundings(diffs: Diffs) -> list[str]:
    """Sentences on layers that keep their constants in float32, where the networks are the same but for these."""
    found = [each for each in diffs.values() if isinstance(each, Diff) and each.verdict == ROUNDING]
    notes = [note for each in found for note in rounding_notes(each.layers, each.weights)]
    return [*dict.fromkeys(notes)][:MOST_ROUNDINGS]


def _name(row: Row) -> str:
    """The layer by its name in a list of layers, which both have; by both names where these have nothing in common."""
    is_part = row.name.startswith(f"{row.other_name}.")
    return row.other_name if is_part else " / ".join(dict.fromkeys((row.name, row.other_name)))


def _is_rearranged(found: Diff, row: Row) -> bool:
    """Whether a layer may give its numbers in another order, since what is made of them is the same."""
    return found.passed and row.op in REARRANGING


def _tolerance(row: Row, dtype: str) -> float:
    return max(least_tolerance(OUTPUTS, dtype), SELF_ERRORS * _self_error(row))


def _self_error(row: Row) -> float:
    """By how much a framework differs from itself with weights changed by as much as those of the other checks."""
    return (row.self_error or 0.0) * PERTURBATION_ULPS / LAST_DIGITS
