"""Records a training loop of the user's own while it runs."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from twintrain.errors import UserError, cut
from twintrain.recordings.archive import Recording
from twintrain.recordings.batches import row_digests
from twintrain.recordings.contents import Tensor
from twintrain.recordings.course import Course
from twintrain.recordings.fit import Fit, Rule
from twintrain.recordings.frameworks import framework_of
from twintrain.recordings.given import arrays_of, cast, cast_one
from twintrain.recordings.npz import writable
from twintrain.recordings.passes import dropping, limit_for, prepare, recorded_calls, rules, told
from twintrain.recordings.samples import checked_limit, packed
from twintrain.recordings.trace import Trace, by_key, flat
from twintrain.recordings.training import Training, checked_steps, with_first

OWN = Rule("loop", None, {})


class Loop:
    """A training loop that is recorded: tell it each batch, then its loss, then that a step was taken."""

    def __init__(self, model: Any, loss: Any, optimizer: Any, steps: Sequence[int], limit: int | None = None) -> None:
        """Takes what `recording` takes."""
        self._framework, self._model = framework_of(model), model
        self._rules = loss, optimizer
        self._chosen = with_first(checked_steps(steps))
        self._limit = checked_limit(limit)
        self._dtype = "float32"
        self._targets: list[np.ndarray] = []
        self._trace: Trace | None = None
        self._weights: dict[str, np.ndarray] = {}
        self._course = Course(self._dtype, self._limit)  # anew with the first batch, which tells the precision
        self._fit: Fit | None = None
        self._batches: list[np.ndarray] = []
        self._seen: dict[str, np.ndarray] = {}
        self.steps = 0

    def batch(self, x: Any, y: Any = None) -> None:
        """Says what the next step trains on. Of the first batch a forward pass is recorded, of the others the rows.

        The model is left as it was, and so is what is drawn at random.

        Args:
            x: what the model is called with, as `record` takes it.
            y: targets (rows, …) of any type of number: one array, or several in a tuple, list or dict.

        Raises:
            UserError: the model cannot be run on them, or they have NaN.
        """
        inputs = arrays_of(x, "x")
        self._batches.append(row_digests(flat(inputs)[0]))
        if self._trace is not None:
            return
        targets = None if y is None else arrays_of(y, "y")
        prepare(self._framework, self._model, inputs)
        weights = self._framework.recorder.read_weights(self._model)
        self._dtype = "float64" if any(array.dtype == np.float64 for array in weights.values()) else "float32"
        self._weights = {name: cast_one(array, self._dtype) for name, array in weights.items()}
        self._targets = [] if targets is None else flat(by_key(cast(targets, self._dtype)))
        inputs = cast(inputs, self._dtype)
        calls, trained = (recorded_calls(self._framework, self._model, inputs, mode) for mode in (False, True))
        self._limit = self._limit or limit_for(calls, self._weights, [self._dtype], self._chosen)
        self._course = Course(self._dtype, self._limit)
        self._course.predictions.extend(trained.arrays[number] for number in trained.outputs)
        loss, optimizer = rules(self._framework, self._model, Training(targets, *self._rules, []))
        self._fit = Fit(
            loss=loss or OWN,
            optimizer=optimizer or OWN,
            steps=[],
            predictions=len(self._course.predictions),
            targets=len(self._targets),
            dropout=dropping(self._framework, self._model, inputs, trained.calls),
            loop=True,
        )
        self._trace = calls

    def loss(self, value: Any) -> None:
        """Says what the loss of the batch was: a number, or a tensor of one.

        Raises:
            UserError: it is none, or no batch was named before.
        """
        self._check_begun("loss")
        try:
            self._course.losses.append(float(value.detach() if hasattr(value, "detach") else value))
        except (TypeError, ValueError, RuntimeError) as error:
            raise UserError(f"r.loss: expected one number, got {cut(type(value).__name__)}: {told(error)}") from error

    def gradients(self, gradients: Sequence[Any] | Mapping[str, Any]) -> None:
        """Says what the gradients of the batch are; those before the first two steps are recorded.

        In PyTorch this need not be called: they are seen as the optimizer is about to use them. Those neither told nor
        seen are looked for in `step`, where `backward` has left them.

        Args:
            gradients: in the order of `model.trainable_variables`, or of the model's parameters that are trained, None
                where there is none; or by the names of weights.

        Raises:
            UserError: they are not as many as the weights that are trained.
        """
        if self._course.has_gradients(self.steps + 1):
            return
        if not isinstance(gradients, Mapping):
            names = self._framework.state.trained_names(self._model)
            if len(names) != len(gradients):
                raise UserError(
                    f"r.gradients: expected one of each of the {len(names)} trained weights, got {len(gradients)}"
                )
            gradients = dict(zip(names, gradients, strict=True))
        copied = self._framework.state.copied
        found = ((name, copied(each)) for name, each in gradients.items() if each is not None)
        self._course.keep_gradients(self.steps + 1, found)

    def step(self) -> None:
        """Says that the optimizer has taken a step.

        Raises:
            UserError: no batch was named before.
        """
        self._check_begun("step")
        if not self._seen:
            self._see(self._framework.state.found_gradients(self._model))
        self._course.keep_gradients(self.steps + 1, self._seen.items())
        self._seen = {}
        self.steps += 1
        if self.steps in self._chosen:
            self._course.keep_weights(self.steps, self._framework.recorder.read_weights(self._model).items())

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Sees the gradients that optimizers of the model use."""
        with self._framework.state.telling_gradients(self._model, self._see):
            yield

    def _see(self, gradients: Mapping[str, Any]) -> None:
        """Takes gradients for those of the step to come, unless they were told, or are what `zero_grad` has left."""
        if self._trace is None or self._course.has_gradients(self.steps + 1):
            return
        copied = {name: self._framework.state.copied(each) for name, each in gradients.items()}
        if any(each.any() for each in copied.values()):
            self._seen |= copied

    def _check_begun(self, what: str) -> None:
        if self._trace is None:
            raise UserError(f"r.{what}: expected r.batch(x, y) before it")

    def finished(self, stopped: str = "") -> Recording:
        """The recording of all that was told.

        Args:
            stopped: why the loop has not come to its end.

        Raises:
            UserError: no batch was named.
        """
        if self._trace is None or self._fit is None:
            raise UserError("nothing was recorded: r.batch(x, y) was not called; expected it before each step")
        trace, recorder = self._trace, self._framework.recorder
        arrays = {f"tensor/{number}": cast_one(array, self._dtype) for number, array in enumerate(trace.arrays)}
        whole = {f"tensor/{number}" for number in trace.inputs}
        arrays, digests = packed(arrays, self._limit, [name for name in arrays if name not in whole])
        arrays |= self._course.arrays(self._targets)
        digests |= self._course.digests()
        arrays |= {"rows": np.concatenate(self._batches), "batches": np.array([len(each) for each in self._batches])}
        weights = {f"weight/{name}": array for name, array in self._weights.items()}
        return Recording(
            framework=self._framework.name,
            versions={**recorder.versions(), "numpy": np.__version__},
            device=recorder.device_of(self._model),
            rows=len(trace.arrays[trace.inputs[0]]),
            training=False,
            passes=[self._dtype],
            inputs=trace.inputs,
            outputs=trace.outputs,
            tensors=[Tensor(array.shape) for array in trace.arrays],
            calls=trace.calls,
            weights=recorder.list_weights(self._model),
            arrays={**weights, **{f"{self._dtype}/{name}": array for name, array in arrays.items()}},
            fit=self._fit.after(self._course.steps, stopped),
            limit=self._limit,
            digests={self._dtype: digests} if digests else {},
        )


