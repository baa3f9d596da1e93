"""A Markov decision process: the grid of Russell and Norvig (Artificial Intelligence, 4th edition, 2021, chapter 17).

Four columns, three rows and a wall. A step goes where it is meant to go eight times of ten, and to each side once; who
would leave the grid or hit the wall stays. Each step costs 0.04; +1 and −1 end the game. Three ways to find out what a
field is worth and where to go from it: the equations solved (value iteration), trials that fill a table (Q-learning),
and trials that train a network (`deep_q.py`).
"""

from dataclasses import dataclass

import numpy as np

GRID = ("...+", ".#.-", "S...")
WIDTH = len(GRID[0])
ENDS = {"+": 1.0, "-": -1.0}
COST = -0.04
MOVES = {"up": (-1, 0), "right": (0, 1), "down": (1, 0), "left": (0, -1)}
ARROWS = "↑→↓←"
MEANT, ASIDE = 0.8, 0.1
FIELDS = [(row, column) for row, line in enumerate(GRID) for column, sign in enumerate(line) if sign != "#"]
NUMBERS = {field: number for number, field in enumerate(FIELDS)}
START = next(number for number, (row, column) in enumerate(FIELDS) if GRID[row][column] == "S")
STATES, ACTIONS = len(FIELDS), len(MOVES)
MOST_STEPS = 100  # of a trial


@dataclass(frozen=True)
class Process:
    """What the world does.

    Attributes:
        chances: float64 (states, actions, states), of the state after an action.
        rewards: float64 (states,), of coming there.
        ends: bool (states,), whether the game is over there.
    """

    chances: np.ndarray
    rewards: np.ndarray
    ends: np.ndarray

    def step(self, state: int, action: int, rng: np.random.Generator) -> int:
        """Draws the state after an action."""
        return int(rng.choice(STATES, p=self.chances[state, action]))


def process() -> Process:
    """The grid's."""
    signs = [GRID[row][column] for row, column in FIELDS]
    ends = np.array([sign in ENDS for sign in signs])
    chances = np.zeros((STATES, ACTIONS, STATES))
    for state, field in enumerate(FIELDS):
        for action in range(ACTIONS):
            for turn, chance in ((0, MEANT), (1, ASIDE), (-1, ASIDE)):
                chances[state, action, _after(field, (action + turn) % ACTIONS)] += chance
    rewards = np.array([ENDS.get(sign, COST) for sign in signs])
    return Process(chances, rewards, ends)


def _after(field: tuple[int, int], action: int) -> int:
    down, right = list(MOVES.values())[action]
    return NUMBERS.get((field[0] + down, field[1] + right), NUMBERS[field])


def value_iteration(world: Process, discount: float = 1.0, close: float = 1e-12) -> np.ndarray:
    """Solves Q(s, a) = Σ P(s'|s, a) (R(s') + γ max Q(s', ·)) by doing it over and over (Bellman 1957).

    Returns:
        what is to come after each action, float64 (states, actions); 0 at the ends.
    """
    found = np.zeros((STATES, ACTIONS))
    while True:
        following = np.where(world.ends, 0.0, found.max(1))
        better = world.chances @ (world.rewards + discount * following)
        better[world.ends] = 0.0
        if np.abs(better - found).max() < close:
            return better
        found = better


def q_learning(world: Process, trials: int, rng: np.random.Generator, curious: float = 0.2) -> np.ndarray:
    """Q ← Q + α (R(s') + max Q(s', ·) − Q) along trials (Watkins 1989), α = n^−0.7 at the n-th visit of (s, a).

    Args:
        curious: how often an action is drawn by chance, and not the best so far; each trial starts anywhere.

    Returns:
        as `value_iteration`.
    """
    found, visits = np.zeros((STATES, ACTIONS)), np.zeros((STATES, ACTIONS))
    for _ in range(trials):
        state = int(rng.choice(np.flatnonzero(~world.ends)))
        for _ in range(MOST_STEPS):
            action = int(rng.integers(ACTIONS)) if rng.random() < curious else int(found[state].argmax())
            after = world.step(state, action, rng)
            visits[state, action] += 1
            target = world.rewards[after] + (0.0 if world.ends[after] else found[after].max())
            found[state, action] += visits[state, action] ** -0.7 * (target - found[state, action])
            state = after
            if world.ends[state]:
                break
    return found


def mean_return(world: Process, values: np.ndarray, trials: int, rng: np.random.Generator) -> float:
    """What those who always take the best action get on the way from the start, on average."""
    total = 0.0
    for _ in range(trials):
        state = START
        for _ in range(MOST_STEPS):
            state = world.step(state, int(values[state].argmax()), rng)
            total += world.rewards[state]
            if world.ends[state]:
                break
    return total / trials


def drawn(world: Process, values: np.ndarray) -> list[str]:
    """Where to go, a line a row."""
    arrows = {FIELDS[state]: ARROWS[values[state].argmax()] for state in range(STATES) if not world.ends[state]}
    return [
        "".join(arrows.get((row, column), sign) for column, sign in enumerate(line)) for row, line in enumerate(GRID)
    ]
