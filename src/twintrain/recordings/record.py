"""Records what a model of either framework computes of some rows, in two precisions, and with weights a little off."""

import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np

from twintrain.errors import UserError, cut, first_line
from twintrain.recordings.archive import PASSES, Recording, Tensor
from twintrain.recordings.trace import Trace, flat, mapped

# Eight units in the last place of float32: such weights are as good as the others there, and what they change is what
# the model makes of rounding. In float64 it is far above rounding, so that what they change, divided by it, is how much
# the model enlarges a relative error; times float64's precision it is what rounding may come to.
PERTURBATION = 2.0**-20
SEED = 1
LONGEST_REASON = 300
EXPECTED = "expected an array or tensor, or several in a tuple, list or dict, with rows first"


def record(model: Any, x: Any, *, to: str | Path, training: bool = False) -> Recording:
    """Records every call of a model's forward pass, and writes the recording.

    Four passes are made: in float32 and in float64, and in each again with weights changed by `PERTURBATION` of
    themselves. The model is left as it was.

    Args:
        model: a `torch.nn.Module` or a `keras.Model`, on whatever Keras runs.
        x: what the model is called with: an array or tensor (rows, …), or several in a tuple, list or dict, which are
            a PyTorch model's arguments, and the one argument of a Keras model. Floats are taken in each precision.
        to: the file to write, .npz.
        training: whether layers are to do as in training.

    Raises:
        UserError: the model is of neither framework or cannot be run on the input, NaN is among the input or the
            output, or the file cannot be written.
    """
    recorder = recorder_of(model)
    arrays = mapped(x, array_of)
    _check_input(flat(arrays))
    recording = _recording(recorder, model, arrays, training)
    recording.save(to)
    return recording


