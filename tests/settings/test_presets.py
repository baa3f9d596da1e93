import itertools
import re
from pathlib import Path

import pytest

from twintrain.data.dataset import load_dataset
from twintrain.data.schema import network_schema
from twintrain.models.network import load_network
from twintrain.settings.params import check_params
from twintrain.settings.presets import changed_params, read_preset, save_params
from twintrain.settings.sections.data import Split
from twintrain.settings.sections.losses import Loss
from twintrain.settings.sections.training import Train
from twintrain.settings.yaml_files import plain, read_yaml

ROOT = Path(__file__).resolve().parents[2]
PRESETS = sorted(path.stem for path in (ROOT / "conf/presets").glob("*.yaml"))


@pytest.fixture
def content(project):
    """Content of a params.yaml that no preset would leave as it is."""
    (project / "params.yaml").write_text(
        """\
# An experiment.
dataset: diabetes
model: diabetes_mlp
frameworks: [keras, torch]   # in this order
mode: native
split:
  scale: standard
train:
  epochs: 3          # few
  optimizer:
    name: sgd        # the rule
    learning_rate: 0.5
    momentum: 0.9
  early_stopping:
    patience: 7      # epochs
  dtype: float64
tracking:
  experiment: mine
"""
    )
    return read_yaml(Path("params.yaml"))


@pytest.mark.parametrize("preset", PRESETS)
def test_preset_is_whole_and_valid(preset, content):
    given = read_preset(preset)
    assert given.keys() >= {"dataset", "model", "preprocess", "split", "train"}
    params = check_params(changed_params(content, preset, {}), "params.yaml")
    assert (params.dataset, params.model_name) == (given["dataset"], given["model"])
    schema = network_schema(params.dataset, load_dataset(params.dataset), params.preprocess)
    network = load_network(params.model, params.mode, schema)
    assert network.layers[-1].output_shape == (schema.outputs,)
    network.check_batch_size(params.train.batch_size)


def test_preset_replaces_its_sections_whole(content):
    changed = plain(changed_params(content, "xor", {}))
    assert (changed["dataset"], changed["model"]) == ("xor", "conf/models/logic_mlp.yaml")
    assert changed["preprocess"] == {"categorical": "codes", "target": "labels", "further": None}
    assert changed["split"] == Split(method="same").model_dump()
    assert changed["train"] == {
        **Train().model_dump(),
        "loss": {**Loss().model_dump(), "weights": None},
        "epochs": 10001,
        "batch_size": None,
        "checkpoint_every": 1000,
        "optimizer": {"name": "sgd", "learning_rate": 1.0},
        "schedule": {"name": "constant"},
    }


def test_preset_leaves_the_other_sections_alone(content):
    changed = plain(changed_params(content, "xor", {}))
    assert (changed["frameworks"], changed["tracking"]) == (["keras", "torch"], {"experiment": "mine"})


def test_preset_is_aligned_whatever_was_before(content):
    assert content["mode"] == "native"
    assert changed_params(content, "xor", {})["mode"] == "aligned"
    assert changed_params(content, "xor", {"mode": "native"})["mode"] == "native"


def test_same_preset_twice_is_the_same_as_once(content):
    once = changed_params(content, "car", {})
    assert changed_params(once, "car", {}) == once


def test_overrides_come_after_the_preset(content):
    changed = changed_params(content, "xor", {"train.epochs": 5, "dataset": "and"})
    assert (changed["train"]["epochs"], changed["dataset"]) == (5, "and")
    assert changed["model"] == "conf/models/logic_mlp.yaml"


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("mlp", "conf/models/mlp.yaml"),
        ("conf/models/mlp.yaml", "conf/models/mlp.yaml"),
        ("mine/twin.py", "mine/twin.py"),
    ],
)
def test_model_is_written_as_the_path_that_dvc_watches(given, written, content):
    assert changed_params(content, None, {"model": given})["model"] == written


def test_content_that_came_in_is_left_as_it_was(content):
    before = plain(content)
    changed_params(content, "xor", {"train.optimizer.name": "adam", "frameworks": ["torch"]})
    assert plain(content) == before