@contextlib.contextmanager
def recording(
    model: Any,
    *,
    to: str | Path,
    loss: Any = None,
    optimizer: Any = None,
    steps: Sequence[int] = (1, 10, 100),
    limit: int | None = None,
) -> Iterator[Loop]:
    """Records a training loop of one's own, in the precision that the model has; the file is written at the end.

        with twintrain.recording(model, to="torch.npz", optimizer=optimizer) as r:
            for x, y in batches:
                r.batch(x, y)
                optimizer.zero_grad()
                loss = …
                loss.backward()
                r.loss(loss)
                optimizer.step()
                r.step()

    `zero_grad` may as well stand after `optimizer.step()`: gradients are seen when an optimizer of PyTorch is about to
    use them. In Keras, `r.gradients(…)` is told them.

    Recorded are the calls of a forward pass of the first batch, its targets, its outputs in training mode, each loss,
    the gradients before the first two steps, the weights before the first and after some, and what the rows of each
    batch are known again by. Where the loop raises an error, what there is by then is written, and the error says so.

    Args:
        model: a `torch.nn.Module` or a `keras.Model`, on whatever Keras runs.
        to: the file to write, .npz.
        loss: that of the loop, if it is to be described, as `record` takes it.
        optimizer: the same.
        steps: after how many steps the weights are recorded, rising; the first two always are.
        limit: up to how many elements (4096 or more) arrays are kept whole, see `record`.

    Yields:
        what the loop is told to: `batch(x, y)`, `loss(value)`, `step()`, and in Keras `gradients(list)`.

    Raises:
        UserError: the model is of neither framework, the steps are none, no batch was named, or the file cannot be
            written.
    """
    path = writable(to)
    loop = Loop(model, loss, optimizer, steps, limit)
    try:
        with loop.watching():
            yield loop
    except BaseException as error:
        error.add_note(_saved(loop, path, told(error)))
        raise
    loop.finished().save(path)


def _saved(loop: Loop, to: Path, stopped: str) -> str:
    """Writes what there is; says what has become of it."""
    try:
        loop.finished(stopped).save(to)
    except UserError as error:
        return f"twintrain.recording has written nothing: {error}"
    return f"twintrain.recording has written {to}, up to step {loop.steps}"
