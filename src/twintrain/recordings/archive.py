"""A recording and its file: one .npz without pickled objects, described by the JSON in its entry `recording`.

Arrays are `weight/NAME`, and in each pass `PASS/tensor/NUMBER`; a tensor's number is its place in `tensors`. Of a
training there are in each pass too: `target/NUMBER`, `prediction/NUMBER`, `losses`, `penalty`, `gradient/NAME`,
`next_gradient/NAME`, `step/STEP/NAME`; of a loop also `rows`, a number each of all its batches, and `batches`, their
lengths. Of tensors that are no inputs, of gradients and of weights after steps, those of
more than `limit` elements are samples, see `samples`.
"""

import contextlib
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from twintrain import __version__
from twintrain.errors import UserError, cut, first_line, shown
from twintrain.recordings import npz
from twintrain.recordings.contents import Call, Tensor, Weight, is_perturbed, precision_of
from twintrain.recordings.fit import Fit, needed_arrays, possible_arrays, read_fit
from twintrain.recordings.npz import RECORD_AGAIN
from twintrain.recordings.perturbing import perturbed
from twintrain.recordings.samples import Digest, checked_limit, kept_shape


@dataclass(frozen=True, eq=False)
class Recording:
    """Forward passes of a model on some rows, and training on them.

    Attributes:
        framework: "torch" or "keras".
        passes: those of `PASSES` that there are; all have the same calls.
        inputs: numbers of the tensors that the model was given, in the order of its arguments.
        outputs: numbers of the tensors that it gave.
        arrays: by their names in the file; of a loaded recording each is read when asked for.
        perturbation: by how much of itself each weight is changed, up or down, in the perturbed passes.
        left_out: why, by the names of the passes that there are not.
        fit: the training; None where forward passes are all there is.
        limit: up to how many elements arrays are kept whole; None where all are.
        digests: of those of which a sample is kept, by the names of passes, and of arrays in them.
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
    fit: Fit | None = None
    limit: int | None = None
    digests: Mapping[str, Mapping[str, Digest]] = field(default_factory=dict, repr=False)

    def tensor(self, pass_: str, number: int) -> np.ndarray:
        """A tensor of a pass, or a sample of it, in the precision of that pass if it is of floats.

        Raises:
            UserError: there is none, or the file is damaged.
        """
        return self._array(f"{pass_}/tensor/{number}")

    def weight(self, pass_: str, name: str) -> np.ndarray:
        """A weight of a pass, laid out as the framework has it, as it was before the pass.

        Raises:
            UserError: there is none, or the file is damaged.
        """
        array = self._array(f"weight/{name}")
        if is_perturbed(pass_):
            array = perturbed(name, array, self.perturbation)
        return array.astype(precision_of(pass_), copy=False)

    def targets(self, pass_: str) -> list[np.ndarray]:
        """The arrays of `y`, in the precision of the pass if they are of floats."""
        return [self._array(f"{pass_}/target/{number}") for number in range(self._fit().targets)]

    def predictions(self, pass_: str) -> list[np.ndarray]:
        """What the model gave in training mode before the first step."""
        return [self._array(f"{pass_}/prediction/{number}") for number in range(self._fit().predictions)]

    def losses(self, pass_: str) -> np.ndarray:
        """The loss before each step, float64 (steps,); one without optimizer. Regularization is part of it."""
        return self._array(f"{pass_}/losses")

    def penalty(self, pass_: str) -> float:
        """The share of regularization in the first loss."""
        return float(self._array(f"{pass_}/penalty"))

    def gradient(self, pass_: str, name: str) -> np.ndarray | None:
        """Of the loss before the first step by a weight, laid out as that; None where it has none."""
        return self._array(entry) if (entry := f"{pass_}/gradient/{name}") in self.arrays else None

    def next_gradient(self, pass_: str, name: str) -> np.ndarray | None:
        """The same of the loss before the second step, where there is one."""
        return self._array(entry) if (entry := f"{pass_}/next_gradient/{name}") in self.arrays else None

    def batches(self, pass_: str) -> list[np.ndarray]:
        """Of a loop, what each batch's rows are known again by, see `row_digests`; none of other trainings."""
        if f"{pass_}/rows" not in self.arrays:
            return []
        return np.split(self._array(f"{pass_}/rows"), np.cumsum(self._array(f"{pass_}/batches"))[:-1])

    def weight_after(self, pass_: str, step: int, name: str) -> np.ndarray:
        """A weight as it was after one of `fit.steps`."""
        return self._array(f"{pass_}/step/{step}/{name}")

    def count_of_statistic(self, call: Call, role: str) -> int:
        """Of how many numbers of the input each number of a statistic, such as `moving_variance`, is."""
        (shape,) = (weight.shape for weight in self.weights if weight.name == call.weights[role])
        return math.prod(self.tensors[call.inputs[0]].shape) // math.prod(shape)

    def save(self, path: str | Path) -> None:
        """Writes the file; another one of that name is replaced once this one is whole.

        Raises:
            UserError: it cannot be written.
        """
        path = npz.writable(path)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            npz.write(beside, self._header(), self.arrays)
            beside.replace(path)
        except OSError as error:
            raise npz.cannot_be_written(path, error) from error
        finally:
            with contextlib.suppress(OSError):
                beside.unlink()

    def _fit(self) -> Fit:
        if self.fit is None:
            raise UserError(
                "the recording has no training; expected one of twintrain.record(model, x, y, loss=…, to=…)"
            )
        return self.fit

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
            "fit": self.fit and self.fit.header(),
            "limit": self.limit,
            "digests": self.digests,
        }


