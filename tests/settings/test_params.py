from pathlib import Path

import pytest

from twintrain.settings.params import check_params, load_params
from twintrain.settings.sections.baselines import BASELINES, Baseline
from twintrain.settings.sections.data import Split
from twintrain.settings.sections.losses import LOSSES, Loss
from twintrain.settings.sections.optimizers import OPTIMIZERS, Clip, Optimizer, Regularization, Schedule
from twintrain.settings.sections.training import EarlyStopping, Train

REQUIRED = {"dataset": "xor", "model": "mlp", "frameworks": ["torch"]}


def test_what_is_left_open_has_a_default(project):
    params = check_params(REQUIRED, "params.yaml")
    assert (params.mode, params.ingest.bad_rows, params.preprocess.categorical) == ("aligned", "error", "codes")
    assert params.split == Split(method="stratified", seed=0, val=0.1, test=0.2, scale="none")
    assert params.train == Train(
        seed=0,
        epochs=10,
        batch_size=64,
        loss=Loss(name=None, label_smoothing=0.0, class_weights=None, delta=None),
        accumulate=1,
        optimizer=Optimizer(name="adam", learning_rate=1e-3),
        schedule=Schedule(name="constant"),
        regularization=Regularization(l1=0.0, l2=0.0),
        clip=Clip(norm=None, value=None),
        early_stopping=EarlyStopping(patience=None, min_delta=0.0),
        restore_best_weights=True,
        checkpoint_every=1,
        dtype="float32",
        device="auto",
        deterministic=True,
    )
    assert (params.train.framework_options("torch"), params.train.framework_options("keras")) == (
        {"fused": True},
        {"run_eagerly": False},
    )
    assert (params.evaluate.batch_size, params.tracking.experiment) == (1024, "Default")


def test_params_are_read_from_the_working_folder(project):
    Path("params.yaml").write_text("dataset: car\nmodel: mlp\nframeworks: [keras, torch]\ntrain: {epochs: 3}\n")
    params = load_params()
    assert (params.dataset, params.train.epochs, params.frameworks) == ("car", 3, ["keras", "torch"])


