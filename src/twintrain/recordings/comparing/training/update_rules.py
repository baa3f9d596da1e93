"""What optimizers make of weights and gradients, one step after another, in NumPy and float64.

Options are those of recordings. Where the frameworks compute one optimizer in two forms, the form is an option too:

- `epsilon_is_added_to`, in Adam: "corrected root", that of the corrected second moment (Kingma and Ba 2015, algorithm
  1), or "root", that of the moment itself ("epsilon hat" in section 2 there); in RMSprop and Adagrad "root", or
  "square", before the root is taken; in Adamax "magnitude", each one's, or "maximum", the largest of them.
- `rate_in_momentum` of SGD: whether the learning rate is part of what momentum keeps, which shows when it changes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

Arrays = Mapping[str, np.ndarray]
Coefficients = Mapping[str, float]
State = dict[str, Any]
Options = Mapping[str, Any]
Change = Callable[[Options, int, np.ndarray, State], np.ndarray]

# How each framework computes an optimizer, where that is none of its options.
FORMS: dict[str, dict[str, dict[str, Any]]] = {
    "torch": {"sgd": {"rate_in_momentum": False}, "adamax": {"epsilon_is_added_to": "magnitude"}},
    "keras": {
        "sgd": {"rate_in_momentum": True},
        "adamax": {"epsilon_is_added_to": "maximum"},
        "nadam": {"momentum_decay": 1.0},
    },
}


@dataclass(frozen=True)
class UpdateRule:
    """An optimizer, and what else changes weights or gradients on the way.

    Attributes:
        op: "sgd", "adam", "rmsprop", "adagrad", "adadelta", "adamax", "nadam", "radam", "asgd", "rprop" or "lion".
        options: of the optimizer: rates, moments, epsilon and limits of gradients.
        penalty: what times a weight is part of its gradient before gradients are limited, by names of weights.
        decay: what times a weight is added to its gradient after they are limited.
        decoupled: what times learning rate and weight is taken off the weight (Loshchilov and Hutter 2019).
        frozen: names of weights that have gradients and are not changed.
    """

    op: str
    options: Options
    penalty: Coefficients = field(default_factory=dict)
    decay: Coefficients = field(default_factory=dict)
    decoupled: Coefficients = field(default_factory=dict)
    frozen: frozenset[str] = frozenset()

    def with_options(self, **options: Any) -> "UpdateRule":
        """The rule with other options; those that are None are left out."""
        found = {**self.options, **options}
        return replace(self, options={name: value for name, value in found.items() if value is not None})

    def after(
        self, weights: Arrays, gradients: Sequence[Arrays], squares: Sequence[Coefficients] = ()
    ) -> list[dict[str, np.ndarray]]:
        """The weights after each step; as many as there are gradients, none of an optimizer that is not known.

        Args:
            weights: those that are trained, by name, before the first step, or samples of them.
            gradients: before each step, of the loss without penalties; the same samples.
            squares: see `limited`, for each step.
        """
        change = RULES.get(self.op)
        held, found = dict(weights), []
        states: dict[str, State] = {name: {} for name in weights}
        for step, given in enumerate(gradients if change else (), start=1):
            held = self._stepped(change, step, held, given, states, squares[step - 1] if squares else {})
            found.append(held)
        return found

    def _stepped(
        self,
        change: "Change",
        step: int,
        held: Arrays,
        given: Arrays,
        states: Mapping[str, State],
        squares: Coefficients,
    ) -> dict[str, np.ndarray]:
        options = {**self.options, "learning_rate": rate_at(self.options, step)}
        penalized = {name: given[name] + self.penalty.get(name, 0.0) * held[name] for name in held}
        found = dict(held)
        for name, gradient in limited(penalized, options, squares).items():
            if name in self.frozen:
                continue
            decayed = gradient + self.decay.get(name, 0.0) * held[name]
            kept = 1 - options["learning_rate"] * self.decoupled.get(name, 0.0)
            found[name] = kept * held[name] - change(options, step, decayed, states[name])
        return found


def rate_at(options: Options, step: int) -> float:
    """The learning rate of a step, counted from one: of a schedule, the last one known goes on."""
    rates = options.get("learning_rates") or [options["learning_rate"]]
    return float(rates[min(step, len(rates)) - 1])


def limited(gradients: Arrays, options: Options, squares: Coefficients | None = None) -> dict[str, np.ndarray]:
    """Gradients within the limits: `clip_value` of each number, `clip_norm` of each array, `global_clip_norm` of all.

    A norm is divided by itself and multiplied by the limit where it is above it (Pascanu, Mikolov and Bengio 2013).

    Args:
        squares: where gradients are samples, how many times theirs the sum of all squares is, by name.
    """
    found = dict(gradients)
    whole = squares or {}
    if (limit := options.get("clip_value")) is not None:
        found = {name: np.clip(each, -limit, limit) for name, each in found.items()}
    if (limit := options.get("clip_norm")) is not None:
        found = {name: each * _within(limit, _square(each) * whole.get(name, 1.0)) for name, each in found.items()}
    if (limit := options.get("global_clip_norm")) is not None:
        share = _within(limit, sum(_square(each) * whole.get(name, 1.0) for name, each in found.items()))
        found = {name: each * share for name, each in found.items()}
    return found


def _square(array: np.ndarray) -> float:
    return float(np.sum(array**2))


def _within(limit: float, square: float) -> float:
    norm = np.sqrt(square)
    return limit / norm if norm > limit else 1.0


def _sgd(options: Options, step: int, gradient: np.ndarray, state: State) -> np.ndarray:
    """Gradient descent with momentum (Polyak 1964; Nesterov's as in Sutskever, Martens, Dahl and Hinton 2013)."""
    rate, momentum = options["learning_rate"], options.get("momentum", 0.0)
    if not momentum:
        return rate * gradient
    inner, outer = (rate, 1.0) if options.get("rate_in_momentum") else (1.0, rate)
    share = 1.0 if step == 1 else 1 - options.get("dampening", 0.0)
    state["kept"] = momentum * state.get("kept", 0.0) + share * inner * gradient
    if options.get("nesterov"):
        return outer * (inner * gradient + momentum * state["kept"])
    return outer * state["kept"]


def _moments(options: Options, gradient: np.ndarray, state: State) -> tuple[np.ndarray, np.ndarray]:
    for name, beta, value in (("first", "beta_1", gradient), ("second", "beta_2", gradient**2)):
        state[name] = options[beta] * state.get(name, 0.0) + (1 - options[beta]) * value
    return state["first"], state["second"]


def _adam(options: Options, step: int, gradient: np.ndarray, state: State) -> np.ndarray:
    """Kingma and Ba 2015, algorithm 1; AMSGrad: Reddi, Kale and Kumar 2018, algorithm 2."""
    first, second = _moments(options, gradient, state)
    if options.get("amsgrad"):
        second = state["largest"] = np.maximum(state.get("largest", 0.0), second)
    correction = np.sqrt(1 - options["beta_2"] ** step)
    epsilon = options["epsilon"] / (correction if options.get("epsilon_is_added_to") == "root" else 1.0)
    corrected = first / (1 - options["beta_1"] ** step)
    return options["learning_rate"] * corrected / (np.sqrt(second) / correction + epsilon)


def _nadam(options: Options, step: int, gradient: np.ndarray, state: State) -> np.ndarray:
    """Dozat 2016, algorithm 2, with the momentum's warming up as the frameworks have it."""
    first, second = _moments(options, gradient, state)
    slowness = options.get("momentum_decay", 4e-3)
    now, ahead = (options["beta_1"] * (1 - 0.5 * 0.96 ** (at * slowness)) for at in (step, step + 1))
    state["product"] = state.get("product", 1.0) * now
    corrected = ahead * first / (1 - state["product"] * ahead) + (1 - now) * gradient / (1 - state["product"])
    return (
        options["learning_rate"] * corrected / (np.sqrt(second / (1 - options["beta_2"] ** step)) + options["epsilon"])
    )


def _radam(options: Options, step: int, gradient: np.ndarray, state: State) -> np.ndarray:
    """Liu et al. 2020, algorithm 2: without the second moment as long as too little of it is known."""
    first, second = _moments(options, gradient, state)
    corrected = options["learning_rate"] * first / (1 - options["beta_1"] ** step)
    kept = options["beta_2"] ** step
    most = 2 / (1 - options["beta_2"]) - 1
    length = most - 2 * step * kept / (1 - kept)
    if length <= 5:  # PyTorch's bound; the paper's is 4
        return corrected
    share = (length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)
    return corrected * np.sqrt(share * (1 - kept)) / (np.sqrt(second) + options["epsilon"])


def _lion(options: Options, step: int, gradient: np.ndarray, state: State) -> np.ndarray:
    """Chen et al. 2023, algorithm 2."""
    kept = state.get("kept", 0.0)
    state["kept"] = options["beta_2"] * kept + (1 - options["beta_2"]) * gradient
    return options["learning_rate"] * np.sign(options["beta_1"] * kept + (1 - options["beta_1"]) * gradient)


def _rprop(options: Options, step: int, gradient: np.ndarray, state: State) -> np.ndarray:
    """Riedmiller and Braun 1993, without going back: where a gradient turns round, that number rests for a step."""
    turns = np.sign(gradient * state.get("gradient", 0.0))
    factors = np.where(turns > 0, options["eta_plus"], np.where(turns < 0, options["eta_minus"], 1.0))
    size = state.get("size", options["learning_rate"]) * factors
    state["size"] = np.clip(size, options["smallest_step"], options["largest_step"])
    state["gradient"] = np.where(turns < 0, 0.0, gradient)
    return np.sign(state["gradient"]) * state["size"]


def _asgd(options: Options, step: int, gradient: np.ndarray, state: State) -> np.ndarray:
    """Polyak and Juditsky 1992, with rates that fall as in Bottou 2012, section 2; the averages are left aside."""
    rate, fall = options["learning_rate"], options["rate_decay"]
    return rate / (1 + fall * rate * (step - 1)) ** options["power"] * gradient


def _adamax(options: Options, step: int, gradient: np.ndarray, state: State) -> np.ndarray:
    """Kingma and Ba 2015, algorithm 2."""
    first, _ = _moments(options, gradient, state)
    is_inside = options.get("epsilon_is_added_to") == "magnitude"
    magnitude = np.abs(gradient) + (options["epsilon"] if is_inside else 0.0)
    state["norm"] = np.maximum(options["beta_2"] * state.get("norm", 0.0), magnitude)
    divisor = state["norm"] + (0.0 if is_inside else options["epsilon"])
    return options["learning_rate"] / (1 - options["beta_1"] ** step) * first / divisor


def _rmsprop(options: Options, step: int, gradient: np.ndarray, state: State) -> np.ndarray:
    """Tieleman and Hinton 2012, lecture 6.5; centered: Graves 2013, equations 38 to 45."""
    rho = options["rho"]
    state["square"] = rho * state.get("square", 0.0) + (1 - rho) * gradient**2
    spread = state["square"]
    if options.get("centered"):
        state["mean"] = rho * state.get("mean", 0.0) + (1 - rho) * gradient
        spread = spread - state["mean"] ** 2
    change = gradient / _root(spread, options)
    if momentum := options.get("momentum"):
        change = state["kept"] = momentum * state.get("kept", 0.0) + change
    return options["learning_rate"] * change


def _adagrad(options: Options, step: int, gradient: np.ndarray, state: State) -> np.ndarray:
    """Duchi, Hazan and Singer 2011, equation 1 with the diagonal of the matrix."""
    state["sum"] = state.get("sum", options.get("initial_accumulator_value", 0.0)) + gradient**2
    rate = options["learning_rate"] / (1 + (step - 1) * options.get("lr_decay", 0.0))
    return rate * gradient / _root(state["sum"], options)


def _adadelta(options: Options, step: int, gradient: np.ndarray, state: State) -> np.ndarray:
    """Zeiler 2012, algorithm 1."""
    rho, epsilon = options["rho"], options["epsilon"]
    state["square"] = rho * state.get("square", 0.0) + (1 - rho) * gradient**2
    change = np.sqrt(state.get("change", 0.0) + epsilon) / np.sqrt(state["square"] + epsilon) * gradient
    state["change"] = rho * state.get("change", 0.0) + (1 - rho) * change**2
    return options["learning_rate"] * change


def _root(square: np.ndarray, options: Options) -> np.ndarray:
    epsilon = options["epsilon"]
    return np.sqrt(square + epsilon) if options.get("epsilon_is_added_to") == "square" else np.sqrt(square) + epsilon


RULES: dict[str, Change] = {
    "sgd": _sgd,
    "adam": _adam,
    "rmsprop": _rmsprop,
    "adagrad": _adagrad,
    "adadelta": _adadelta,
    "adamax": _adamax,
    "nadam": _nadam,
    "radam": _radam,
    "lion": _lion,
    "rprop": _rprop,
    "asgd": _asgd,
}
