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
    """Weights before and after, and the names of the arrays that have a gradient."""
    _, shape, patterns, _ = NETWORKS[name]
    features, labels = rows(shape)
    options = Train(batch_size=BATCH_SIZE, dtype="float64", freeze=patterns, **settings)
    part = Part(features, labels, np.arange(len(labels)))
    backend = framework_module(framework, "backend").Backend(network(name), options)
    backend.load_weights(varied(draw_weights(backend.network, 0)))
    before = backend.weights()
    take_steps(backend, options, part, 0, STEPS)
    after = backend.weights()
    _, gradients = backend.gradients(features[:BATCH_SIZE], labels[:BATCH_SIZE])
    predicted = backend.predict(features)
    return {
        **{f"before|{array}": value for array, value in before.items()},
        **{f"after|{array}": value for array, value in after.items()},
        "gradients|names": np.array(list(gradients)),
        "predicted|": predicted,
        "parameters|": np.array(backend.parameter_count()),
    }


def main(framework, out):
    found = {}
    cases = [
        *((name, training, settings) for name in NETWORKS for training, settings in TRAININGS.items()),
        *(("vector", name, {"optimizer": optimizer}) for name, optimizer in OPTIMIZERS.items()),
    ]
    for name, training, settings in cases:
        made = train(framework, name, settings)
        found |= {f"{name}|{training}|{key}": array for key, array in made.items()}
    np.savez(out, **found)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
