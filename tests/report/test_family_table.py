"""Families of presets: which there are, their table, and one that is run."""

import re
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from project_clone import UNTRACKED, Clone

from twintrain.report.family_table import cells, family_rows, markdown, print_table, replace_table
from twintrain.settings.presets import families, read_preset
from twintrain.settings.sections.training import Augmentation, Train
from twintrain.settings.yaml_files import read_yaml
from twintrain.system import project as places

ROWS = [
    {"preset": "few_none", "framework": "PyTorch", "epochs": 3, "val_loss": 0.25, "eval_acc": 0.5},
    {"preset": "few_l2", "framework": "Keras", "epochs": 2, "val_loss": 1 / 3, "first_gradient": 2e-6},
]


def test_family_is_a_preset_and_those_that_have_it_as_their_base():
    found = families()
    assert set(found) >= {"overfit", "optimizers", "activations"}
    assert {name: members[0] for name, members in found.items()}.items() >= {
        ("overfit", "overfit_none"),
        ("optimizers", "optimizers_sgd"),
        ("activations", "activations_sigmoid"),
    }
    for name in ("overfit", "optimizers", "activations"):
        files = {path.stem for path in Path("conf/presets").glob(f"{name}_*.yaml")}
        assert set(found[name]) == files
        assert len(found[name]) == 9


@pytest.mark.parametrize(
    ("preset", "change"),
    [
        ("overfit_smaller", {"model": "small_mlp"}),
        ("overfit_dropout", {"model": "wide_mlp_dropout"}),
        ("overfit_more_data", {"split": {**read_preset("overfit_none")["split"], "train_rows": None}}),
    ],
)
def test_preset_against_overfitting_changes_one_thing(preset, change):
    assert read_preset(preset) == {**read_preset("overfit_none"), **change}


def test_augmented_preset_is_augmented():
    assert Train.model_validate(read_preset("overfit_augmented")["train"]).augmentation == Augmentation(
        shift=2, rotation=15.0, crop=0.8
    )


def test_row_is_the_last_epoch_the_lowest_validation_loss_and_the_test_scores(tmp_path):
    history = pd.DataFrame(
        {
            "train_loss": [3.0, 1.0, 0.5],
            "val_loss": [2.0, 1.25, 1.5],
            "first_layer_gradient_norm": [1e-6, 1e-4, 1e-3],
        }
    )
    (tmp_path / "build/train/torch").mkdir(parents=True)
    history.to_csv(tmp_path / "build/train/torch/history.csv", index=False)
    (tmp_path / "results").mkdir()
    scores = {"eval_acc": 0.75, "test_loss": 1.1, "run_id": "abc", "rmse": 2.0}
    places.write_json(tmp_path / "results/metrics.json", {"model": "mlp", "torch": scores, "comparison": {}})
    assert family_rows("few_none", tmp_path) == [
        {
            "preset": "few_none",
            "framework": "PyTorch",
            "epochs": 3,
            "train_loss": 0.5,
            "val_loss": 1.5,
            "gap": 1.0,
            "lowest_val_loss": 1.25,
            "lowest_epoch": 2,
            "first_gradient": 1e-6,
            "last_gradient": 1e-3,
            **scores,
        }
    ]


def test_columns_are_those_that_some_row_has():
    assert cells(ROWS) == [
        ["preset", "framework", "epochs", "val loss", "test accuracy", "gradient norm, first epoch"],
        ["few_none", "PyTorch", "3", "0.2500", "0.5000", "–"],
        ["few_l2", "Keras", "2", "0.3333", "–", "2.0e-06"],
    ]


def test_table_is_markdown_with_numbers_to_the_right():
    assert markdown(ROWS).splitlines()[1:3] == [
        "| --- | --- | ---: | ---: | ---: | ---: |",
        "| few_none | PyTorch | 3 | 0.2500 | 0.5000 | – |",
    ]


def test_printed_figures_are_whole_on_a_narrow_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    print_table("few", ROWS)
    printed = capsys.readouterr().out
    assert printed.startswith("few")
    assert re.search(r"few_none +PyTorch +3 +0\.2500 +0\.5000 +–", printed)
    assert re.search(r"few_l2 +Keras +2 +0\.3333 +– +2\.0e-06", printed)


def test_table_takes_the_place_of_the_one_before():
    mark, other = "<!-- family few -->\n", "<!-- family fewer -->\n"
    document = f"# Few\n{mark}old\nlines\n{mark}after\n{other}kept\n{other}"
    assert (
        replace_table(document, "few", r"new \1" + "\n") == f"# Few\n{mark}new \\1\n{mark}after\n{other}kept\n{other}"
    )
    assert replace_table("# None\n", "few", "new\n") == "# None\n"


