"""A recording and its file: one .npz without pickled objects, described by the JSON in its entry `recording`.

Arrays are `PASS/tensor/NUMBER` and `PASS/weight/NAME`. A tensor's number is its place in `tensors`.
"""

import contextlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from twintrain import __version__
from twintrain.errors import UserError, cut, first_line, shown
from twintrain.recordings import npz
from twintrain.recordings.npz import RECORD_AGAIN

PASSES = ("float32", "float32 perturbed", "float64", "float64 perturbed")


class Tensor(NamedTuple):
    """What goes from call to call.

    Attributes:
        shape: rows first, of what has rows.
    """

    shape: tuple[int, ...]


class Call(NamedTuple):
    """One run of a layer or function.

    Attributes:
        name: where it is in the model; a layer that is called twice gives two calls of one name.
        kind: the framework's word: the class of the layer, or the name of the function.
        op: our word, the same for both frameworks; None where there is none.
        options: what decides what it computes, in our words; of what has no `op` its plain settings.
        inputs: numbers of tensors, in the order of the arguments.
        outputs: numbers of tensors; of no other call.
        weights: names of weights by what they are to the call.
    """

    name: str
    kind: str
    op: str | None
    options: dict[str, Any]
    inputs: list[int]
    outputs: list[int]
    weights: dict[str, str]


class Weight(NamedTuple):
    """An array of the model.

    Attributes:
        axes: a letter an axis: O output, I input, D H W spatial, M multiplier, C channels, N heads, K numbers of a
            head, B which bias; empty where that is not known.
    """

    name: str
    shape: tuple[int, ...]
    axes: str
    trainable: bool


@dataclass(frozen=True, eq=False)
class Recording:
    """Forward passes of a model on some rows.

    Attributes:
        framework: "torch" or "keras".
        passes: those of `PASSES` that there are; all have the same calls.
        inputs: numbers of the tensors that the model was given, in the order of its arguments.
        outputs: numbers of the tensors that it gave.
        arrays: by `PASS/tensor/NUMBER` and `PASS/weight/NAME`; of a loaded recording each is read when asked for.
        perturbation: by how much of itself each weight is changed, up or down, in the perturbed passes.
        left_out: why, by the names of the passes that there are not.
    """

    framework: str
    versions: dict[str, str]
    device: str
    rows: int
    training: bool
    passes: list[str]
    inputs: list[int]
    outputs: list[int]
    tensors: list[Tensor]
    calls: list[Call]
    weights: list[Weight]
    arrays: Mapping[str, np.ndarray] = field(repr=False)
    perturbation: float = 0.0
    left_out: dict[str, str] = field(default_factory=dict)

    def tensor(self, pass_: str, number: int) -> np.ndarray:
        """A tensor of a pass, in the precision of that pass if it is of floats.

        Raises:
            UserError: there is none, or the file is damaged.
        """
        return self._array(f"{pass_}/tensor/{number}")

    def weight(self, pass_: str, name: str) -> np.ndarray:
        """A weight of a pass, laid out as the framework has it, as it was before the pass.

        Raises:
            UserError: there is none, or the file is damaged.
        """
        return self._array(f"{pass_}/weight/{name}")

    def save(self, path: str | Path) -> None:
        """Writes the file; another one of that name is replaced once this one is whole.

        Raises:
            UserError: it cannot be written.
        """
        path = Path(path)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            npz.write(beside, self._header(), self.arrays)
            beside.replace(path)
        except OSError as error:
            raise UserError(
                f"{path} cannot be written: {first_line(error)}; expected to= in a folder that is there and "
                "may be written to"
            ) from error
        finally:
            with contextlib.suppress(OSError):
                beside.unlink()

    def _array(self, name: str) -> np.ndarray:
        try:
            return self.arrays[name]
        except KeyError:
            raise UserError(
                f"the recording has no array {shown(name)}; its passes are {', '.join(self.passes)}"
            ) from None
        except npz.DAMAGED as error:
            raise UserError(
                f"the recording's array {shown(name)} is damaged: {first_line(error)}; {RECORD_AGAIN}"
            ) from error

    def _header(self) -> dict[str, Any]:
        return {
            "format": npz.FORMAT,
            "twintrain": __version__,
            "framework": self.framework,
            "versions": self.versions,
            "device": self.device,
            "rows": self.rows,
            "training": self.training,
            "passes": self.passes,
            "perturbation": self.perturbation,
            "left_out": self.left_out,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "tensors": [tensor._asdict() for tensor in self.tensors],
            "calls": [call._asdict() for call in self.calls],
            "weights": [weight._asdict() for weight in self.weights],
        }


