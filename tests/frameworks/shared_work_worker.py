"""Writes the program of a shared step, as it runs on one of two devices: python shared_work_worker.py OUT

The devices are two of one process, for which XLA cuts up a program as it does for two processes.
"""

import os
import sys
from pathlib import Path

import numpy as np
from shared_networks import BATCH_SIZE, shared_cases, trainings

from twintrain.frameworks import framework_module

DEVICES = 2


def main(out: str) -> None:
    os.environ["XLA_FLAGS"] += f" --xla_force_host_platform_device_count={DEVICES}"
    backend_type = framework_module("keras-jax", "backend").Backend
    import jax
    from jax.sharding import Mesh

    from twintrain.frameworks.keras.engines.jax_workers import ROWS, Together

    case = shared_cases()["cnn"]
    backend = backend_type(case.network, trainings("float64")["sgd"])
    engine = backend.engine
    engine.sharing = Together(Mesh(np.array(jax.devices()), (ROWS,)))
    step = engine.sharing.compiled(engine._step)
    values = [variable.value for variable in engine.learner.variables]
    shared = engine.sharing.everywhere((values, (case.features, case.labels), [np.arange(BATCH_SIZE)]))
    Path(out).write_text(step.lower(*shared, np.float64(0.1)).compile().as_text())


if __name__ == "__main__":
    main(sys.argv[1])
