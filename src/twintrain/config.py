"""params.yaml: one typed model a section. A stage reads params.yaml and nothing else; presets.py changes it."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from twintrain import project
from twintrain.errors import unknown
from twintrain.yaml_files import read_yaml, validated

FrameworkName = Literal["torch", "keras"]

# What `aligned` writes out where the optimizer leaves something open; PyTorch's form is the definition.
# In `native`, what is left open is each framework's own.
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": {"momentum": 0.0, "nesterov": False},
    "adam": {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8},
}


class Section(BaseModel):
    """A part of params.yaml: unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Ingest(Section):
    """From raw files to one validated table or image array."""

    bad_rows: Literal["error", "drop"] = "error"


class Preprocess(Section):
    """Encoding that learns nothing from the data."""

    categorical: Literal["codes", "onehot"] = "codes"


class Split(Section):
    """Train, validation and test rows; `val` and `test` are shares of all rows."""

    method: Literal["stratified", "same"] = "stratified"
    seed: int = Field(0, ge=0)
    val: float = Field(0.1, gt=0, lt=1)
    test: float = Field(0.2, gt=0, lt=1)
    scale: Literal["none", "standard"] = "none"

    @model_validator(mode="after")
    def _leaves_rows_to_train(self) -> "Split":
        if self.val + self.test >= 1:
            raise ValueError(f"val + test must leave rows to train on: expected under 1, got {self.val + self.test:g}")
        return self


class Optimizer(Section):
    """An update rule. Options left at null are those of OPTIMIZERS (in `native`: each framework's own)."""

    name: Literal["sgd", "adam"] = "adam"
    learning_rate: float = Field(1e-3, gt=0)
    momentum: float | None = Field(None, ge=0, lt=1)
    nesterov: bool | None = None
    beta_1: float | None = Field(None, ge=0, lt=1)
    beta_2: float | None = Field(None, ge=0, lt=1)
    epsilon: float | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _options_are_its_own(self) -> "Optimizer":
        for option in self.given() - OPTIMIZERS[self.name].keys():
            raise ValueError(f"{self.name} has no {option}; it has {', '.join(OPTIMIZERS[self.name])}")
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0")
        return self

    def given(self) -> set[str]:
        """Names of the options that are written out in params.yaml."""
        return {name for name, value in self if value is not None} - {"name", "learning_rate"}

    def options(self, mode: str) -> dict[str, Any]:
        """Keyword arguments beside the learning rate, in Keras's names."""
        given = {name: getattr(self, name) for name in self.given()}
        return given if mode == "native" else {**OPTIMIZERS[self.name], **given}


class EarlyStopping(Section):
    """Stops when `val_loss` has not fallen by more than `min_delta` for `patience` epochs; null: never."""

    patience: int | None = Field(None, ge=1)
    min_delta: float = Field(0.0, ge=0)


class TorchOptions(Section):
    """What only PyTorch has."""

    fused: bool = True


class KerasOptions(Section):
    """What only Keras has."""

    run_eagerly: bool = False


class Train(Section):
    """How both twins are trained."""

    seed: int = Field(0, ge=0)
    epochs: int = Field(10, ge=1)
    batch_size: int | None = Field(64, ge=1)
    optimizer: Optimizer = Optimizer()
    early_stopping: EarlyStopping = EarlyStopping()
    restore_best_weights: bool = True
    checkpoint_every: int = Field(1, ge=1)
    dtype: Literal["float32", "float64"] = "float32"
    device: Literal["auto", "cpu", "gpu"] = "auto"
    threads: int | None = Field(None, ge=1)
    deterministic: bool = True
    torch: TorchOptions = TorchOptions()
    keras: KerasOptions = KerasOptions()

    def framework_options(self, framework: str) -> dict[str, Any]:
        """The section of one framework alone."""
        return getattr(self, framework).model_dump()


class Evaluate(Section):
    """How the saved model is scored."""

    batch_size: int = Field(1024, ge=1)


class Tracking(Section):
    """Where MLflow keeps runs that no parent run and no MLFLOW_EXPERIMENT_NAME places."""

    experiment: str = "Default"


class Params(Section):
    """The whole of params.yaml."""

    dataset: str
    model: str
    mode: Literal["aligned", "native"] = "aligned"
    frameworks: list[FrameworkName] = Field(min_length=1)
    ingest: Ingest = Ingest()
    preprocess: Preprocess = Preprocess()
    split: Split = Split()
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    tracking: Tracking = Tracking()

    @model_validator(mode="after")
    def _frameworks_differ(self) -> "Params":
        if len(set(self.frameworks)) < len(self.frameworks):
            raise ValueError(f"frameworks: expected each one once, got {self.frameworks}")
        return self


def load_params() -> Params:
    """Reads params.yaml.

    Raises:
        UserError: an unknown key, a wrong value, an unknown dataset or model.
    """
    return check_params(read_yaml(project.PARAMS), str(project.PARAMS))


def check_params(content: dict[str, Any], source: str) -> Params:
    """Checks the content of a params.yaml against the schema and against the names in conf/."""
    params = validated(Params, content, source)
    for kind, name, folder in (("dataset", params.dataset, project.DATASETS), ("model", params.model, project.MODELS)):
        if name not in project.names_in(folder):
            raise unknown(kind, name, project.names_in(folder))
    return params
