"""Trains until worker 1 dies, or ends with what a user reads of it: python dying_worker.py FRAMEWORK

The environment says which worker it is (`training.workers.worker`).
"""

import os
import sys

import numpy as np
from shared_networks import shared_cases, trainings

from twintrain.data.parts import Part
from twintrain.errors import UserError
from twintrain.frameworks import framework_module
from twintrain.training.steps import take_steps
from twintrain.training.workers.worker import Worker

EPOCHS = 10_000


def main(framework: str) -> None:
    case, settings = shared_cases()["mlp"], trainings("float64")["sgd"]
    part = Part(case.features, case.labels, np.arange(len(case.labels)))
    backend = framework_module(framework, "backend").Backend(case.network, settings)
    for epoch in range(EPOCHS):
        try:
            take_steps(backend, settings, part, 0, 2)
        except UserError as error:
            print(error)
            return
        if epoch == 1 and Worker.of_environment().rank == 1:
            os.abort()


if __name__ == "__main__":
    main(sys.argv[1])
