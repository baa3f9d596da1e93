"""What training lowers, and what is watched beside it."""

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from twintrain.errors import shown
from twintrain.settings.sections.section import MAX_NAMES, Section, Share, Strength

# Options of each loss with their values where params.yaml leaves them open.
LOSSES: dict[str, dict[str, float]] = {
    "cross_entropy": {"label_smoothing": 0.0},
    "binary_cross_entropy": {"label_smoothing": 0.0},
    "focal": {"gamma": 2.0},
    "kl_divergence": {"label_smoothing": 0.0},
    "hinge": {},
    "mse": {},
    "mae": {},
    "huber": {"delta": 1.0},
    "cosine": {},
    "dice": {},
}
# Losses that fit each task; the first is the task's own.
TASK_LOSSES: dict[str, tuple[str, ...]] = {
    "multiclass": ("cross_entropy", "focal", "kl_divergence", "hinge", "mse", "mae", "huber", "cosine"),
    "binary": ("binary_cross_entropy", "focal", "kl_divergence", "hinge", "mse", "mae", "huber"),
    "regression": ("mse", "mae", "huber", "cosine"),
    "reconstruction": ("mse", "mae", "huber", "cosine"),
    "segmentation": ("binary_cross_entropy", "focal", "dice"),
}
# Of masks as they are; all others take the pixels of masks for rows.
OF_MASKS = ("dice",)
# Parts of a whole that shares of mixed labels are counted in: a power of 2 is exact in every precision.
SHARES = 2**16
# Of a row's norm, below which cosine takes it for 1e-8.
SMALLEST_SQUARE = 1e-16
# What is watched beside the loss.
TASK_METRICS = {
    "multiclass": "accuracy",
    "binary": "accuracy",
    "regression": "mae",
    "reconstruction": "mae",
    "segmentation": "iou",
}
# Watched as well, and the better the larger.
GAINS = ("accuracy", "iou")


class Loss(Section):
    """What training lowers: the mean over the rows of (weight of the row's class) × (the row's term).

    Of masks the row's term is the mean over the pixels, each as a row of two classes; dice's is of the whole mask.

    Attributes:
        name: null for the task's own, the first of TASK_LOSSES.
        label_smoothing: of the cross entropies and kl_divergence: the share of a target that is spread evenly over all
            classes.
        class_weights: one a class, in the order of the labels; balanced: as `training.losses` computes them from the
            training rows; null: all 1.
        gamma: of focal: how much less rows weigh that are predicted well; null: 2.
        delta: of huber: where the squared error turns into a straight line; null: 1.
        weights: of several targets: what the loss of each counts in their sum, by its name; 1 where nothing is said.
    """

    name: (
        Literal[
            "cross_entropy",
            "binary_cross_entropy",
            "focal",
            "kl_divergence",
            "hinge",
            "mse",
            "mae",
            "huber",
            "cosine",
            "dice",
        ]
        | None
    ) = None
    label_smoothing: Share = 0.0
    class_weights: Annotated[list[Strength], Field(max_length=MAX_NAMES)] | Literal["balanced"] | None = None
    gamma: Strength | None = None
    delta: float | None = Field(None, gt=0, le=1e12)
    # Not there where they are null: digests of settings are then those of earlier versions.
    weights: dict[str, Strength] | None = Field(None, exclude_if=lambda weights: weights is None)

    @model_validator(mode="after")
    def _weighs_something(self) -> "Loss":
        if isinstance(self.class_weights, list) and not any(self.class_weights):
            raise ValueError(f"class_weights: expected at least one above 0, got {shown(self.class_weights)}")
        return self

    def weight_of(self, target: str) -> float:
        """What the loss of one of several targets counts in their sum."""
        return (self.weights or {}).get(target, 1.0)

    def name_for(self, task: str) -> str:
        """The named loss, or the task's own."""
        return self.name or TASK_LOSSES[task][0]

    def options_for(self, task: str) -> dict[str, float]:
        """Keyword arguments of the loss beside logits and labels."""
        given = {option: getattr(self, option) for option in LOSSES[self.name_for(task)]}
        return {**LOSSES[self.name_for(task)], **{name: value for name, value in given.items() if value is not None}}


def entropy_of_target(label_smoothing: float, classes: int) -> float:
    """Entropy in nats of a target of which a share is spread evenly over all classes."""
    right, other = 1 - label_smoothing + label_smoothing / classes, label_smoothing / classes
    return -sum(count * share * math.log(share) for share, count in ((right, 1), (other, classes - 1)) if share)
