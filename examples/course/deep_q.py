"""Trains a network on the grid: python -m examples.course.deep_q FRAMEWORK OUT.npz [ROUNDS]

Deep Q-learning (Mnih et al. 2015): trials go into a memory, from which the network learns Q(s, ·) towards
R(s') + max Q'(s', ·), Q' being what it was some steps ago. Whatever is not the network is drawn and reckoned here, in
NumPy, from one seed, so that both frameworks live through the same trials as long as they value actions alike. All is
float64; one framework a process.
"""

import sys
from pathlib import Path

import numpy as np

from examples.course.grid_world import ACTIONS, MOST_STEPS, STATES, Process, process
from twintrain.data.schema import Schema
from twintrain.frameworks import framework_module
from twintrain.models.initial_weights import draw_weights
from twintrain.models.network import Network, place_layers
from twintrain.settings.sections.training import Train
from twintrain.training.batches import epoch_batches

LAYERS = [{"dense": {"units": 32}}, {"activation": {"function": "relu"}}, {"dense": {"units": "outputs"}}]
SEED = 0
ROUNDS = 4000
PLAYED = 8  # steps of a trial before each step of training
BATCH_SIZE, MEMORY = 64, 4096
RATE, LAST_RATE = 0.01, 0.0005
REFRESHED = 25  # steps of training after which Q' is what Q is then
CURIOUS, LEAST_CURIOUS = 1.0, 0.2
KEPT = 100  # steps of training between values that are written down


class Memory:
    """The last steps of all trials: state, action, state after it, int64 (steps, 3)."""

    def __init__(self) -> None:
        self.steps = np.zeros((0, 3), np.int64)

    def add(self, steps: list[tuple[int, int, int]]) -> None:
        self.steps = np.concatenate([self.steps, np.array(steps)])[-MEMORY:]

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        return self.steps[rng.integers(len(self.steps), size=BATCH_SIZE)]


class Player:
    """Goes through trials, one after the other, each from anywhere."""

    def __init__(self, world: Process, rng: np.random.Generator) -> None:
        self.world, self.rng, self.state, self.left = world, rng, 0, 0

    def play(self, values: np.ndarray, curious: float) -> list[tuple[int, int, int]]:
        """Takes some steps by values, float64 (states, actions), or by chance."""
        taken = []
        for _ in range(PLAYED):
            if not self.left or self.world.ends[self.state]:
                self.state, self.left = int(self.rng.choice(np.flatnonzero(~self.world.ends))), MOST_STEPS
            by_chance = self.rng.random() < curious
            action = int(self.rng.integers(ACTIONS)) if by_chance else int(values[self.state].argmax())
            after = self.world.step(self.state, action, self.rng)
            taken.append((self.state, action, after))
            self.state, self.left = after, self.left - 1
        return taken


def network() -> Network:
    """A field in, as one of STATES numbers that is 1; what each action is worth out."""
    schema = Schema(
        dataset="grid",
        task="regression",
        labels=[],
        input_shape=[STATES],
        input_dtype="float",
        categories=None,
        feature_names=None,
        outputs=ACTIONS,
    )
    return place_layers(LAYERS, "deep_q", "aligned", schema, Path("deep_q"))


def learn(framework: str, rounds: int = ROUNDS) -> np.ndarray:
    """What the network holds of each action, every KEPT steps of training, float64 (times, states, actions)."""
    placed, world = network(), process()
    settings = {"batch_size": BATCH_SIZE, "dtype": "float64", "optimizer": {"name": "adam", "learning_rate": RATE}}
    backend = framework_module(framework, "backend").Backend(placed, Train.model_validate(settings))
    backend.load_weights(draw_weights(placed, SEED))
    rng, memory, fields = np.random.default_rng(SEED), Memory(), np.eye(STATES)
    player, one_batch = Player(world, rng), epoch_batches(BATCH_SIZE, BATCH_SIZE, SEED, 0)
    values = before = backend.predict(fields)
    kept = []
    curious, rates = np.linspace(CURIOUS, LEAST_CURIOUS, rounds), np.geomspace(RATE, LAST_RATE, rounds)
    for number in range(rounds):
        memory.add(player.play(values, curious[number]))
        states, actions, after = memory.draw(rng).T
        wanted = values[states]
        wanted[np.arange(BATCH_SIZE), actions] = world.rewards[after] + np.where(
            world.ends[after], 0.0, before[after].max(1)
        )
        backend.load_rows(fields[states], wanted)
        backend.train_epoch(one_batch, rates[number : number + 1])
        values = backend.predict(fields)
        before = values if (number + 1) % REFRESHED == 0 else before
        if (number + 1) % KEPT == 0:
            kept.append(values)
    return np.array(kept)


def main(framework: str, out: str, rounds: str = str(ROUNDS)) -> None:
    """Runs one framework's side."""
    np.savez(out, values=learn(framework, int(rounds)))


if __name__ == "__main__":
    main(*sys.argv[1:])