def recording_of(given: Any, what: str) -> Recording:
    """A recording, or that which is in a file.

    Args:
        given: a recording, or the path of one.
        what: the argument, as an error calls it.

    Raises:
        UserError: it is neither, or the file is no whole recording.
    """
    if isinstance(given, Recording):
        return given
    if not isinstance(given, str | os.PathLike):
        raise UserError(f"{what}: expected a recording or its path, got {cut(type(given).__name__)}")
    return load(given)


def load(path: str | os.PathLike[str]) -> Recording:
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
    except (KeyError, TypeError, ValueError, AttributeError, UserError) as error:
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
        fit=read_fit(header["fit"]),
        limit=checked_limit(header["limit"]),
        digests={
            str(name): {str(rest): Digest(*digest) for rest, digest in found.items()}
            for name, found in header["digests"].items()
        },
    )


def _call(values: dict[str, Any]) -> Call:
    call = Call(**values)
    numbers = {"inputs": _numbers(call.inputs), "outputs": _numbers(call.outputs)}
    return call._replace(**numbers, options=dict(call.options), weights=dict(call.weights), axes=dict(call.axes))


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
    weights = {weight.name: weight.shape for weight in recording.weights}
    limits = [None if number in recording.inputs else recording.limit for number in range(len(recording.tensors))]
    described = zip(recording.tensors, limits, strict=True)
    inner = {f"tensor/{number}": kept_shape(each.shape, limit) for number, (each, limit) in enumerate(described)}
    trained = {name: kept_shape(shape, recording.limit) for name, shape in weights.items()}
    if recording.fit:
        inner |= dict(needed_arrays(recording.fit, trained))
    needed = {f"weight/{name}": shape for name, shape in weights.items()}
    needed |= {f"{pass_}/{rest}": shape for pass_ in recording.passes for rest, shape in inner.items()}
    for name in needed:
        if name not in shapes:
            raise UserError(f"{path} has no array {shown(name)}, which its header names; {RECORD_AGAIN}")
    possible = dict(possible_arrays(trained))
    for name, shape in shapes.items():
        said = needed.get(name, possible.get(name.partition("/")[2]))
        if said not in (None, shape):
            raise UserError(f"{path} has {shown(name)} of shape {shape}, and its header says {said}; {RECORD_AGAIN}")