@pytest.mark.parametrize("family", ["overfit", "optimizers", "activations"])
def test_documents_have_the_tables_of_the_families_as_the_command_wrote_them(family):
    documents = [path.read_text("utf-8") for path in Path("docs").glob("*.md")]
    marked = [text for text in documents if f"<!-- family {family} -->" in text]
    assert len(marked) == 1
    table = marked[0].split(f"<!-- family {family} -->\n")[1]
    assert table.startswith(f"Written by `python -m pipelines.family {family}`:\n\n| preset |")
    assert [name for name in families()[family] if f"| {name} | PyTorch |" not in table] == []


@pytest.fixture(scope="module")
def few(tmp_path_factory, shipped_data):
    """A clone in which a family of two presets was run, and what that printed."""
    clone = Clone(tmp_path_factory.mktemp("few") / "clone")
    presets = clone.folder / "conf/presets"
    train = "{epochs: 2, batch_size: null, log_gradients: true, optimizer: {name: sgd, learning_rate: 1.0}}"
    (presets / "few_none.yaml").write_text(
        "# Few epochs.\ndataset: xor\nmodel: logic_mlp\nmode: aligned\npreprocess: {categorical: codes}\n"
        f"split: {{method: same}}\nframeworks: [torch]\ntrain: {train}\n"
    )
    (presets / "few_l2.yaml").write_text("# With a penalty.\nbase: few_none\ntrain: {regularization: {l2: 0.1}}\n")
    (clone.folder / "docs/few.md").write_text("# Few\n\n<!-- family few -->\n<!-- family few -->\n")
    return clone, clone.call("python", "-m", "pipelines.family", "few", "--train.epochs", "3", "--document", "true")


@pytest.mark.slow
def test_family_is_run_under_one_experiment(few):
    clone, said = few
    assert said.returncode == 0, said.stdout + said.stderr
    client = mlflow.MlflowClient(f"sqlite:///{clone.folder}/mlflow.db")
    experiment = client.get_experiment_by_name("few")
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert runs.keys() >= {"few_none PyTorch", "few_l2 PyTorch"}
    assert runs["few_l2 PyTorch"].data.params["regularization"] == "l1=0.0, l2=0.1"
    norms = client.get_metric_history(runs["few_l2 PyTorch"].info.run_id, "first_layer_gradient_norm")
    assert [metric.step for metric in norms] == [0, 1, 2]
    assert all(metric.value > 0 for metric in norms)


@pytest.mark.slow
def test_family_leaves_the_project_as_it_was_but_for_its_table(few):
    clone, said = few
    assert clone.call("git", "status", "--porcelain", "params.yaml", "dvc.lock", "dvc.yaml").stdout == ""
    assert {path.name for path in (clone.folder / "results/families/few").iterdir()} == {
        "few_none.log",
        "few_l2.log",
        "table.md",
    }
    written = (clone.folder / "results/families/few/table.md").read_text("utf-8")
    assert written.startswith("Written by `python -m pipelines.family few --train.epochs 3`:\n\n| preset |")
    assert "| few_l2 | PyTorch | 3 |" in written
    assert (clone.folder / "docs/few.md").read_text("utf-8") == (
        f"# Few\n\n<!-- family few -->\n{written}<!-- family few -->\n"
    )
    # Runs of the copy were kept in the project's own journal until the store had them.
    assert [path.relative_to(clone.folder) for path in (clone.folder / "build").rglob("*")] == [Path("build/journal")]
    begun = [line.partition(";")[0] for line in said.stdout.splitlines() if line.startswith("family ")]
    assert [line for line in begun if not line.endswith(" s")] == ["family 1/2: few_none", "family 2/2: few_l2"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fewer",), "error: unknown family 'fewer'; did you mean 'few'?\n"),
        (("few", "--train.epoch", "3"), "error: unknown parameter 'train.epoch'; did you mean 'train.epochs'?\n"),
        (
            ("few", "--model", "regression_mlp", "--train.optimizer.learning_rate", "1e6", *UNTRACKED),
            "error: all presets of few have failed, see above\n",
        ),
    ],
)
def test_mistake_is_one_line(few, arguments, message):
    clone, _ = few
    said = clone.call("python", "-m", "pipelines.family", *arguments)
    assert (said.returncode, said.stderr) == (1, message)


def test_frameworks_of_the_optimizers_are_those_that_have_them():
    assert {
        name for name in families()["optimizers"] if "frameworks" in read_yaml(Path(f"conf/presets/{name}.yaml"))
    } == {"optimizers_lbfgs"}
