"""A recording's training as one side of a diff: its arrays of one pass, in float64 and the framework's own layout."""

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from twintrain.recordings.archive import Recording
from twintrain.recordings.comparing.operations.recurrent import GATES
from twintrain.recordings.comparing.side import PERTURBED, Side
from twintrain.recordings.comparing.training import losses, update_rules
from twintrain.recordings.comparing.training.losses import LossRule
from twintrain.recordings.comparing.training.update_rules import UpdateRule
from twintrain.recordings.contents import Weight
from twintrain.recordings.fit import Fit, Rule
from twintrain.recordings.samples import Digest, is_whole

# Options of optimizers that are fields of our rules, or say what others already say.
DECAYS = {"weight_decay", "decoupled", "no_decay", "groups", "weights"}
# What decouples its weight decay by definition.
DECOUPLED = {"adamw": "adam"}
# Layers whose arrays frameworks divide in ways of their own: by gates, heads, query, key and value.
IN_PARTS = (*GATES, "attention")


class Trained:
    """The training of one side in one pass.

    Attributes:
        side: of which it is a view.
        fit: what the recording says of it.
        losses: before each step, (steps,), of the loss with penalties.
        penalty: of the first loss.
        predictions: what the model gave before the first step.
        targets: the arrays of `y`.
    """

    def __init__(self, side: Side, fit: Fit, pass_: str | None = None) -> None:
        self.side, self.fit, self.pass_ = side, fit, pass_ or side.pass_
        recording = side.recording
        self.losses = np.asarray(recording.losses(self.pass_), np.float64)
        self.penalty = recording.penalty(self.pass_)
        self.predictions = [_exact(array) for array in recording.predictions(self.pass_)]
        self.targets = [_exact(array) for array in recording.targets(self.pass_)]
        self.names = [weight.name for weight in recording.weights if self._is_comparable(weight)]

    @functools.cached_property
    def perturbed(self) -> "Trained | None":
        """The same with weights changed in the last digits; None where that was not recorded."""
        name = PERTURBED.format(self.pass_)
        return Trained(self.side, self.fit, name) if name in self.side.recording.passes else None

    @functools.cached_property
    def gradients(self) -> dict[str, np.ndarray]:
        """Of the first loss, by name of the weight, for those that have one."""
        found = {name: self.side.recording.gradient(self.pass_, name) for name in self.names}
        return {name: self._kept(array) for name, array in found.items() if array is not None}

    def learns(self, name: str) -> bool:
        """Whether a weight has a gradient that is not zero throughout, and steps, where there are some, change it."""
        if not np.any(self.gradients.get(name, 0.0)):
            return False
        last = max(self.fit.steps, default=0)
        return not last or not np.array_equal(self.weights(last)[name], self.weights()[name])

    @functools.cached_property
    def next_gradients(self) -> dict[str, np.ndarray]:
        """The same of the second loss; none where only the first step, or not the first two, was recorded."""
        if self.fit.steps[:2] != [1, 2]:
            return {}
        found = {name: self.side.recording.next_gradient(self.pass_, name) for name in self.gradients}
        return {name: self._kept(array) for name, array in found.items() if array is not None}

    def squares(self, kind: str) -> dict[str, float]:
        """How many times the sum of the squares of what is known of a gradient that of all of it is, by name.

        Args:
            kind: "gradient" or "next_gradient".
        """
        recording = self.side.recording
        known, read = {
            "gradient": (self.gradients, recording.gradient),
            "next_gradient": (self.next_gradients, recording.next_gradient),
        }[kind]
        found = {}
        for weight in recording.weights:
            if weight.name not in known or is_whole(weight.shape, self.side.limit):
                continue
            digest = recording.digests.get(self.pass_, {}).get(f"{kind}/{weight.name}")
            digest = digest or Digest.of(read(self.pass_, weight.name))
            square = float(np.sum(known[weight.name] ** 2))
            found[weight.name] = math.prod(weight.shape) * (digest.deviation**2 + digest.mean**2) / (square or 1.0)
        return found

    @functools.lru_cache(maxsize=4)  # noqa: B019  a side lives as long as a diff
    def weights(self, step: int = 0) -> dict[str, np.ndarray]:
        """All weights after a recorded step, or before the first, by name."""
        recording = self.side.recording
        read: Callable[[str], np.ndarray] = (
            (lambda name: recording.weight_after(self.pass_, step, name))
            if step
            else (lambda name: recording.weight(self.pass_, name))
        )
        return {name: self._kept(read(name)) for name in self.names}

    def _is_comparable(self, weight: Weight) -> bool:
        """Whether both sides have the same of it: no samples of what frameworks keep in one array or in several."""
        split = {name for call in self.side.calls if call.op in IN_PARTS for name in call.weights.values()}
        return weight.name not in split or is_whole(weight.shape, self.side.limit)

    def _kept(self, array: np.ndarray) -> np.ndarray:
        return _exact(self.side.kept(array))

    @property
    def data_loss(self) -> float:
        """The first loss without penalties."""
        return float(self.losses[0]) - self.penalty

    @property
    def is_random(self) -> bool:
        """Whether numbers were drawn in it: a loop of the user's own that has dropout."""
        return self.fit.loop and bool(self.fit.dropout)

    @property
    def title(self) -> str:
        """How sentences call the side."""
        return self.side.title

    def loss_rule(self) -> LossRule | None:
        """The loss as it was recorded; None for one that has no word of ours."""
        rule, framework = self.fit.loss, self.side.recording.framework
        if rule.op is None:
            return None
        return LossRule(rule.op, {**losses.FORMS.get(framework, {}), **rule.options})

    def update_rule(self) -> UpdateRule | None:
        """The optimizer as it was recorded; None where there is none, or one that has no word of ours."""
        rule = self.fit.optimizer
        if rule is None or rule.op is None:
            return None
        options, decays = _options(rule.options), self._decays(rule)
        if any(_options({**rule.options, **group}) != options for group in rule.options.get("groups") or ()):
            return None  # of several rates, say, by groups of weights
        op = DECOUPLED.get(rule.op, rule.op)
        forms = update_rules.FORMS.get(self.side.recording.framework, {}).get(op, {})
        is_decoupled = rule.op in DECOUPLED or rule.options.get("decoupled")
        return UpdateRule(op, {**forms, **options}, **{"decoupled" if is_decoupled else "decay": decays})

    def _decays(self, rule: Rule) -> dict[str, float]:
        """The weight decay of each weight that has one, by name."""
        strengths = dict.fromkeys(self.gradients, _strength(rule.options))
        for group in rule.options.get("groups") or ():
            strengths |= dict.fromkeys(group["weights"], _strength(group))
        spared = set(rule.options.get("no_decay") or ())
        return {name: float(each) for name, each in strengths.items() if each and name not in spared}


def _strength(options: Mapping[str, Any]) -> float:
    """By how much weights decay; by ASGD's second setting too, which is also by how much its rate does."""
    return (options.get("weight_decay") or 0.0) + (options.get("rate_decay") or 0.0)


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    """What an optimizer computes but for weight decay."""
    return {name: value for name, value in given.items() if name not in DECAYS and value is not None}


def _exact(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def is_trained(recording: Recording, pass_: str) -> bool:
    """Whether a pass of a recording has a training."""
    return recording.fit is not None and f"{pass_}/losses" in recording.arrays
