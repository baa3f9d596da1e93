from pathlib import Path

import pytest

from twintrain.config import OPTIMIZERS, EarlyStopping, Optimizer, Split, Train, check_params, load_params

REQUIRED = {"dataset": "xor", "model": "mlp", "frameworks": ["torch"]}


def test_what_is_left_open_has_a_default(project):
    params = check_params(REQUIRED, "params.yaml")
    assert (params.mode, params.ingest.bad_rows, params.preprocess.categorical) == ("aligned", "error", "codes")
    assert params.split == Split(method="stratified", seed=0, val=0.1, test=0.2, scale="none")
    assert params.train == Train(
        seed=0,
        epochs=10,
        batch_size=64,
        optimizer=Optimizer(name="adam", learning_rate=1e-3),
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
        ({"ingest": {"zebra": 1}}, "params.yaml: unknown parameter 'ingest.zebra'; known: bad_rows"),
        ({"dataset": 5}, "params.yaml: 'dataset': expected a valid string, got 5"),
        ({"dataset": "xo"}, "unknown dataset 'xo'; did you mean 'xor'?"),
        ({"model": "ccn"}, "unknown model 'ccn'; did you mean 'cnn'?"),
        ({"mode": "nativ"}, "params.yaml: 'mode': expected 'aligned' or 'native', got 'nativ'; did you mean 'native'?"),
        ({"mode": 3}, "params.yaml: 'mode': expected 'aligned' or 'native', got 3"),
        ({"frameworks": "torch"}, "params.yaml: 'frameworks': expected a valid list, got 'torch'"),
        ({"frameworks": []}, "params.yaml: 'frameworks': expected at least 1 item, got []"),
        (
            {"frameworks": ["tourch"]},
            "params.yaml: 'frameworks.0': expected 'torch' or 'keras', got 'tourch'; did you mean 'torch'?",
        ),
        (
            {"frameworks": ["torch", "torch"]},
            "params.yaml: frameworks: expected each one once, got ['torch', 'torch']",
        ),
        ({"train": {"epochs": "20"}}, "params.yaml: 'train.epochs': expected a valid integer, got '20'"),
        ({"train": {"epochs": 1.5}}, "params.yaml: 'train.epochs': expected a valid integer, got 1.5"),
        ({"train": {"epochs": 0}}, "params.yaml: 'train.epochs': expected greater than or equal to 1, got 0"),
        ({"train": {"batch_size": 0}}, "params.yaml: 'train.batch_size': expected greater than or equal to 1, got 0"),
        ({"train": {"seed": -1}}, "params.yaml: 'train.seed': expected greater than or equal to 0, got -1"),
        ({"train": {"deterministic": 1}}, "params.yaml: 'train.deterministic': expected a valid boolean, got 1"),
        ({"split": {"val": 0}}, "params.yaml: 'split.val': expected greater than 0, got 0"),
        (
            {"split": {"val": 0.5, "test": 0.5}},
            "params.yaml: 'split': val + test must leave rows to train on: expected under 1, got 1",
        ),
        (
            {"train": {"optimizer": {"name": "adam", "momentum": 0.9}}},
            "params.yaml: 'train.optimizer': adam has no momentum; it has beta_1, beta_2, epsilon",
        ),
        (
            {"train": {"optimizer": {"name": "sgd", "nesterov": True}}},
            "params.yaml: 'train.optimizer': nesterov needs a momentum above 0",
        ),
    ],
)
def test_mistake_in_params_is_one_line(change, message, project, error_of):
    assert error_of(check_params, {**REQUIRED, **change}, "params.yaml") == message


def test_missing_required_parameter_is_named(project, error_of):
    assert error_of(check_params, {"model": "mlp", "frameworks": ["torch"]}, "params.yaml") == (
        "params.yaml: 'dataset' is missing"
    )


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_aligned_writes_out_every_option_and_native_only_the_given_ones(name):
    option, value = next(iter(OPTIMIZERS[name].items()))
    changed = value / 2 + 0.1
    optimizer = Optimizer(name=name, **{option: changed})
    assert optimizer.given() == {option}
    assert optimizer.options("aligned") == {**OPTIMIZERS[name], option: changed}
    assert optimizer.options("native") == {option: changed}
    assert Optimizer(name=name).options("native") == {}
