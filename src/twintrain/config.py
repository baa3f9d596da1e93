"""params.yaml: one typed model a section. A stage reads params.yaml and nothing else; presets.py changes it."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model, field_validator, model_validator

from twintrain import project
from twintrain.errors import UserError, cut, shown, unknown
from twintrain.yaml_files import read_yaml, validated

FrameworkName = Literal["torch", "keras", "keras-jax", "keras-torch"]

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
    "rprop": {"etas": [0.5, 1.2], "step_sizes": [1e-6, 50.0]},
    "asgd": {"lambd": 1e-4, "alpha": 0.75},
    "lbfgs": {"max_iter": 20, "history_size": 100, "line_search_fn": None},
}
TORCH_ALONE = {"lbfgs": "evaluates the loss several times a step, and Keras has no such loop"}
# What Keras's own optimizers, those of `native`, lack.
KERAS_HAS_NO = ("rprop", "asgd")
KERAS_HAS_NO_OPTION = {"adagrad": ("lr_decay",), "nadam": ("momentum_decay",)}

# What a schedule has where it leaves something open; counted in epochs, but for `warmup`, which counts steps.
SCHEDULES: dict[str, dict[str, Any]] = {
    "constant": {"warmup": 0},
    "step": {"step_size": 10, "gamma": 0.1, "warmup": 0},
    "exponential": {"gamma": 0.95, "warmup": 0},
    "cosine": {"minimum": 0.0, "warmup": 0},
    "one_cycle": {"pct_start": 0.3, "div_factor": 25.0, "final_div_factor": 1e4},
    "plateau": {"factor": 0.1, "patience": 10, "min_delta": 1e-4, "minimum": 0.0, "warmup": 0},
}

# Options of each loss with their values where params.yaml leaves them open.
LOSSES: dict[str, dict[str, float]] = {
    "cross_entropy": {"label_smoothing": 0.0},
    "binary_cross_entropy": {"label_smoothing": 0.0},
    "mse": {},
    "mae": {},
    "huber": {"delta": 1.0},
}
# Losses that fit each task; the first is the task's own.
TASK_LOSSES: dict[str, tuple[str, ...]] = {
    "multiclass": ("cross_entropy", "mse", "mae", "huber"),
    "binary": ("binary_cross_entropy", "mse", "mae", "huber"),
    "regression": ("mse", "mae", "huber"),
    "reconstruction": ("mse", "mae", "huber"),
}
# What is watched beside the loss.
TASK_METRICS = {"multiclass": "accuracy", "binary": "accuracy", "regression": "mae", "reconstruction": "mae"}

# Baselines that fit each task; the first is the task's own.
CLASSIFIERS = ("logistic", "svm", "knn", "tree", "mlp", "majority")
BASELINES: dict[str, tuple[str, ...]] = {
    "multiclass": CLASSIFIERS,
    "binary": CLASSIFIERS,
    "regression": ("linear", "ridge", "svm", "knn", "tree", "mlp", "mean", "naive"),
    "reconstruction": ("pca", "mean"),
}

# Upper bounds are far beyond what anybody means: what is above them is a slip, and would end in a crash later on.
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]  # scikit-learn and Keras seed NumPy's legacy generator: 32 bits
Rows = Annotated[int, Field(ge=1, le=10**12)]
BatchSize = Annotated[int, Field(ge=1, le=10**9)]
Steps = Annotated[int, Field(ge=1, le=10**6)]  # of a loop: epochs, iterations
Strength = Annotated[float, Field(ge=0, le=1e6)]
LearningRate = Annotated[float, Field(gt=0, le=1e6)]
Share = Annotated[float, Field(ge=0, lt=1)]
MAX_NAMES = 10_000  # of classes, layers


class Section(BaseModel):
    """A part of params.yaml: unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Ingest(Section):
    """From raw files to one validated table or image array."""

    bad_rows: Literal["error", "drop"] = "error"
    classes: list[str] | None = Field(None, min_length=2, max_length=MAX_NAMES)

    @field_validator("classes", mode="before")
    @classmethod
    def _digits_are_labels(cls, classes: Any) -> Any:
        """`[0, 1]` means the labels "0" and "1"."""
        if not isinstance(classes, list):
            return classes
        return [str(label) if type(label) is int else label for label in classes]

    @field_validator("classes")
    @classmethod
    def _differ(cls, classes: list[str] | None) -> list[str] | None:
        if classes and len(set(classes)) < len(classes):
            raise ValueError(f"expected each class once, got {shown(classes)}")
        return classes