def test_override_makes_the_section_that_it_needs(content):
    changed = changed_params(content, None, {"evaluate.batch_size": 7, "train.keras.run_eagerly": True})
    assert (changed["evaluate"], changed["train"]["keras"]) == ({"batch_size": 7}, {"run_eagerly": True})


def test_override_fills_a_section_that_stands_empty(content):
    changed = changed_params({**content, "evaluate": None}, None, {"evaluate.batch_size": 7})
    assert changed["evaluate"] == {"batch_size": 7}


def test_override_inside_what_is_no_section_is_refused(content, error_of):
    assert error_of(changed_params, {**content, "evaluate": 3}, None, {"evaluate.batch_size": 7}) == (
        "params.yaml: expected parameters under 'evaluate', got 3"
    )


NEW_OPTIMIZER = {"train.optimizer.name": "adam", "train.optimizer.beta_1": 0.8, "train.optimizer.learning_rate": 0.1}


@pytest.mark.parametrize("order", itertools.permutations(NEW_OPTIMIZER))
def test_another_optimizer_drops_the_options_of_the_one_before_whatever_the_order(order, content):
    changed = changed_params(content, None, {key: NEW_OPTIMIZER[key] for key in order})
    assert changed["train"]["optimizer"] == {"name": "adam", "learning_rate": 0.1, "beta_1": 0.8}
    assert check_params(changed, "params.yaml").train.optimizer.options("native") == {"beta_1": 0.8}


def test_another_schedule_drops_the_options_of_the_one_before(content):
    steps = changed_params(content, None, {"train.schedule.gamma": 0.5, "train.schedule.name": "step"})
    assert steps["train"]["schedule"] == {"name": "step", "gamma": 0.5}
    cosine = changed_params(steps, None, {"train.schedule.minimum": 1e-5, "train.schedule.name": "cosine"})
    assert cosine["train"]["schedule"] == {"name": "cosine", "minimum": 1e-5}
    assert (
        changed_params(steps, None, {"train.schedule.name": "step"})["train"]["schedule"] == steps["train"]["schedule"]
    )


def test_same_optimizer_keeps_its_options(content):
    changed = changed_params(content, None, {"train.optimizer.name": "sgd"})
    assert changed["train"]["optimizer"] == {"name": "sgd", "learning_rate": 0.5, "momentum": 0.9}


def test_whole_optimizer_can_be_given_at_once(content):
    changed = changed_params(content, None, {"train.optimizer": {"name": "adam", "epsilon": 1e-7}})
    assert changed["train"]["optimizer"] == {"name": "adam", "epsilon": 1e-7}


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("epochs", "unknown parameter 'epochs'; did you mean 'train.epochs'?"),
        ("train.epoch", "unknown parameter 'train.epoch'; did you mean 'train.epochs'?"),
        ("train.optimizr.name", "unknown parameter 'train.optimizr.name'; did you mean 'train.optimizer.name'?"),
        ("train.epochs.first", "unknown parameter 'train.epochs.first'; did you mean 'train.epochs'?"),
        (
            "optimizer.learning_rate",
            "unknown parameter 'optimizer.learning_rate'; did you mean 'train.optimizer.learning_rate'?",
        ),
        (
            "patience",
            "unknown parameter 'patience'; did you mean 'train.schedule.patience' or 'train.early_stopping.patience'?",
        ),
        (
            "run_eagerly",
            "unknown parameter 'run_eagerly'; did you mean 'train.keras.run_eagerly' or 'train.keras-jax.run_eagerly'?",
        ),
        ("zebra", "unknown parameter 'zebra'; params.yaml lists them"),
        ("", "unknown parameter ''; params.yaml lists them"),
        (
            "split",
            "'split' is a section; expected one of its parameters: "
            "split.method, split.seed, split.val, split.test, split.train_rows, split.scale, split.scale_target, "
            "split.group, split.time",
        ),
        ("train.torch", "'train.torch' is a section; expected one of its parameters: train.torch.fused"),
    ],
)
def test_override_that_names_no_parameter_is_refused(key, message, content, error_of):
    assert error_of(changed_params, content, None, {key: 3}) == message