def test_params_of_the_repository_are_valid(project):
    assert load_params().dataset in {path.stem for path in Path("conf/datasets").glob("*.yaml")}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trian": {}}, "params.yaml: unknown parameter 'trian'; did you mean 'train'?"),
        ({"train": {"epoch": 3}}, "params.yaml: unknown parameter 'train.epoch'; did you mean 'epochs'?"),
        (
            {"train": {"torch": {"fuse": True}}},
            "params.yaml: unknown parameter 'train.torch.fuse'; did you mean 'fused'?",
        ),
        (
            {"ingest": {"zebra": 1}},
            "params.yaml: unknown parameter 'ingest.zebra'; known: bad_rows, classes, engine, pin, workers",
        ),
        ({"ingest": {"classes": ["1"]}}, "params.yaml: 'ingest.classes': expected at least 2 items, got ['1']"),
        ({"ingest": {"classes": [1, 1]}}, "params.yaml: 'ingest.classes': expected each class once, got ['1', '1']"),
        ({"ingest": {"classes": [1, 0.5]}}, "params.yaml: 'ingest.classes.1': expected a valid string, got 0.5"),
        ({"dataset": 5}, "params.yaml: 'dataset': expected a valid string, got 5"),
        ({"dataset": "xo"}, "unknown dataset 'xo'; did you mean 'xor'?"),
        ({"model": "ccn"}, "unknown model 'ccn'; did you mean 'cnn'?"),
        ({"mode": "nativ"}, "params.yaml: 'mode': expected 'aligned' or 'native', got 'nativ'; did you mean 'native'?"),
        ({"mode": 3}, "params.yaml: 'mode': expected 'aligned' or 'native', got 3"),
        ({"frameworks": "torch"}, "params.yaml: 'frameworks': expected a valid list, got 'torch'"),
        ({"frameworks": []}, "params.yaml: 'frameworks': expected at least 1 item, got []"),
        (
            {"frameworks": ["tourch"]},
            "params.yaml: 'frameworks.0': expected 'torch', 'keras', 'keras-jax' or 'keras-torch', got 'tourch'; "
            "did you mean 'torch'?",
        ),
        (
            {"frameworks": ["torch", "torch"]},
            "params.yaml: frameworks: expected each one once, got ['torch', 'torch']",
        ),
        ({"train": {"epochs": "20"}}, "params.yaml: 'train.epochs': expected a valid integer, got '20'"),
        ({"train": {"epochs": 1.5}}, "params.yaml: 'train.epochs': expected a valid integer, got 1.5"),
        ({"train": {"epochs": 0}}, "params.yaml: 'train.epochs': expected 1 to 1,000,000, got 0"),
        ({"train": {"batch_size": 0}}, "params.yaml: 'train.batch_size': expected 1 to 1,000,000,000, got 0"),
        ({"train": {"seed": -1}}, "params.yaml: 'train.seed': expected 0 to 4,294,967,295, got -1"),
        ({"train": {"seeds": []}}, "params.yaml: 'train.seeds': expected at least 1 item, got []"),
        ({"train": {"seeds": 3}}, "params.yaml: 'train.seeds': expected a valid list, got 3"),
        ({"train": {"seeds": ["a"]}}, "params.yaml: 'train.seeds.0': expected a valid integer, got 'a'"),
        ({"train": {"seeds": [0, 1, 0]}}, "params.yaml: 'train.seeds': expected each seed once, got [0, 1, 0]"),
        ({"train": {"seeds": [-1, 0]}}, "params.yaml: 'train.seeds.0': expected 0 to 4,294,967,295, got -1"),
        ({"train": {"deterministic": 1}}, "params.yaml: 'train.deterministic': expected a valid boolean, got 1"),
        (
            {"baseline": {"name": "logit"}},
            "params.yaml: 'baseline.name': expected 'logistic', 'linear', 'ridge', 'svm', 'knn', 'tree', 'mlp', "
            "'majority', 'mean', 'naive', 'pca' or 'threshold', got 'logit'; did you mean 'logistic'?",
        ),
        ({"baseline": {"svm": {"c": 1.0}}}, "params.yaml: unknown parameter 'baseline.svm.c'; known: C, kernel"),
        ({"baseline": {"rows": 1}}, "params.yaml: 'baseline.rows': expected 2 to 1,000,000,000,000, got 1"),
        ({"split": {"val": 0}}, "params.yaml: 'split.val': expected above 0 and below 1, got 0"),
        (
            {"split": {"val": 0.5, "test": 0.5}},
            "params.yaml: 'split': val + test must leave rows to train on: expected under 1, got 1",
        ),
        (
            {"train": {"optimizer": {"name": "adam", "momentum": 0.9}}},
            "params.yaml: 'train.optimizer': adam has no momentum; it has beta_1, beta_2, epsilon, amsgrad",
        ),
        (
            {"train": {"optimizer": {"name": "sgd", "nesterov": True}}},
            "params.yaml: 'train.optimizer': nesterov needs a momentum above 0",
        ),
        (
            {"train": {"loss": {"name": "mean"}}},
            "params.yaml: 'train.loss.name': expected 'cross_entropy', 'binary_cross_entropy', 'focal', "
            "'kl_divergence', 'hinge', 'mse', 'mae', 'huber', 'cosine' or 'dice', got 'mean'",
        ),
        (
            {"train": {"loss": {"label_smoothing": 1.0}}},
            "params.yaml: 'train.loss.label_smoothing': expected at least 0 and below 1, got 1.0",
        ),
        (
            {"train": {"loss": {"delta": 0}}},
            "params.yaml: 'train.loss.delta': expected above 0 and at most 1,000,000,000,000, got 0",
        ),
        (
            {"train": {"loss": {"class_weights": [1, -1]}}},
            "params.yaml: 'train.loss.class_weights.1': expected 0 to 1,000,000, got -1",
        ),
        (
            {"train": {"loss": {"class_weights": "balansed"}}},
            "params.yaml: 'train.loss.class_weights': expected 'balanced', got 'balansed'; did you mean 'balanced'?",
        ),
        (
            {"train": {"augmentation": {"flip": 2}}},
            "params.yaml: 'train.augmentation.flip': expected 0 to 1, got 2",
        ),
        (
            {"split": {"method": "same", "train_rows": 3}},
            "params.yaml: 'split': train_rows: with method: same, all rows are trained on; got 3",
        ),
        (
            {"train": {"loss": {"class_weights": [0, 0]}}},
            "params.yaml: 'train.loss': class_weights: expected at least one above 0, got [0.0, 0.0]",
        ),
        (
            {"train": {"optimizer": {"name": "adamm"}}},
            "params.yaml: 'train.optimizer.name': expected 'sgd', 'adagrad', 'adadelta', 'rmsprop', 'adam', 'adamax', "
            "'nadam', 'adamw', 'lion', 'lamb', 'rprop', 'asgd' or 'lbfgs', got 'adamm'; did you mean 'adam'?",
        ),
        (
            {"train": {"optimizer": {"name": "rprop", "etas": [1.2, 0.5]}}},
            "params.yaml: 'train.optimizer': etas: expected one factor between 0 and 1 and one above 1, got [1.2, 0.5]",
        ),
        (
            {"train": {"optimizer": {"name": "rprop", "step_sizes": [2.0, 1.0]}}},
            "params.yaml: 'train.optimizer': step_sizes: expected the smallest above 0, then the largest, "
            "got [2.0, 1.0]",
        ),
        (
            {"train": {"optimizer": {"name": "rprop"}, "schedule": {"name": "step"}}},
            "params.yaml: 'train': rprop adapts its step sizes itself; expected schedule.name: constant and no warmup",
        ),
        (
            {"train": {"optimizer": {"name": "lbfgs"}, "accumulate": 2}},
            "params.yaml: 'train': lbfgs evaluates one batch several times a step; expected accumulate: 1",
        ),
        (
            {"train": {"optimizer": {"name": "lbfgs"}, "clip": {"norm": 1.0}}},
            "params.yaml: 'train': lbfgs needs the gradients as they are; expected clip.norm: null and clip.value: "
            "null",
        ),
        (
            {"train": {"optimizer": {"name": "lbfgs"}, "dtype": "bfloat16"}},
            "params.yaml: 'train': lbfgs takes differences of gradients, which half precision rounds away; "
            "expected dtype: float32 or float64, got bfloat16",
        ),
        (
            {"train": {"dtype": "float16"}, "model": "own/net.py"},
            "params.yaml: train.dtype: which layers compute in half precision is known of a list of layers alone; "
            "expected float32 or float64 for a network of your own, got float16",
        ),
        (
            {"train": {"dtype": "half"}},
            "params.yaml: 'train.dtype': expected 'float32', 'float64', 'bfloat16' or 'float16', got 'half'",
        ),
        (
            {"train": {"optimizer": {"name": "lbfgs"}}, "frameworks": ["torch", "keras"]},
            "params.yaml: lbfgs evaluates the loss several times a step, and Keras has no such loop; "
            "expected frameworks: [torch], got ['torch', 'keras']",
        ),
        (
            {"train": {"optimizer": {"name": "asgd"}}, "mode": "native", "frameworks": ["keras"]},
            "params.yaml: Keras has no asgd of its own; expected mode: aligned, or frameworks: [torch]",
        ),
        (
            {"train": {"optimizer": {"name": "lion"}}, "mode": "native", "frameworks": ["torch", "keras"]},
            "params.yaml: PyTorch has no lion of its own; expected mode: aligned, or frameworks without torch",
        ),
        (
            {"train": {"optimizer": {"name": "asgd"}}, "mode": "native", "frameworks": ["torch", "keras-jax"]},
            "params.yaml: Keras has no asgd of its own; expected mode: aligned, or frameworks: [torch]",
        ),
        (
            {
                "train": {"optimizer": {"name": "nadam", "momentum_decay": 0.1}},
                "mode": "native",
                "frameworks": ["keras"],
            },
            "params.yaml: Keras's own nadam has no momentum_decay; leave it out, or take mode: aligned",
        ),
        (
            {"train": {"schedule": {"name": "one_cycle", "warmup": 10}}},
            "params.yaml: 'train.schedule': one_cycle has no warmup; it has pct_start, div_factor, final_div_factor",
        ),
        (
            {"train": {"schedule": {"name": "cosine", "minimum": 0.1}}},
            "params.yaml: 'train': schedule.minimum: expected at most the learning_rate, 0.001, got 0.1",
        ),
        (
            {"train": {"schedule": {"name": "linear"}}},
            "params.yaml: 'train.schedule.name': expected 'constant', 'step', 'exponential', 'cosine', 'one_cycle' "
            "or 'plateau', got 'linear'",
        ),
        (
            {"train": {"clip": {"norm": 0}}},
            "params.yaml: 'train.clip.norm': expected above 0 and at most 1,000,000,000,000, got 0",
        ),
        (
            {"train": {"regularization": {"l2": -1}}},
            "params.yaml: 'train.regularization.l2': expected 0 to 1,000,000, got -1",
        ),
        ({"train": {"accumulate": 0}}, "params.yaml: 'train.accumulate': expected 1 to 1,000,000, got 0"),
    ],
)
def test_mistake_in_params_is_one_line(change, message, project, error_of):
    assert error_of(check_params, {**REQUIRED, **change}, "params.yaml") == message


