"""Writes a layer that differs as two scripts, one a framework, that need nothing but it and NumPy."""

import contextlib
import importlib
import io
import os
from pathlib import Path

import numpy as np

from twintrain.errors import UserError, said_of_file
from twintrain.recordings.archive import Recording, recording_of
from twintrain.recordings.comparing.comparison import turned
from twintrain.recordings.comparing.diff import Diff
from twintrain.recordings.comparing.last_steps import layers_of
from twintrain.recordings.comparing.layer_pair import Layer, as_masked, in_axes_of, in_order_of
from twintrain.recordings.comparing.rows import DIFFERENT
from twintrain.recordings.comparing.side import Side, common_limit, likely_layout
from twintrain.recordings.contents import Call
from twintrain.recordings.reproducing.smallest import smallest

SIDES = ("reference", "other")
ARRAYS = "arrays.npz"
SCRIPT = '''"""{said}

It needs NumPy and {title} alone, and {arrays} beside it.
"""

from pathlib import Path

import numpy as np
{imports}

arrays = np.load(Path(__file__).with_name("{arrays}"))
x, *others = (arrays[name] for name in arrays if name.startswith("{side}_input"))
weights = {{name[{start}:]: arrays[name] for name in arrays if name.startswith("{side}_weight_")}}
{lines}

for whose, expected in (("{own}", arrays["{side}_output"]), ("{other}", arrays["{side}_counterpart"])):
    if output.shape != expected.shape:
        print(f"{{whose}} gave another shape: {{expected.shape}}, and this is {{output.shape}}")
    else:
        print(f"{{whose}} gave the same but for {{np.abs(output - expected).max():.1e}}")
'''


def write_reproduction(found: Diff, reference: Recording | Path, other: Recording | Path, folder: Path) -> list[Path]:
    """Writes the first layer that differs by itself: a script of each side, and the arrays that both read.

    Each prints by how much it differs from what its own model gave, which is rounding, and from what the other gave.

    Args:
        found: the diff of both recordings.
        folder: is made where it is not there.

    Returns:
        the files, the scripts first.

    Raises:
        UserError: no layer differs by itself, none of our words says what it computes, or files cannot be written.
    """
    recordings = [recording_of(reference, "reference"), recording_of(other, "other")]
    limit = common_limit(*(each.limit for each in recordings))
    sides = [Side(each, found.precision, title, limit) for each, title in zip(recordings, found.titles, strict=True)]
    calls = _calls(found, sides[0], sides[1])
    pair = _pair(sides[0], sides[1], calls)
    arrays = _arrays(pair)
    scripts = {
        f"{side}_{sides[at].recording.framework}.py": _script(at, sides, calls, pair[at])
        for at, side in enumerate(SIDES)
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    files = {**{name: text.encode() for name, text in scripts.items()}, ARRAYS: buffer.getvalue()}
    return _written(folder, files)


def _calls(found: Diff, reference: Side, other: Side) -> tuple[Call, Call]:
    """The first that differs by itself, as the diff ranks them, and is a layer of both."""
    rows = [row for row in (found.first, *found.layers) if row and (row is found.first or row.verdict == DIFFERENT)]
    if not rows:
        raise UserError("no layer differs by itself, so there is none to reproduce")
    for row in rows:
        ours = [call for call in reference.calls if call.name == row.name]
        theirs = [call for call in other.calls if call.name == row.other_name]
        if ours and theirs:
            return ours[0], theirs[0]
    raise UserError(f"{rows[0].name} ({rows[0].op}) is no layer of both models, so there is none to reproduce")


def _pair(reference: Side, other: Side, calls: tuple[Call, Call]) -> tuple[Layer, Layer]:
    """Both layers on the smallest inputs that show their difference, which are the reference's."""
    ours, theirs = (as_masked(layer) for layer in layers_of(reference, other, calls))
    if ours.is_sampled or theirs.is_sampled:
        raise UserError(
            f"of what came into {calls[0].name} only a sample was recorded; record both with a larger limit="
        )
    order = in_order_of([*ours.inputs], [*theirs.inputs], theirs.op)
    fed = [order.index(at) for at in range(len(theirs.inputs))]
    are_as_many = len(ours.inputs) == len(theirs.inputs)
    our_inputs = tuple(ours.inputs[at] for at in fed) if are_as_many else ours.inputs
    given = in_axes_of(theirs.inputs, our_inputs, likely_layout(other, reference))
    if given is None:
        raise UserError(f"{calls[0].name} and {calls[1].name} take inputs of shapes that do not fit each other")
    theirs = Layer(theirs.op, theirs.options, theirs.weights, given)
    pair = smallest(ours, theirs, fed)
    return pair[0], Layer(theirs.op, theirs.options, theirs.weights, pair[1].inputs, pair[1].computed())


def _arrays(pair: tuple[Layer, Layer]) -> dict[str, np.ndarray]:
    """Inputs, output and weights of both, each in its own layout, and what the other gave in that layout."""
    arrays = {}
    for side, layer, counterpart in zip(SIDES, pair, reversed(pair), strict=True):
        arrays |= {f"{side}_input_{at}" if at else f"{side}_input": each for at, each in enumerate(layer.inputs)}
        arrays[f"{side}_output"] = _output(layer)
        fitting = turned(_output(layer), _output(counterpart))
        arrays[f"{side}_counterpart"] = fitting.array if fitting else _output(counterpart)
        arrays |= {f"{side}_weight_{role}": array for role, (array, _) in layer.weights.items()}
    return arrays


def _output(layer: Layer) -> np.ndarray:
    return np.zeros(0) if layer.output is None else layer.output


def _script(at: int, sides: list[Side], calls: tuple[Call, Call], layer: Layer) -> str:
    side, call = sides[at], calls[at]
    code = importlib.import_module(f"twintrain.recordings.{side.recording.framework}.written")
    shapes = {role: array.shape for role, (array, _) in layer.weights.items()}
    lines = code.written(layer.op, layer.options, shapes, layer.inputs[0].ndim) if layer.inputs else None
    if lines is None or layer.output is None:
        raise UserError(f"{call.name} ({call.op or call.kind}) is a layer that no script can be written of")
    return SCRIPT.format(
        said=f"The layer {call.name!r} ({call.kind}) by itself.".replace("\\", "/").replace('"""', "'''"),
        title={"torch": "PyTorch", "keras": "Keras"}[side.recording.framework],
        imports=code.IMPORTS,
        side=SIDES[at],
        start=len(f"{SIDES[at]}_weight_"),
        lines="\n".join([code.BEFORE, *lines, code.AFTER]),
        own=side.title,
        other=sides[1 - at].title,
        arrays=ARRAYS,
    )


def _written(folder: Path, files: dict[str, bytes]) -> list[Path]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            beside = folder / f".{name}.{os.getpid()}"
            try:
                beside.write_bytes(content)
                beside.replace(folder / name)
            finally:
                with contextlib.suppress(OSError):
                    beside.unlink()
    except OSError as error:
        raise UserError(
            f"{folder} cannot be written to: {said_of_file(error)}; expected a folder, or a place where one can be made"
        ) from error
    return [folder / name for name in files]
