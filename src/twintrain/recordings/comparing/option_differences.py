"""In which options two calls differ, where both say the same thing in two ways left aside."""

from collections.abc import Mapping
from typing import Any

from twintrain.recordings.comparing.operations.windows import padding, per_axis

# What an operation does whose recording does not say.
DEFAULTS = {
    "ceil_mode": False,
    "count_include_pad": False,
    "dilation": 1,
    "groups": 1,
    "training": False,
    "go_backwards": False,
    "padding_value": None,
}
# How numbers lie in memory, or what shapes say as well.
LAYOUT = {"data_format", "axis", "axes", "gates", "units", "layers", "size", "output_padding"} | {
    "keepdims",
    "constants",
    "time_major",
    "shape",
    "transposed",
}
# What changes something in training alone.
DROPOUT = {"rate", "dropout"}
# What changes nothing of an output.
QUIET = {"momentum", "center", "scale"}
CLOSE = 1e-6  # further apart than rounding in float32 puts them


def differing_options(
    reference: Mapping[str, Any], other: Mapping[str, Any], lengths: tuple[int, ...] = (), size: tuple[int, ...] = ()
) -> dict[str, tuple[Any, Any]]:
    """Returns the values of both, by the name of the option.

    Args:
        lengths: of the spatial axes of what comes in, for forms of padding that depend on them.
        size: of the windows or kernels.
    """
    found = {}
    for name in dict.fromkeys((*reference, *other)):
        if name in LAYOUT or not all(name in each or name in DEFAULTS for each in (reference, other)):
            continue
        values = tuple(each.get(name, DEFAULTS.get(name)) for each in (reference, other))
        if name in DROPOUT and not (reference.get("training") or other.get("training")):
            continue
        if name == "padding" and size and _as_pads(reference, lengths, size) == _as_pads(other, lengths, size):
            continue
        if not _same(*values):
            found[name] = values
    return found


def _as_pads(options: Mapping[str, Any], lengths: tuple[int, ...], size: tuple[int, ...]) -> Any:
    axes = len(size)
    strides = per_axis(options.get("strides") or size, axes)
    try:
        return padding(options["padding"], size, strides, per_axis(options.get("dilation") or 1, axes), lengths)
    except ValueError:
        return options["padding"]


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, (list, tuple)) or isinstance(b, (list, tuple)):
        pair = [list(each) if isinstance(each, (list, tuple)) else [each] for each in (a, b)]
        longest = max(map(len, pair))
        pair = [each * longest if len(each) == 1 else each for each in pair]
        return len(pair[0]) == len(pair[1]) and all(map(_same, *pair))
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return abs(a - b) <= CLOSE * max(abs(a), abs(b))
    return a == b
