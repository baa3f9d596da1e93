"""Trains two networks against each other on digits: python -m examples.course.gan FRAMEWORK OUT.npz [ROUNDS]

A generator makes pictures of noise, a discriminator tells them from real ones, and each learns from what the other does
(Goodfellow et al. 2014, with the generator's loss −log D(G(z)) of its section 3). Three networks stand for two: the
discriminator alone, the generator with a frozen discriminator behind it, and the generator alone, which is never
trained. Noise, batches and weights at first are one for both frameworks. All is float64; one framework a process.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from examples.course.trainings import experiment
from twintrain.data.schema import Schema
from twintrain.frameworks import framework_module
from twintrain.models.initial_weights import draw_weights
from twintrain.models.network import Network, place_layers
from twintrain.settings.sections.training import Train
from twintrain.training.batches import epoch_batches

PIXELS, NOISE = 28 * 28, 32
GENERATOR = [
    {"dense": {"units": 128}, "name": "from_noise"},
    {"activation": {"function": "relu"}},
    {"dense": {"units": PIXELS}, "name": "to_pixels"},
]
SHOWN = [{"activation": {"function": "sigmoid"}, "name": "pixels"}]
DISCRIMINATOR = [
    {"dense": {"units": 128}, "name": "from_pixels"},
    {"activation": {"function": "leaky_relu", "negative_slope": 0.2}},
    {"dense": {"units": "outputs"}, "name": "real"},
]
FROZEN = ["from_pixels", "real"]
ROUNDS, BATCH_SIZE, SEED = 3000, 64, 0
OPTIMIZER = {"name": "adam", "learning_rate": 0.0005, "beta_1": 0.5}
PICTURES = 30


def network(layers: list[Any], inputs: int, outputs: int = 1) -> Network:
    """A network of vectors; of one output it is the logit of being real."""
    schema = Schema(
        dataset="digits and noise",
        task="binary" if outputs == 1 else "regression",
        labels=["made", "real"] if outputs == 1 else [],
        input_shape=[inputs],
        input_dtype="float",
        categories=None,
        feature_names=None,
        outputs=outputs,
    )
    return place_layers(layers, "gan", "aligned", schema, Path("gan"))


class Opponents:
    """Generator and discriminator in one framework."""

    def __init__(self, framework: str) -> None:
        self.backend = framework_module(framework, "backend").Backend
        self.discriminator = self._built(network(DISCRIMINATOR, PIXELS))
        self.both = self._built(network([*GENERATOR, *SHOWN, *DISCRIMINATOR], NOISE), freeze=FROZEN)
        self.generator = self._built(network([*GENERATOR, *SHOWN], NOISE, PIXELS))

    def _built(self, placed: Network, freeze: list[str] | None = None) -> Any:
        settings = {"dtype": "float64", "batch_size": BATCH_SIZE, "optimizer": OPTIMIZER, "freeze": freeze or []}
        built = self.backend(placed, Train.model_validate(settings))
        built.load_weights(draw_weights(placed, SEED))
        return built

    def pictures(self, noise: np.ndarray) -> np.ndarray:
        """What the generator makes of noise, float64 (rows, PIXELS) from 0 to 1."""
        weights = self.both.weights()
        self.generator.load_weights({name: weights[name] for name in self.generator.weights()})
        return self.generator.predict(noise)

    def train(self, real: np.ndarray, noise: np.ndarray) -> tuple[float, float]:
        """Takes a step of each; returns their losses before it, the discriminator's first."""
        made = self.pictures(noise)
        told = _step(self.discriminator, np.concatenate([real, made]), np.repeat([1, 0], [len(real), len(made)]))
        self.both.load_weights(self.both.weights() | self.discriminator.weights())
        fooled = _step(self.both, noise, np.ones(len(noise), np.int64))
        return told, fooled


def _step(backend: Any, features: np.ndarray, labels: np.ndarray) -> float:
    backend.load_rows(features, labels)
    loss, _ = backend.train_epoch(epoch_batches(len(features), None, SEED, 0), np.array([OPTIMIZER["learning_rate"]]))
    return loss


def learn(framework: str, rounds: int = ROUNDS) -> tuple[np.ndarray, np.ndarray]:
    """The losses of each round, float64 (rounds, 2), and pictures at the end, float64 (PICTURES, 28, 28)."""
    _, _, parts = experiment("mnist5k")
    digits = parts["train"].features.reshape(-1, PIXELS).astype(np.float64)
    rng, opponents = np.random.default_rng(SEED), Opponents(framework)
    losses = [
        opponents.train(digits[rng.integers(len(digits), size=BATCH_SIZE)], rng.normal(size=(BATCH_SIZE, NOISE)))
        for _ in range(rounds)
    ]
    return np.array(losses), opponents.pictures(rng.normal(size=(PICTURES, NOISE))).reshape(-1, 28, 28)


def draw(path: Path, made: dict[str, np.ndarray]) -> None:
    """Draws pictures, (PICTURES, 28, 28) by title, one set under the other."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 2.6 * len(made)), layout="constrained")
    for axes, (title, pictures) in zip(figure.subplots(len(made)), made.items(), strict=True):
        rows = [np.concatenate(list(row), axis=1) for row in pictures.reshape(3, -1, 28, 28)]
        axes.imshow(np.concatenate(rows), cmap="gray_r", vmin=0, vmax=1)
        axes.set(title=title, xticks=[], yticks=[])
    figure.savefig(path, dpi=80)


def main(framework: str, out: str, rounds: str = str(ROUNDS)) -> None:
    """Runs one framework's side."""
    losses, pictures = learn(framework, int(rounds))
    np.savez(out, losses=losses, pictures=pictures)


if __name__ == "__main__":
    main(*sys.argv[1:])