def test_missing_required_parameter_is_named(project, error_of):
    assert error_of(check_params, {"model": "mlp", "frameworks": ["torch"]}, "params.yaml") == (
        "params.yaml: 'dataset' is missing"
    )


@pytest.mark.parametrize(("rule", "name"), [(rule, name) for rule in (Optimizer, Schedule) for name in rule.OPTIONS])
def test_aligned_writes_out_every_option_and_native_only_the_given_ones(rule, name):
    option, value = next(iter(rule.OPTIONS[name].items()))
    changed = [0.6, 1.3] if isinstance(value, list) else value + 1 if isinstance(value, int) else value / 2 + 0.1
    settings = rule(name=name, **{option: changed})
    assert settings.given() == {option}
    assert settings.options("aligned") == {**rule.OPTIONS[name], option: changed}
    assert settings.options("native") == {option: changed}
    assert rule(name=name).options("native") == {}


@pytest.mark.parametrize(
    ("task", "name"), [("multiclass", "cross_entropy"), ("binary", "binary_cross_entropy"), ("regression", "mse")]
)
def test_loss_left_open_is_the_tasks_own(task, name):
    assert (Loss().name_for(task), Loss().options_for(task)) == (name, LOSSES[name])
    assert Loss(name="huber").name_for(task) == "huber"


