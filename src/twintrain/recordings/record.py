"""Records what a model of either framework computes of some rows, in two precisions, and with weights a little off."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from twintrain.recordings.archive import Recording
from twintrain.recordings.contents import PRECISIONS, Tensor, checked_precisions, precision_of
from twintrain.recordings.fit import Fit
from twintrain.recordings.frameworks import Framework, framework_of
from twintrain.recordings.given import arrays_of, cast
from twintrain.recordings.npz import writable
from twintrain.recordings.passes import Passes, dropping, prepare, rules
from twintrain.recordings.perturbing import PERTURBATION
from twintrain.recordings.samples import checked_limit
from twintrain.recordings.trace import flat
from twintrain.recordings.training import Training, training_of
from twintrain.recordings.transferring.transfer import taken_over


def record(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    to: str | Path,
    loss: Any = None,
    optimizer: Any = None,
    steps: Sequence[int] = (1,),
    training: bool = False,
    weights: Recording | str | Path | None = None,
    limit: int | None = None,
    precisions: Sequence[str] = PRECISIONS,
) -> Recording:
    """Records every call of a model's forward pass, and its training where a loss is given; writes the recording.

    Two passes are made in each precision, the second with weights changed by `PERTURBATION` of themselves. Each trains
    on all rows as one batch, in training mode, from the weights that the model has; dropout is off. The model, the
    optimizer and what is drawn at random are left as they were.

    Args:
        model: a `torch.nn.Module` or a `keras.Model`, on whatever Keras runs.
        x: what the model is called with: an array or tensor (rows, …), or several in a tuple, list or dict, which are
            a PyTorch model's arguments, and the one argument of a Keras model. Floats are taken in each precision.
        y: targets (rows, …) as the loss takes them, of any type of number: one array, or several as with `x`.
        to: the file to write, .npz.
        loss: gives one number. In PyTorch a module or function of (outputs, y); in Keras a `keras.losses.Loss`, its
            name, or a function of (y, outputs), whose mean is taken. What a model gives is given to it as it is.
        optimizer: in PyTorch one over the model's parameters, or a function that makes one of a list of them; in Keras
            one, or its name. It starts anew. Without it, loss and gradients alone are recorded.
        steps: after how many steps the weights are recorded, rising; of several steps the first two always are.
        training: whether layers are to do as in training in the forward pass whose calls are recorded.
        weights: a recording of the same rows, or its path, whose weights the model is recorded with, see `transfer`;
            None: its own. It keeps its own.
        limit: up to how many elements (4096 or more) tensors, gradients and weights after steps are kept whole; of
            larger ones a sample is kept. Without it, all are kept where that takes less than about 80 MB, else those
            up to such a size that it does. The weights themselves are always kept whole.
        precisions: "float32", "float64" or both; one alone takes half of the time, and float64 tells more.

    Raises:
        UserError: the model is of neither framework or cannot be run or trained on the input, NaN is among the input,
            the output or the first loss, one of y, loss and optimizer is missing or none that the framework could
            take, weights have no counterpart, the precisions are none, or the file cannot be written.
    """
    path = writable(to)
    precisions = checked_precisions(precisions)
    framework = framework_of(model)
    inputs = arrays_of(x, "input")
    trained_by = training_of(y, loss, optimizer, steps, len(flat(inputs)[0]))
    prepare(framework, model, inputs)
    described = rules(framework, model, trained_by) if trained_by else None
    own = framework.recorder.read_weights(model) if weights is None else taken_over(weights, framework, model, inputs)
    passes = Passes(framework, model, inputs, own, training, trained_by, checked_limit(limit), precisions)
    recording = _recording(framework, model, len(flat(inputs)[0]), training, passes)
    if trained_by:
        recording = replace(recording, fit=_fit(framework, model, passes, trained_by, described))
    recording.save(path)
    return recording


def _fit(framework: Framework, model: Any, passes: Passes, trained_by: Training, described: Any) -> Fit:
    """What a recording says of a training, beside the loss and the optimizer that are described."""
    return Fit(
        *described,
        steps=trained_by.steps,
        predictions=passes.first.predictions,
        targets=len(flat(trained_by.targets)),
        dropout=dropping(framework, model, cast(passes.inputs, precision_of(passes.names[0])), passes.first.calls),
    )


def _recording(framework: Framework, model: Any, rows: int, training: bool, passes: Passes) -> Recording:
    first = passes.first
    arrays = {f"weight/{name}": array for name, array in passes.weights.items()}
    arrays |= {f"{name}/{rest}": array for name, made in passes.made.items() for rest, array in made.arrays.items()}
    return Recording(
        framework=framework.name,
        versions={**framework.recorder.versions(), "numpy": np.__version__},
        device=framework.recorder.device_of(model),
        rows=rows,
        training=training,
        passes=[*passes.made],
        inputs=first.inputs,
        outputs=first.outputs,
        tensors=[Tensor(shape) for shape in first.shapes],
        calls=first.calls,
        weights=framework.recorder.list_weights(model),
        arrays=arrays,
        perturbation=PERTURBATION,
        left_out=passes.left_out,
        limit=passes.limit,
        digests={name: made.digests for name, made in passes.made.items() if made.digests},
    )