class Preprocess(Section):
    """Encoding that learns nothing from the data."""

    categorical: Literal["codes", "onehot"] = "codes"
    target: Literal["labels", "input"] = "labels"


class Split(Section):
    """Train, validation and test rows.

    `val` and `test` are shares of all rows; with `method: given`, upstream gives the test rows, and `val` is the share
    of all others.

    Attributes:
        group: a column of the table; rows that have the same value there are all in one part.
        time: a column of numbers or dates: the oldest rows are trained on, newer ones validated, the newest tested.
        train_rows: how many of the training rows are kept, drawn as the parts are; null: all.
    """

    method: Literal["stratified", "given", "same"] = "stratified"
    seed: Seed = 0
    val: float = Field(0.1, gt=0, lt=1)
    test: float = Field(0.2, gt=0, lt=1)
    train_rows: Rows | None = None
    scale: Literal["none", "standard"] = "none"
    scale_target: Literal["none", "standard"] = "none"
    group: str | None = None
    time: str | None = None

    @model_validator(mode="after")
    def _is_drawn_in_one_way(self) -> "Split":
        given = [name for name in ("group", "time") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError("expected group or time, got both: one of them draws the parts")
        if given and self.method != "stratified":
            raise ValueError(f"{given[0]} draws all parts; expected method: stratified, got {self.method}")
        return self

    @model_validator(mode="after")
    def _leaves_rows_to_train(self) -> "Split":
        if self.method != "given" and self.val + self.test >= 1:
            raise ValueError(f"val + test must leave rows to train on: expected under 1, got {self.val + self.test:g}")
        return self

    @model_validator(mode="after")
    def _same_rows_are_all(self) -> "Split":
        if self.method == "same" and self.train_rows is not None:
            raise ValueError(f"train_rows: with method: same, all rows are trained on; got {self.train_rows}")
        return self


class Rule(Section):
    """Something chosen by its name; options left at null are those that its table gives the name."""

    OPTIONS: ClassVar[dict[str, dict[str, Any]]]
    SHARED: ClassVar[set[str]] = {"name"}

    @model_validator(mode="after")
    def _options_are_its_own(self) -> "Rule":
        known = self.OPTIONS[self.name]
        for option in sorted(self.given() - known.keys()):
            raise ValueError(f"{self.name} has no {option}; it has {', '.join(known)}")
        return self

    def given(self) -> set[str]:
        """Names of the options that are written out in params.yaml."""
        return {name for name, value in self if value is not None} - self.SHARED

    def options(self, mode: str = "aligned") -> dict[str, Any]:
        """Values of its options; in `native`, of the given ones alone."""
        given = {name: getattr(self, name) for name in self.given()}
        return given if mode == "native" else {**self.OPTIONS[self.name], **given}


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


class Loss(Section):
    """What training lowers: the mean over the rows of (weight of the row's class) × (the row's term).

    Attributes:
        name: null for the task's own, the first of TASK_LOSSES.
        label_smoothing: of the cross entropies: the share of a target that is spread evenly over all classes.
        class_weights: one a class, in the order of the labels; balanced: as `training.losses` computes them from the
            training rows; null: all 1.
        delta: of huber: where the squared error turns into a straight line; null: 1.
    """

    name: Literal["cross_entropy", "binary_cross_entropy", "mse", "mae", "huber"] | None = None
    label_smoothing: Share = 0.0
    class_weights: Annotated[list[Strength], Field(max_length=MAX_NAMES)] | Literal["balanced"] | None = None
    delta: float | None = Field(None, gt=0, le=1e12)

    @model_validator(mode="after")
    def _weighs_some_class(self) -> "Loss":
        if isinstance(self.class_weights, list) and not any(self.class_weights):
            raise ValueError(f"class_weights: expected at least one above 0, got {shown(self.class_weights)}")
        return self

    def name_for(self, task: str) -> str:
        """The named loss, or the task's own."""
        return self.name or TASK_LOSSES[task][0]

    def options_for(self, task: str) -> dict[str, float]:
        """Keyword arguments of the loss beside logits and labels."""
        given = {option: getattr(self, option) for option in LOSSES[self.name_for(task)]}
        return {**LOSSES[self.name_for(task)], **{name: value for name, value in given.items() if value is not None}}


class Augmentation(Section):
    """Random changes of training images, anew in every epoch; see `training.augmentation`.

    Attributes:
        shift: largest shift in pixels, along each axis.
        rotation: largest angle in degrees, either way.
        crop: smallest share of the area that a crop keeps; 1: none.
        flip: probability of a horizontal mirror image.
        erasing: probability that a rectangle is erased.
    """

    shift: int = Field(0, ge=0, le=10_000)
    rotation: float = Field(0.0, ge=0, le=180)
    crop: float = Field(1.0, gt=0, le=1)
    flip: float = Field(0.0, ge=0, le=1)
    erasing: float = Field(0.0, ge=0, le=1)

    @property
    def is_on(self) -> bool:
        """Whether any image may change."""
        return self != Augmentation()


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
    augmentation: Augmentation = Augmentation()
    initial_model: str | None = None
    freeze: list[str] = Field([], max_length=MAX_NAMES)
    early_stopping: EarlyStopping = EarlyStopping()
    restore_best_weights: bool = True
    checkpoint_every: int = Field(1, ge=1, le=10**9)
    log_gradients: bool = False
    block_bytes: int = Field(2**31, ge=1, le=2**50)
    dtype: Literal["float32", "float64"] = "float32"
    device: Literal["auto", "cpu", "gpu"] = "auto"
    threads: int | None = Field(None, ge=1, le=1024)
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


class Logistic(Section):
    """Logistic regression; C: the inverse of the strength of its L2 penalty."""

    C: float = Field(1.0, gt=0, le=1e12)


class Ridge(Section):
    """Linear regression with an L2 penalty; alpha: its strength."""

    alpha: float = Field(1.0, ge=0, le=1e12)


class Svm(Section):
    """A support vector machine; C: the inverse of the strength of its L2 penalty."""

    C: float = Field(1.0, gt=0, le=1e12)
    kernel: Literal["linear", "poly", "rbf", "sigmoid"] = "rbf"


class Knn(Section):
    """The nearest training rows."""

    n_neighbors: int = Field(5, ge=1, le=10**6)


class Tree(Section):
    """A decision tree; max_depth null: until every leaf is pure."""

    max_depth: int | None = Field(None, ge=1, le=10**6)


class Mlp(Section):
    """scikit-learn's own multi-layer perceptron, as the course has it."""

    hidden_layer_sizes: list[Annotated[int, Field(ge=1, le=100_000)]] = Field([100], min_length=1, max_length=100)
    solver: Literal["sgd", "adam", "lbfgs"] = "sgd"
    learning_rate_init: LearningRate = 1e-3
    batch_size: BatchSize = 32
    max_iter: Steps = 300


class Pca(Section):
    """The best linear autoencoder; n_components: the numbers that a row is reduced to."""

    n_components: int = Field(32, ge=1, le=10**6)


BaselineName = Literal["logistic", "linear", "ridge", "svm", "knn", "tree", "mlp", "majority", "mean", "naive", "pca"]


class Baseline(Section):
    """scikit-learn models on the same split; options are in scikit-learn's words.

    Attributes:
        name: of THE baseline; null for the task's own, the first of BASELINES.
        others: further ones, for the table.
        rows: at most so many training rows are fitted on, drawn stratified; null: all.
    """

    name: BaselineName | None = None
    others: list[BaselineName] = Field([], max_length=100)
    rows: int | None = Field(60_000, ge=2, le=10**12)
    seed: Seed = 0
    logistic: Logistic = Logistic()
    ridge: Ridge = Ridge()
    svm: Svm = Svm()
    knn: Knn = Knn()
    tree: Tree = Tree()
    mlp: Mlp = Mlp()
    pca: Pca = Pca()

    def names_for(self, task: str) -> list[str]:
        """THE baseline, then the others.

        Raises:
            UserError: one that is not for this task.
        """
        names = list(dict.fromkeys([self.name or BASELINES[task][0], *self.others]))
        for name in names:
            if name not in BASELINES[task]:
                known = ", ".join(BASELINES[task])
                raise UserError(f"baseline: '{name}' is not for a {task} task; expected one of {known}")
        return names


class Compare(Section):
    """How the frameworks are put side by side.

    Attributes:
        margin: accuracies that differ by less count as equal; of numbers, a share of the smaller error.
    """

    allow_mixed: bool = False
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
        if self.mode == "native" and self.frameworks != ["torch"]:
            _check_native_keras(self.train.optimizer)
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
        raise unknown("dataset", params.dataset, project.names_in(project.DATASETS))
    if not _is_file(params.model):
        if Path(params.model).suffix == ".py" or Path(params.model).parent != project.MODELS:
            raise UserError(f"{source}: model: there is no file {cut(params.model)}")
        raise unknown("model", params.model_name, project.names_in(project.MODELS))
    return params


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except OSError:  # longer than names may be
        return False
