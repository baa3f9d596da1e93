"""How all twins are trained, and how a saved network is scored."""

from typing import Any, Literal

from pydantic import Field, create_model, field_validator, model_validator

from twintrain.errors import shown
from twintrain.settings.sections.losses import Loss
from twintrain.settings.sections.optimizers import Clip, Optimizer, Regularization, Schedule
from twintrain.settings.sections.precision import HALF, Precision
from twintrain.settings.sections.section import MAX_NAMES, BatchSize, Section, Seed, Steps, Strength


class Augmentation(Section):
    """Random changes of training images, anew in every epoch; see `training.augmentation`.

    Attributes:
        shift: largest shift in pixels, along each axis.
        rotation: largest angle in degrees, either way.
        crop: smallest share of the area that a crop keeps; 1: none.
        flip: probability of a horizontal mirror image.
        erasing: probability that a rectangle is erased.
        mixup: α of the shares that two images are added with, see `training.mixing`; 0: none.
        cutmix: α of the share that a rectangle of another image leaves; 0: none.
    """

    shift: int = Field(0, ge=0, le=10_000)
    rotation: float = Field(0.0, ge=0, le=180)
    crop: float = Field(1.0, gt=0, le=1)
    flip: float = Field(0.0, ge=0, le=1)
    erasing: float = Field(0.0, ge=0, le=1)
    mixup: float = Field(0.0, ge=0, le=100)
    cutmix: float = Field(0.0, ge=0, le=100)

    @property
    def is_on(self) -> bool:
        """Whether any image may change."""
        return self != Augmentation()

    @property
    def mixes(self) -> bool:
        """Whether images are mixed with others, and so are their labels."""
        return bool(self.mixup or self.cutmix)


class EarlyStopping(Section):
    """Stops when `val_loss` has not fallen by more than `min_delta` for `patience` epochs; null: never."""

    patience: Steps | None = None
    min_delta: Strength = 0.0


class TorchOptions(Section):
    """What only PyTorch has."""

    fused: bool = True


class KerasOptions(Section):
    """What only Keras on TensorFlow and on JAX has."""

    run_eagerly: bool = False


class NoOptions(Section):
    """Keras on PyTorch has nothing to set; the section is there because DVC looks for it."""


class _Train(Section):
    """How all twins are trained; the sections of frameworks with a hyphen in their name are in Train.

    Attributes:
        seeds: every framework trains once with each; the network of the first is evaluated in full, compared and
            registered, and `seed` is that one. null: `seed` alone.
        ema: decay of an exponential moving average of the weights, which is then what is validated, kept and saved;
            null: the weights themselves.
    """

    seed: Seed = 0
    seeds: list[Seed] | None = Field(None, min_length=1, max_length=1000)
    epochs: Steps = 10
    batch_size: BatchSize | None = 64
    loss: Loss = Loss()
    accumulate: Steps = 1
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    regularization: Regularization = Regularization()
    clip: Clip = Clip()
    ema: float | None = Field(None, gt=0, lt=1)
    augmentation: Augmentation = Augmentation()
    initial_model: str | None = None
    freeze: list[str] = Field([], max_length=MAX_NAMES)
    early_stopping: EarlyStopping = EarlyStopping()
    restore_best_weights: bool = True
    checkpoint_every: int = Field(1, ge=1, le=10**9)
    log_gradients: bool = False
    block_bytes: int = Field(2**31, ge=1, le=2**50)
    dtype: Precision = "float32"
    device: Literal["auto", "cpu", "gpu"] = "auto"
    threads: int | None = Field(None, ge=1, le=1024)
    workers: int = Field(1, ge=1, le=1024)
    launcher: str = Field("local", max_length=1000)
    deterministic: bool = True
    torch: TorchOptions = TorchOptions()
    keras: KerasOptions = KerasOptions()

    @model_validator(mode="before")
    @classmethod
    def _first_of_the_seeds_is_the_seed(cls, given: Any) -> Any:
        """What knows one seed alone (verify, sweep) then takes that of the network that is compared."""
        match given:
            case {"seeds": [int(first), *_]} if first >= 0:
                return {**given, "seed": first}
        return given

    @field_validator("seeds")
    @classmethod
    def _seeds_differ(cls, seeds: list[int] | None) -> list[int] | None:
        if seeds and len(set(seeds)) < len(seeds):
            raise ValueError(f"expected each seed once, got {shown(seeds)}")
        return seeds

    @field_validator("launcher")
    @classmethod
    def _launcher_is_known(cls, launcher: str) -> str:
        if launcher not in ("local", "ray") and "/" not in launcher:
            raise ValueError(f"expected local, ray, or the path of a program with a / in it, got {shown(launcher)}")
        return launcher

    @model_validator(mode="after")
    def _schedule_fits_the_optimizer(self) -> "_Train":
        minimum, rate = self.schedule.minimum or 0.0, self.optimizer.learning_rate
        if minimum > rate:
            raise ValueError(f"schedule.minimum: expected at most the learning_rate, {rate:g}, got {minimum:g}")
        if self.optimizer.name == "rprop" and not self.schedule.is_constant:
            raise ValueError("rprop adapts its step sizes itself; expected schedule.name: constant and no warmup")
        return self

    @model_validator(mode="after")
    def _lbfgs_steps_on_one_batch(self) -> "_Train":
        if self.optimizer.name == "lbfgs" and self.accumulate > 1:
            raise ValueError("lbfgs evaluates one batch several times a step; expected accumulate: 1")
        if self.optimizer.name == "lbfgs" and (self.clip.norm or self.clip.value):
            raise ValueError("lbfgs needs the gradients as they are; expected clip.norm: null and clip.value: null")
        if self.optimizer.name == "lbfgs" and self.dtype in HALF:
            raise ValueError(
                f"lbfgs takes differences of gradients, which half precision rounds away; "
                f"expected dtype: float32 or float64, got {self.dtype}"
            )
        return self

    def framework_options(self, framework: str) -> dict[str, Any]:
        """The section of one framework alone."""
        return getattr(self, framework).model_dump()


Train = create_model(
    "Train",
    __base__=_Train,
    **{"keras-jax": (KerasOptions, KerasOptions()), "keras-torch": (NoOptions, NoOptions())},
)


class Evaluate(Section):
    """How the saved model is scored."""

    batch_size: BatchSize = 1024
