"""Trains networks with frozen layers: python freezing_worker.py FRAMEWORK OUT.npz"""

import sys
from pathlib import Path

import numpy as np
from freezing_cases import BATCH_SIZE, NETWORKS, STEPS, TRAININGS, network, rows
from twin_cases import OPTIMIZERS

from twintrain.data.parts import Part
from twintrain.frameworks import framework_module
from twintrain.models.initial_weights import draw_weights
from twintrain.settings.sections.training import Train
from twintrain.training.steps import take_steps
from twintrain.verification.recorder import varied


def train(framework, name, settings):
    """Weights before and after, and the trained network with a batch of its rows."""
    _, shape, patterns, _ = NETWORKS[name]
    features, labels = rows(shape)
    options = Train(batch_size=BATCH_SIZE, dtype="float64", freeze=patterns, **settings)
    part = Part(features, labels, np.arange(len(labels)))
    backend = framework_module(framework, "backend").Backend(network(name), options)
    backend.load_weights(varied(draw_weights(backend.network, 0)))
    before = backend.weights()
    take_steps(backend, options, part, 0, STEPS)
    arrays = {"before": before, "after": backend.weights()}
    found = {f"{what}|{array}": value for what, values in arrays.items() for array, value in values.items()}
    return found, backend, (features[:BATCH_SIZE], labels[:BATCH_SIZE])


def counted(backend, batch):
    """Names of the arrays that have a gradient, and the number of parameters that are trained."""
    _, gradients = backend.gradients(*batch)
    return {"gradients|names": np.array(list(gradients)), "parameters|": np.array(backend.parameter_count())}


def main(framework, out):
    found = {}
    cases = [
        *((name, training, settings) for name in NETWORKS for training, settings in TRAININGS.items()),
        *(("vector", name, {"optimizer": optimizer}) for name, optimizer in OPTIMIZERS.items()),
    ]
    for name, training, settings in cases:
        made, *trained = train(framework, name, settings)
        if training == "decayed":
            made |= counted(*trained)
        found |= {f"{name}|{training}|{key}": array for key, array in made.items()}
    np.savez(out, **found)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