@pytest.mark.parametrize(
    ("preset", "message"),
    [
        ("diabetis", "unknown preset 'diabetis'; did you mean 'diabetes'?"),
        ("zebra", "unknown preset 'zebra'; conf/presets has them all"),
    ],
)
def test_unknown_preset_is_refused(preset, message, content, error_of):
    assert error_of(changed_params, content, preset, {}) == message


BASES = {
    "none": "dataset: car\nsplit: {val: 0.3, seed: 4}\ntrain: {epochs: 7, optimizer: {name: sgd, momentum: 0.9}}\n",
    "decay": "base: none\ntrain: {regularization: {l2: 0.1}}\n",
    "adam": "base: decay\nsplit: {val: 0.2}\ntrain: {optimizer: {name: adam}}\n",
    "first": "base: second\n",
    "second": "base: first\n",
    "lost": "base: nonne\n",
}


@pytest.fixture
def bases(content):
    """The content of params.yaml, beside presets that have a base."""
    for name, text in BASES.items():
        Path(f"conf/presets/{name}.yaml").write_text(text)
    return content


def test_preset_changes_its_base_parameter_by_parameter(bases):
    assert read_preset("decay") == {
        "dataset": "car",
        "split": {"val": 0.3, "seed": 4},
        "train": {"epochs": 7, "optimizer": {"name": "sgd", "momentum": 0.9}, "regularization": {"l2": 0.1}},
    }


def test_another_optimizer_replaces_that_of_the_base_whole(bases):
    preset = read_preset("adam")
    assert preset["split"] == {"val": 0.2, "seed": 4}
    assert preset["train"] == {"epochs": 7, "optimizer": {"name": "adam"}, "regularization": {"l2": 0.1}}
    changed = changed_params(bases, "adam", {})
    assert changed["train"]["regularization"] == {"l1": 0.0, "l2": 0.1}
    assert "base" not in changed


@pytest.mark.parametrize(
    ("preset", "message"),
    [
        ("first", "presets are each other's base: first, second, first; expected one without a base"),
        ("lost", "unknown base of the preset lost: 'nonne'; did you mean 'none'?"),
    ],
)
def test_base_that_leads_nowhere_is_refused(preset, message, bases, error_of):
    assert error_of(read_preset, preset) == message


def test_mistake_in_a_preset_names_its_file(content, error_of):
    Path("conf/presets/mine.yaml").write_text("dataset: car\ntrain: {epoch: 3}\n")
    assert error_of(changed_params, content, "mine", {}) == (
        "conf/presets/mine.yaml: unknown parameter 'train.epoch'; did you mean 'epochs'?"
    )


def test_saved_params_are_read_back_the_same(content):
    changed = changed_params(content, "car", {"train.optimizer.epsilon": 1e-7})
    save_params(changed)
    assert check_params(read_yaml(Path("params.yaml")), "params.yaml") == check_params(changed, "params.yaml")


def test_null_is_written_as_null(content):
    save_params(changed_params(content, "car", {}))
    written = Path("params.yaml").read_text()
    assert "  batch_size: null\n" in written
    assert re.search(r"patience: null +# epochs", written)


def test_comments_of_what_stays_are_kept(content):
    save_params(changed_params(content, None, {"train.epochs": 30, "frameworks": ["torch"]}))
    assert read_comments(Path("params.yaml")) == [
        "# An experiment.",
        "# in this order",
        "# few",
        "# the rule",
        "# epochs",
    ]


@pytest.mark.parametrize("preset", PRESETS)
def test_comments_of_the_repository_survive_every_preset(preset, project):
    before = read_comments(Path("params.yaml"))
    save_params(changed_params(read_yaml(Path("params.yaml")), preset, {"train.epochs": 1, "train.seed": 5}))
    assert read_comments(Path("params.yaml")) == before


def test_unchanged_params_are_not_written_again(project):
    untidy = "dataset:   xor\nmodel: 'conf/models/mlp.yaml'\nframeworks: [ torch ]\n"
    Path("params.yaml").write_text(untidy)
    save_params(changed_params(read_yaml(Path("params.yaml")), None, {"dataset": "xor"}))
    assert Path("params.yaml").read_text() == untidy


def read_comments(path):
    return re.findall(r"#.*", path.read_text())
