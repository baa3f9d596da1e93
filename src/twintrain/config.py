"""params.yaml: one typed model a section, and the presets and overrides that change it.

A stage reads params.yaml and nothing else. `python -m pipelines.run` is the one command that writes it.
"""

import copy
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from twintrain import project
from twintrain.errors import UserError, did_you_mean, unknown
from twintrain.yaml_files import plain, read_yaml, validated, write_yaml

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


def changed_params(content: dict[str, Any], preset: str | None, overrides: dict[str, Any]) -> dict[str, Any]:
    """Returns the content of params.yaml with a preset and then dotted overrides applied.

    A preset replaces its sections whole: what it leaves open goes back to the schema's defaults.

    Raises:
        UserError: an unknown preset or parameter, or a value that does not fit.
    """
    content = copy.deepcopy(content)
    if preset is not None:
        _apply_preset(content, preset)
    # The optimizer's name comes before its options, because another name drops the options that were there.
    for key, value in sorted(overrides.items(), key=lambda item: item[0] != "train.optimizer.name"):
        _apply_override(content, key, value)
    return content


def save_params(content: dict[str, Any]) -> None:
    """Writes params.yaml if it changes."""
    if content != read_yaml(project.PARAMS):
        write_yaml(project.PARAMS, content)


def _apply_preset(content: dict[str, Any], preset: str) -> None:
    path = project.PRESETS / f"{preset}.yaml"
    if preset not in project.names_in(project.PRESETS):
        raise unknown("preset", preset, project.names_in(project.PRESETS))
    # Validated inside a whole set of parameters, so that the defaults of its sections are filled in.
    given = plain(read_yaml(path))
    whole = validated(Params, {"dataset": "", "model": "", "frameworks": ["torch"], **given}, str(path))
    filled = whole.model_dump(exclude_none=False)
    for section in given:
        _overwrite(content, section, _without_open_options(filled)[section])


def _without_open_options(filled: dict[str, Any]) -> dict[str, Any]:
    optimizer = filled["train"]["optimizer"]
    filled["train"]["optimizer"] = {name: value for name, value in optimizer.items() if value is not None}
    return filled


def _overwrite(content: dict[str, Any], key: str, value: Any) -> None:
    """Sets content[key] in place, leaf by leaf, so that the comments of params.yaml stay."""
    if not isinstance(value, dict) or not isinstance(content.get(key), dict):
        content[key] = value
        return
    for stale in content[key].keys() - value.keys():
        del content[key][stale]
    for name, leaf in value.items():
        _overwrite(content[key], name, leaf)


def _apply_override(content: dict[str, Any], key: str, value: Any) -> None:
    *sections, leaf = key.split(".")
    schema: type[BaseModel] = Params
    place = content
    for depth, name in enumerate([*sections, leaf]):
        if name not in schema.model_fields:
            raise _unknown_parameter(key)
        if depth < len(sections):
            schema = schema.model_fields[name].annotation
            if not (isinstance(schema, type) and issubclass(schema, BaseModel)):
                raise _unknown_parameter(key)
            place = place.setdefault(name, {})
    annotation = schema.model_fields[leaf].annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and not isinstance(value, dict):
        raise UserError(f"'{key}' is a section; expected one of its parameters: {', '.join(_leaves(annotation, key))}")
    if key == "train.optimizer.name" and value != place.get("name"):
        # The options of one optimizer mean nothing to another.
        for option in place.keys() - {"name", "learning_rate"}:
            del place[option]
    _overwrite(place, leaf, value)


def _unknown_parameter(key: str) -> UserError:
    leaves = _leaves(Params)
    # `epochs` for `train.epochs` is the likeliest slip.
    for leaf in leaves:
        if leaf.rsplit(".", 1)[-1] == key.rsplit(".", 1)[-1]:
            return UserError(f"unknown parameter '{key}'; did you mean '{leaf}'?")
    return UserError(f"unknown parameter '{key}'{did_you_mean(key, leaves) or '; params.yaml lists them'}")


def _leaves(schema: type[BaseModel], prefix: str = "") -> list[str]:
    """Dotted names of all parameters."""
    names = []
    for name, field in schema.model_fields.items():
        dotted = f"{prefix}.{name}" if prefix else name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            names += _leaves(field.annotation, dotted)
        else:
            names.append(dotted)
    return names