def load(path: str | Path) -> Recording:
    """Opens a recording; its arrays are read when they are asked for.

    Raises:
        UserError: there is no such file, or it is no whole recording of this format.
    """
    path = Path(path)
    arrays = npz.opened(path)
    shapes = npz.shapes_in(path, arrays)
    header = npz.read_header(path, arrays)
    try:
        recording = _recording(header, arrays)
        _check_numbers(recording)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"no field {error}" if isinstance(error, KeyError) else first_line(error)
        raise UserError(f"{path} has a damaged header: {cut(reason)}; {RECORD_AGAIN}") from error
    _check_arrays(path, recording, shapes)
    return recording


def _recording(header: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> Recording:
    return Recording(
        framework=str(header["framework"]),
        versions=dict(header["versions"]),
        device=str(header["device"]),
        rows=int(header["rows"]),
        training=bool(header["training"]),
        passes=[str(name) for name in header["passes"]],
        inputs=_numbers(header["inputs"]),
        outputs=_numbers(header["outputs"]),
        tensors=[Tensor(tuple(_numbers(tensor["shape"]))) for tensor in header["tensors"]],
        calls=[_call(call) for call in header["calls"]],
        weights=[_weight(weight) for weight in header["weights"]],
        arrays=arrays,
        perturbation=float(header.get("perturbation", 0.0)),
        left_out=dict(header.get("left_out", {})),
    )


def _call(values: dict[str, Any]) -> Call:
    call = Call(**values)
    numbers = {"inputs": _numbers(call.inputs), "outputs": _numbers(call.outputs)}
    return call._replace(**numbers, options=dict(call.options), weights=dict(call.weights))


def _weight(values: dict[str, Any]) -> Weight:
    weight = Weight(**values)
    return weight._replace(shape=tuple(_numbers(weight.shape)))


def _numbers(values: Iterable[Any]) -> list[int]:
    return [int(value) for value in values]


def _check_numbers(recording: Recording) -> None:
    """Raises ValueError where something is named that is not described."""
    used = [*recording.inputs, *recording.outputs]
    used += [number for call in recording.calls for number in (*call.inputs, *call.outputs)]
    if any(not 0 <= number < len(recording.tensors) for number in used):
        raise ValueError("a tensor is used that is not described")
    known = {weight.name for weight in recording.weights}
    if any(name not in known for call in recording.calls for name in call.weights.values()):
        raise ValueError("a weight is used that is not described")


def _check_arrays(path: Path, recording: Recording, shapes: dict[str, tuple[int, ...]]) -> None:
    described = {f"tensor/{number}": tensor.shape for number, tensor in enumerate(recording.tensors)}
    described |= {f"weight/{weight.name}": weight.shape for weight in recording.weights}
    for name in (f"{pass_}/{rest}" for pass_ in recording.passes for rest in described):
        if name not in shapes:
            raise UserError(f"{path} has no array {shown(name)}, which its header names; {RECORD_AGAIN}")
        if shapes[name] != described[name.partition("/")[2]]:
            raise UserError(
                f"{path} has {shown(name)} of shape {shapes[name]}, and its header says "
                f"{described[name.partition('/')[2]]}; {RECORD_AGAIN}"
            )
