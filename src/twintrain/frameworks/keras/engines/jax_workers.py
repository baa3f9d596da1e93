"""Several workers on JAX: one program over the devices of all of them, in which each computes its rows.

XLA cuts the program up (GSPMD, https://arxiv.org/abs/2105.04663): it is written as for one, on whole batches, and told
how their rows lie. So means of batch norm, counts of dropout and sums of gradients are those of all rows by themselves.
Where their number does not divide, XLA fills up the rows of the last worker and leaves what it added out of all sums.

Two things it cuts up badly on CPUs (JAX 0.10.2): the gradient of max pooling, which each worker computes of all rows,
and those of recurrent weights, which they sum at every time step.
"""

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import numpy as np
from jax._src.lib import _jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from twintrain.errors import first_line
from twintrain.training.workers.worker import SECONDS_TO_ANSWER, LostWorkerError, Worker

ROWS = "rows"
# Read from XLA_FLAGS when JAX first looks for its devices; without it, half an hour.
TIMEOUT = "--xla_cpu_collective_timeout_seconds"


class Alone:
    """Arrays of the only worker: they are where they are."""

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function of arrays, compiled."""
        return jax.jit(function)

    def everywhere(self, arrays: Any) -> Any:
        """Arrays of this process as what such a function takes."""
        return arrays

    def here(self, arrays: Any) -> Any:
        """What such a function gives as arrays of this process."""
        return arrays

    def by_rows(self, array: jax.Array) -> jax.Array:
        """An array in such a function, (rows, …), of which each worker computes its rows, and of what follows."""
        return array

    def from_first(self, numbers: np.ndarray) -> np.ndarray:
        """The numbers that the first worker gives, float64 (n,)."""
        return numbers

    def answered(self) -> AbstractContextManager[None]:
        """Within it, a worker that does not answer is a LostWorkerError."""
        return nullcontext()


class Together:
    """Arrays of several workers, one device each. All have them whole, but for what is told to lie by rows."""

    def __init__(self, mesh: Mesh) -> None:
        self.whole = NamedSharding(mesh, PartitionSpec())
        self.cut = NamedSharding(mesh, PartitionSpec(ROWS))
        self._first = self.compiled(lambda rows: rows[0])

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function of arrays, compiled; all workers must call it."""
        return jax.jit(function, out_shardings=self.whole)

    def everywhere(self, arrays: Any) -> Any:
        """Arrays of this process, which all have alike, as what such a function takes."""
        return jax.tree.map(lambda a: jax.make_array_from_process_local_data(self.whole, np.asarray(a)), arrays)

    def here(self, arrays: Any) -> Any:
        """What such a function gives as arrays of this process."""
        return jax.tree.map(lambda array: jax.numpy.asarray(np.asarray(array)), arrays)

    def by_rows(self, array: jax.Array) -> jax.Array:
        """An array in such a function, (rows, …), of which each worker computes its rows, and of what follows."""
        return jax.lax.with_sharding_constraint(array, self.cut)

    def from_first(self, numbers: np.ndarray) -> np.ndarray:
        """The numbers that the first worker gives, float64 (n,)."""
        # Halves of numbers: JAX rounds whole ones to float32, unless jax_enable_x64 is set.
        halves = jax.make_array_from_process_local_data(self.cut, numbers.view(np.uint32)[None])
        return np.asarray(self._first(halves)).view(np.float64)

    @contextlib.contextmanager
    def answered(self) -> Iterator[None]:
        """Within it, a worker that does not answer is a LostWorkerError."""
        try:
            yield
        except (ValueError, RuntimeError) as error:
            if "Gloo" not in str(error):
                raise
            raise LostWorkerError(
                f"another worker ended, or did not answer for {SECONDS_TO_ANSWER} s: {first_line(error)}"
            ) from error


@functools.cache
def join(worker: Worker, platform: str | None) -> Alone | Together:
    """Meets the other workers, before JAX first looks for its devices.

    Found with JAX 0.10.2: its coordinator ends all processes, by SIGABRT and with a trace, where one of them does not
    come, dies, or leaves before the others. They need it for nothing but the first sum, in which they connect to each
    other. So on CPUs they leave it after that: then a sum with a worker that died fails at once, and one with a
    worker that hangs after SECONDS_TO_ANSWER, both by an exception. On GPUs, where a sum would wait for ever, they
    stay, and end when a worker sends no heartbeat any more.

    Args:
        platform: `cpu`, or None for JAX's choice.
    """
    if worker.is_alone:
        return Alone()
    flags = os.environ.get("XLA_FLAGS", "")
    if TIMEOUT not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {TIMEOUT}={SECONDS_TO_ANSWER}".strip()
    # JAX has no setting for where Gloo listens, and Gloo takes what the host's own name stands for.
    _jax.make_gloo_tcp_collectives = functools.partial(_jax.make_gloo_tcp_collectives, hostname=worker.host())
    jax.distributed.initialize(
        worker.address,
        worker.size,
        worker.rank,
        cluster_detection_method="deactivate",
        initialization_timeout=SECONDS_TO_ANSWER,
        heartbeat_timeout_seconds=SECONDS_TO_ANSWER // 3,
        shutdown_timeout_seconds=SECONDS_TO_ANSWER,
    )
    devices = [jax.local_devices(rank, platform)[0] for rank in range(worker.size)]
    together = Together(Mesh(np.array(devices), (ROWS,)))
    _first_sum(together, worker.size)
    if devices[0].platform == "cpu":
        jax.distributed.shutdown()
    return together


def _first_sum(together: Together, size: int) -> None:
    summed = together.compiled(lambda numbers: together.by_rows(numbers).sum())
    summed(together.everywhere(np.ones(size))).block_until_ready()