def test_loss_is_given_its_own_options_alone():
    assert Loss(name="huber").options_for("binary") == {"delta": 1.0}
    assert Loss(name="huber", delta=0.5).options_for("binary") == {"delta": 0.5}
    assert Loss(label_smoothing=0.1).options_for("multiclass") == {"label_smoothing": 0.1}
    assert Loss(name="mae").options_for("multiclass") == {}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_and_its_defaults_are_valid(name, project):
    change = {"train": {"optimizer": {"name": name, **OPTIMIZERS[name]}}}
    assert check_params({**REQUIRED, **change}, "params.yaml").train.optimizer.name == name


def test_frameworks_that_have_the_optimizer_may_use_it(project):
    asgd = {"train": {"optimizer": {"name": "asgd"}}}
    assert check_params({**REQUIRED, **asgd, "frameworks": ["keras"]}, "params.yaml").mode == "aligned"
    assert check_params({**REQUIRED, **asgd, "mode": "native"}, "params.yaml").frameworks == ["torch"]


def test_digits_are_labels_too(project):
    assert check_params({**REQUIRED, "ingest": {"classes": [3, "4"]}}, "params.yaml").ingest.classes == ["3", "4"]


def test_given_test_rows_leave_their_share_unused(project):
    assert check_params({**REQUIRED, "split": {"method": "given", "val": 0.9}}, "params.yaml").split.val == 0.9


def test_baselines_are_the_tasks_own_unless_named():
    assert {task: Baseline().names_for(task) for task in BASELINES} == {
        "multiclass": ["logistic"],
        "binary": ["logistic"],
        "regression": ["linear"],
        "reconstruction": ["pca"],
        "segmentation": ["threshold"],
    }
    named = Baseline(name="svm", others=["tree", "svm", "majority"])
    assert named.names_for("binary") == ["svm", "tree", "majority"]


def test_baseline_of_another_task_is_refused(error_of):
    known = "linear, ridge, svm, knn, tree, mlp, mean, naive"
    message = f"baseline: 'logistic' is not for a regression task; expected one of {known}"
    assert error_of(Baseline(others=["logistic"]).names_for, "regression") == message
