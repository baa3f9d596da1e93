"""Trains a small convolutional network: python gpu_worker.py FRAMEWORK DEVICE TF32 OUT; writes weights and facts."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from twin_cases import case_of, function, one

from twintrain.data.parts import Part
from twintrain.frameworks import framework_module
from twintrain.settings.sections.training import Train
from twintrain.training.steps import take_steps

ROWS, BATCH_SIZE, STEPS = 256, 64, 20
LAYERS = [
    *(one("conv2d", filters=16, kernel_size=3), function("relu"), one("flatten")),
    *(one("dense", units=64), function("relu")),
]


def main(framework: str, device: str, tf32: str, out: str) -> None:
    """Trains with the weights of the case, so that all frameworks begin alike."""
    case = case_of([16, 16, 3], LAYERS, 10, seed=0)
    rng = np.random.default_rng(0)
    rows = Part(rng.normal(size=(ROWS, 16, 16, 3)).astype(np.float32), rng.integers(0, 10, ROWS), np.arange(ROWS))
    train = Train(batch_size=BATCH_SIZE, threads=1, device=device, epochs=100)
    backend = framework_module(framework, "backend").Backend(case.network, train)
    backend.load_weights(case.weights)
    if tf32 == "on":
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
    take_steps(backend, train, rows, 0, STEPS)
    weights = backend.weights()
    started = time.perf_counter()
    take_steps(backend, train, rows, STEPS, 2 * STEPS)
    backend.weights()  # waits for what is still being computed
    facts = {**backend.facts(), "steps_per_second": STEPS / (time.perf_counter() - started)}
    facts["bytes"] = sum(array.nbytes for array in weights.values())
    facts["other_steps_per_second"] = _speed_otherwise(framework, backend, rows)
    np.savez(f"{out}.npz", **weights)
    Path(f"{out}.json").write_text(json.dumps(facts), "utf-8")


def _speed_otherwise(framework: str, backend: object, rows: Part) -> float:
    """Steps a second of the same network by `torch.compile`, of Keras by `model.fit`."""
    step = (_compiled if framework == "torch" else _fitted)(backend.model, rows)
    step()
    started = time.perf_counter()
    for _ in range(STEPS * BATCH_SIZE // ROWS):
        step()
    return STEPS / (time.perf_counter() - started)


def _compiled(model: torch.nn.Module, rows: Part):
    device = next(model.parameters()).device
    features, labels = torch.from_numpy(rows.features).to(device), torch.from_numpy(rows.labels).to(device)
    optimizer = torch.optim.Adam(model.parameters())
    compiled = torch.compile(model)

    def epoch() -> None:
        for start in range(0, ROWS, BATCH_SIZE):
            optimizer.zero_grad()
            found = compiled(features[start : start + BATCH_SIZE])
            torch.nn.functional.cross_entropy(found, labels[start : start + BATCH_SIZE]).backward()
            optimizer.step()
        labels.sum().item()  # waits

    return epoch


def _fitted(model, rows: Part):
    import keras

    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return lambda: model.fit(rows.features, rows.labels, batch_size=BATCH_SIZE, epochs=1, verbose=0)


if __name__ == "__main__":
    main(*sys.argv[1:])
