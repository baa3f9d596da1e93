"""params.yaml as a whole. A stage reads params.yaml and nothing else; presets.py changes it."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from twintrain.errors import UserError, cut, unknown
from twintrain.settings.frameworks import FrameworkName
from twintrain.settings.sections.baselines import Baseline
from twintrain.settings.sections.data import Ingest, Preprocess, Split
from twintrain.settings.sections.optimizers import (
    KERAS_HAS_NO,
    KERAS_HAS_NO_OPTION,
    TORCH_ALONE,
    TORCH_HAS_NO,
    Optimizer,
)
from twintrain.settings.sections.precision import HALF
from twintrain.settings.sections.section import Section
from twintrain.settings.sections.training import Evaluate, Train
from twintrain.settings.yaml_files import read_yaml, validated
from twintrain.system import project


class Verify(Section):
    """Whether the twins are verified, which takes some 20 seconds, before they are compared."""

    enabled: bool = True


class Compare(Section):
    """How the frameworks are put side by side.

    Attributes:
        cost: what predictions take is measured, and decides between equals; else the first one is taken.
        margin: accuracies that differ by less count as equal; of numbers, a share of the smaller error.
    """

    allow_mixed: bool = False
    cost: bool = True
    margin: float = Field(0.01, gt=0, lt=1)


class Registry(Section):
    """What becomes of trained networks in MLflow's registry.

    Attributes:
        enabled: every training becomes a version of the registered model `<dataset>-<model>`.
        promote: one that passes the gate becomes the champion; else it is only said.
    """

    enabled: bool = True
    promote: bool = True


class Drift(Section):
    """When new rows count as drifted from the training rows: one of the limits is passed, and not by chance.

    Attributes:
        psi: population stability index of a column; over 0.2 is commonly called a significant shift.
        ks: Kolmogorov–Smirnov distance of a column, 0 to 1; 0.2 is a shift of half a standard deviation.
    """

    psi: float = Field(0.2, gt=0, le=1e6)
    ks: float = Field(0.2, gt=0, le=1)


class Serving(Section):
    """What a server of a model may take.

    Attributes:
        start_seconds: until it answers; TensorFlow alone may take half a minute to import where the machine is busy.
        request_seconds: for a request to come in, and again to be answered.
        request_bytes: of the body of a request.
    """

    start_seconds: float = Field(180, gt=0, le=86_400)
    request_seconds: float = Field(60, ge=1, le=86_400)
    request_bytes: int = Field(16 * 2**20, ge=1024, le=2**30)


class Tracking(Section):
    """Where MLflow keeps runs that no parent run and no MLFLOW_EXPERIMENT_NAME places, and what is kept beside it.

    Attributes:
        budget_seconds: what waiting for MLflow may cost a command, in all.
    """

    experiment: str = "Default"
    tensorboard: bool = False
    budget_seconds: float = Field(20.0, ge=0, le=3600)


class Params(Section):
    """The whole of params.yaml."""

    dataset: str
    model: str = Field(description="path of a layer list in YAML, or of a twin of the user's own in Python")
    mode: Literal["aligned", "native"] = "aligned"
    frameworks: list[FrameworkName] = Field(min_length=1, max_length=4)
    ingest: Ingest = Ingest()
    preprocess: Preprocess = Preprocess()
    split: Split = Split()
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    baseline: Baseline = Baseline()
    verify: Verify = Verify()
    compare: Compare = Compare()
    registry: Registry = Registry()
    drift: Drift = Drift()
    serving: Serving = Serving()
    tracking: Tracking = Tracking()

    @field_validator("model")
    @classmethod
    def _path_of_model(cls, model: str) -> str:
        return project.model_path(model)

    def of_seed(self, seed: int) -> "Params":
        """The same experiment with this seed alone."""
        return self.model_copy(update={"train": self.train.model_copy(update={"seed": seed, "seeds": None})})

    @property
    def model_name(self) -> str:
        """The name that runs and reports show."""
        return Path(self.model).stem

    @model_validator(mode="after")
    def _frameworks_differ(self) -> "Params":
        if len(set(self.frameworks)) < len(self.frameworks):
            raise ValueError(f"frameworks: expected each one once, got {self.frameworks}")
        return self

    @model_validator(mode="after")
    def _frameworks_have_the_optimizer(self) -> "Params":
        name = self.train.optimizer.name
        if name in TORCH_ALONE and self.frameworks != ["torch"]:
            raise ValueError(f"{name} {TORCH_ALONE[name]}; expected frameworks: [torch], got {self.frameworks}")
        if self.mode == "native" and "torch" in self.frameworks and name in TORCH_HAS_NO:
            raise ValueError(f"PyTorch has no {name} of its own; expected mode: aligned, or frameworks without torch")
        if self.mode == "native" and self.frameworks != ["torch"]:
            _check_native_keras(self.train.optimizer)
        return self

    @model_validator(mode="after")
    def _half_precision_is_of_layer_lists(self) -> "Params":
        if self.train.dtype in HALF and Path(self.model).suffix == ".py":
            raise ValueError(
                "train.dtype: which layers compute in half precision is known of a list of layers alone; "
                f"expected float32 or float64 for a network of your own, got {self.train.dtype}"
            )
        return self


def _check_native_keras(optimizer: Optimizer) -> None:
    if optimizer.name in KERAS_HAS_NO:
        raise ValueError(f"Keras has no {optimizer.name} of its own; expected mode: aligned, or frameworks: [torch]")
    for option in KERAS_HAS_NO_OPTION.get(optimizer.name, ()):
        if getattr(optimizer, option) is not None:
            raise ValueError(f"Keras's own {optimizer.name} has no {option}; leave it out, or take mode: aligned")


def load_params() -> Params:
    """Reads params.yaml.

    Raises:
        UserError: an unknown key, a wrong value, an unknown dataset or model.
    """
    return check_params(read_yaml(project.PARAMS), str(project.PARAMS))


def check_params(content: dict[str, Any], source: str) -> Params:
    """Checks the content of a params.yaml against the schema and against the names in conf/."""
    params = validated(Params, content, source)
    if params.dataset not in project.names_in(project.DATASETS):
        raise unknown("dataset", params.dataset, project.names_in(project.DATASETS), str(project.DATASETS))
    if not _is_file(params.model):
        if Path(params.model).suffix == ".py" or Path(params.model).parent != project.MODELS:
            raise UserError(f"{source}: model: there is no file {cut(params.model)}")
        raise unknown("model", params.model_name, project.names_in(project.MODELS), str(project.MODELS))
    return params


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except OSError:  # longer than names may be
        return False
