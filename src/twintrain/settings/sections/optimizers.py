"""Update rules and learning rates, and what `aligned` writes out where a setting is left open."""

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from twintrain.errors import shown
from twintrain.settings.sections.section import LearningRate, Rule, Section, Share, Steps, Strength

# What `aligned` writes out where the optimizer leaves something open; PyTorch's form is the definition.
# In `native`, what is left open is each framework's own.
ADAM = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8}
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": {"momentum": 0.0, "nesterov": False},
    "adagrad": {"initial_accumulator_value": 0.0, "epsilon": 1e-10, "lr_decay": 0.0},
    "adadelta": {"rho": 0.9, "epsilon": 1e-6},
    "rmsprop": {"rho": 0.99, "momentum": 0.0, "epsilon": 1e-8, "centered": False},
    "adam": {**ADAM, "amsgrad": False},
    "adamax": ADAM,
    "nadam": {**ADAM, "momentum_decay": 4e-3},
    "adamw": {**ADAM, "amsgrad": False, "weight_decay": 0.01},
    "lion": {"beta_1": 0.9, "beta_2": 0.99, "weight_decay": 0.0},
    "lamb": {**ADAM, "epsilon": 1e-6, "weight_decay": 0.01},
    "rprop": {"etas": [0.5, 1.2], "step_sizes": [1e-6, 50.0]},
    "asgd": {"lambd": 1e-4, "alpha": 0.75},
    "lbfgs": {"max_iter": 20, "history_size": 100, "line_search_fn": None},
}
TORCH_ALONE = {"lbfgs": "evaluates the loss several times a step, and Keras has no such loop"}
# What the frameworks' own optimizers, those of `native`, lack.
TORCH_HAS_NO = ("lion", "lamb")
KERAS_HAS_NO = ("rprop", "asgd")
KERAS_HAS_NO_OPTION = {"adagrad": ("lr_decay",), "nadam": ("momentum_decay",)}
# Rules whose steps look at the sign of numbers, which rounding turns where they are near 0.
BY_SIGN = ("lion", "rprop")
# What a schedule has where it leaves something open; counted in epochs, but for `warmup`, which counts steps.
SCHEDULES: dict[str, dict[str, Any]] = {
    "constant": {"warmup": 0},
    "step": {"step_size": 10, "gamma": 0.1, "warmup": 0},
    "exponential": {"gamma": 0.95, "warmup": 0},
    "cosine": {"minimum": 0.0, "warmup": 0},
    "one_cycle": {"pct_start": 0.3, "div_factor": 25.0, "final_div_factor": 1e4},
    "plateau": {"factor": 0.1, "patience": 10, "min_delta": 1e-4, "minimum": 0.0, "warmup": 0},
}


class Optimizer(Rule):
    """An update rule. Options left at null are those of OPTIMIZERS (in `native`: each framework's own)."""

    OPTIONS: ClassVar[dict[str, dict[str, Any]]] = OPTIMIZERS
    SHARED: ClassVar[set[str]] = {"name", "learning_rate"}

    name: Literal[
        "sgd",
        "adagrad",
        "adadelta",
        "rmsprop",
        "adam",
        "adamax",
        "nadam",
        "adamw",
        "lion",
        "lamb",
        "rprop",
        "asgd",
        "lbfgs",
    ] = "adam"
    learning_rate: LearningRate = 1e-3
    momentum: Share | None = None
    nesterov: bool | None = None
    initial_accumulator_value: Strength | None = None
    lr_decay: Strength | None = None
    rho: Share | None = None
    centered: bool | None = None
    beta_1: Share | None = None
    beta_2: Share | None = None
    epsilon: Strength | None = None
    amsgrad: bool | None = None
    momentum_decay: Strength | None = None
    weight_decay: Strength | None = None
    etas: list[LearningRate] | None = Field(None, min_length=2, max_length=2)
    step_sizes: list[LearningRate] | None = Field(None, min_length=2, max_length=2)
    lambd: Strength | None = None
    alpha: Strength | None = None
    max_iter: Steps | None = None
    history_size: int | None = Field(None, ge=1, le=10_000)
    line_search_fn: Literal["strong_wolfe"] | None = None

    @model_validator(mode="after")
    def _options_fit_together(self) -> "Optimizer":
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0")
        if self.etas and not 0 < self.etas[0] < 1 < self.etas[1]:
            raise ValueError(f"etas: expected one factor between 0 and 1 and one above 1, got {self.etas}")
        if self.step_sizes and not 0 < self.step_sizes[0] <= self.step_sizes[1]:
            raise ValueError(
                f"step_sizes: expected the smallest above 0, then the largest, got {shown(self.step_sizes)}"
            )
        return self


class Schedule(Rule):
    """How the learning rate changes. Options left at null are those of SCHEDULES; see `training.schedule`."""

    OPTIONS: ClassVar[dict[str, dict[str, Any]]] = SCHEDULES

    name: Literal["constant", "step", "exponential", "cosine", "one_cycle", "plateau"] = "constant"
    warmup: int | None = Field(None, ge=0, le=10**9)
    step_size: Steps | None = None
    gamma: float | None = Field(None, gt=0, le=1)
    minimum: Strength | None = None
    pct_start: float | None = Field(None, ge=0, le=1)
    div_factor: float | None = Field(None, ge=1, le=1e12)
    final_div_factor: float | None = Field(None, ge=1, le=1e12)
    factor: float | None = Field(None, gt=0, lt=1)
    patience: int | None = Field(None, ge=0, le=10**6)
    min_delta: Strength | None = None

    @property
    def is_constant(self) -> bool:
        """Whether the learning rate never changes."""
        return self.name == "constant" and not self.warmup


class Regularization(Section):
    """A penalty l1·Σ|w| + l2/2·Σw² on arrays of two or more axes; see `frameworks/*/gradients.py`."""

    l1: Strength = 0.0
    l2: Strength = 0.0


class Clip(Section):
    """Limits of the gradients, by their global norm and then by value; null: none."""

    norm: float | None = Field(None, gt=0, le=1e12)
    value: float | None = Field(None, gt=0, le=1e12)