def perturbed(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The weights, each number changed by `PERTURBATION` of itself, up or down; float64."""
    rng = np.random.default_rng(SEED)
    return {name: array * (1 + PERTURBATION * rng.choice([-1.0, 1.0], array.shape)) for name, array in weights.items()}


def recorder_of(model: Any) -> Any:
    """The module that records models of such a class."""
    homes = [kind.__module__.partition(".")[0] for kind in type(model).__mro__]
    names = [kind.__name__ for kind in type(model).__mro__]
    # On PyTorch, Keras's layers are modules of PyTorch as well.
    if "keras" in homes and "Layer" in names:
        return importlib.import_module("twintrain.recordings.keras.recorder")
    if "torch" in homes and "Module" in names:
        return importlib.import_module("twintrain.recordings.torch.recorder")
    kind = f"{type(model).__module__}.{type(model).__qualname__}"
    raise UserError(f"expected a torch.nn.Module or a keras.Model of Keras 3, got {cut(kind)}")


def array_of(value: Any) -> np.ndarray:
    """The numbers of an array or tensor.

    Raises:
        UserError: it is none.
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{EXPECTED}, got {type(value).__name__}: {cut(first_line(error))}") from error
    if array.dtype.kind not in "biuf" or not array.ndim:
        raise UserError(f"{EXPECTED}, got {type(value).__name__} of {array.dtype} with {array.ndim} axes")
    return array


def _check_input(arrays: list[np.ndarray]) -> None:
    if not arrays or not all(array.size for array in arrays):
        raise UserError(f"{EXPECTED}, got none")
    for number, array in enumerate(arrays):
        if array.dtype.kind == "f" and np.isnan(array).any():
            place = tuple(int(index) for index in np.argwhere(np.isnan(array))[0])
            which = f" {number}" if len(arrays) > 1 else ""
            raise UserError(
                f"input{which} has NaN, first at {place}, and all that is computed of it would be NaN; expected numbers"
            )


def _recording(recorder: Any, model: Any, arrays: Any, training: bool) -> Recording:
    traces, weights, left_out = _passes(recorder, model, arrays, training)
    trace = traces[PASSES[0]]
    first = flat(arrays)[0]
    found = {}
    for name in traces:
        # What a model holds beside its weights, such as a mask, may be of another precision than the pass.
        tensors = [_cast(array, name.partition(" ")[0]) for array in traces[name].arrays]
        found |= {f"{name}/tensor/{number}": array for number, array in enumerate(tensors)}
        found |= {f"{name}/weight/{weight}": array for weight, array in weights[name].items()}
    return Recording(
        framework=recorder.__name__.split(".")[-2],
        versions={**recorder.versions(), "numpy": np.__version__},
        device=recorder.device_of(model),
        rows=len(first),
        training=training,
        passes=[*traces],
        inputs=trace.inputs,
        outputs=trace.outputs,
        tensors=[Tensor(array.shape) for array in trace.arrays],
        calls=trace.calls,
        weights=recorder.list_weights(model),
        arrays=found,
        perturbation=PERTURBATION,
        left_out=left_out,
    )


def _passes(
    recorder: Any, model: Any, arrays: Any, training: bool
) -> tuple[dict[str, Trace], dict[str, dict[str, np.ndarray]], dict[str, str]]:
    """The passes that can be made, with the weights of each, and why the others cannot."""
    recorder.prepare(model, arrays)
    own = recorder.read_weights(model)
    traces: dict[str, Trace] = {}
    weights: dict[str, dict[str, np.ndarray]] = {}
    left_out: dict[str, str] = {}
    for name in PASSES:
        dtype = name.partition(" ")[0]
        held = perturbed(own) if name != dtype else own
        held = {weight: array.astype(dtype) for weight, array in held.items()}
        try:
            with recorder.holding(model, held, dtype):
                trace = recorder.record_calls(model, mapped(arrays, lambda array, to=dtype: _cast(array, to)), training)
        except Exception as error:  # whatever a model of somebody else's raises
            if name == PASSES[0]:
                raise UserError(f"the model cannot be run on the input: {told(error)}") from error
            left_out[name] = told(error)
            continue
        if not traces:
            _check_output(trace)
        elif reason := _other(trace, traces[PASSES[0]], dtype):
            left_out[name] = reason
            continue
        traces[name], weights[name] = trace, held
    return traces, weights, left_out


def told(error: Exception) -> str:
    """What an error says, in a part of a line; Keras says where it was first, and what in bold, some lines below."""
    text = re.sub(r"\x1b\[\d*m", "", str(error))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("Exception encountered")]
    said = "".join(letter for letter in (lines or [""])[0].strip() if letter.isprintable())
    return f"{type(error).__name__}: {said[:LONGEST_REASON]}"


def _cast(array: np.ndarray, dtype: str) -> np.ndarray:
    return array.astype(dtype, copy=False) if array.dtype.kind == "f" else array


def _check_output(trace: Trace) -> None:
    if not trace.outputs:
        raise UserError("the model gives no tensor; expected a forward pass that returns what it computes")
    if not any(np.isnan(trace.arrays[number]).any() for number in trace.outputs):
        return
    makers = [call for call in trace.calls if any(np.isnan(trace.arrays[number]).any() for number in call.outputs)]
    where = f", first in {makers[0].name} ({makers[0].kind})" if makers else ""
    raise UserError(f"the model gives NaN{where}; expected weights and input of which it computes numbers")


def _other(trace: Trace, first: Trace, dtype: str) -> str:
    """Why a pass cannot be compared with the first one; empty where it can."""
    for call in trace.calls:
        found = [trace.arrays[number].dtype for number in call.outputs]
        if others := [str(own) for own in found if own.kind == "f" and own != dtype]:
            return f"{call.name} ({call.kind}) computes in {others[0]}"
    if [call._replace(options={}) for call in trace.calls] != [call._replace(options={}) for call in first.calls]:
        return f"it makes other calls than in {PASSES[0]}"
    if [array.shape for array in trace.arrays] != [array.shape for array in first.arrays]:
        return f"its tensors have other shapes than in {PASSES[0]}"
    return ""
