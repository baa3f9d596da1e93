"""Data that nobody prepared, from one command to the report and to answers; slow."""

import shlex

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from project_clone import UNTRACKED, Clone

pytestmark = pytest.mark.slow
SHORT = ("--train.epochs", "3", "--train.threads", "1")
# Whether twins agree on own data, and what MLflow has of them, is seen by the table.
ALONE = ("--frameworks", "[torch]", *UNTRACKED)


@pytest.fixture
def clone(tmp_path):
    return Clone(tmp_path / "clone")


def results(clone):
    import json

    return json.loads((clone.folder / "results/metrics.json").read_text("utf-8"))


def as_typed(said):
    """The command that make runs, of what was printed."""
    _, command, arguments = shlex.split(said[said.index("make predict ARGS=") :])
    return ["python", "-m", f"pipelines.{command}", *shlex.split(arguments.removeprefix("ARGS="))]


def test_table_of_50_rows(clone, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=50)
    table = pd.DataFrame(
        {
            "id": range(50),
            "x": [f"{value:.3f}".replace(".", ",") for value in x],
            "city": rng.choice(["Köln", "Ulm", ""], 50),
            "since": pd.date_range("2024-01-01", periods=50).strftime("%d.%m.%Y"),
            "y": np.where(x > 0, "ja", "nein"),
        }
    )
    table.to_csv(tmp_path / "My Table.csv", sep=";", index=False, encoding="latin-1")
    first = clone.run("--data", str(tmp_path / "My Table.csv"), "--target", "y", *SHORT)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "Written: conf/datasets/my_table.yaml and conf/presets/my_table.yaml" in first.stdout
    found = results(clone)
    assert (found["dataset"], found["model"]) == ("my_table", "wide_and_deep")
    assert found["comparison"]["agreement"] == 1.0
    changed = [" M dvc.lock", " M params.yaml", "?? conf/datasets/my_table.yaml", "?? conf/presets/my_table.yaml"]
    assert clone.call("git", "status", "--porcelain").stdout.splitlines() == changed
    assert (clone.folder / "own/my_table/My Table.csv").is_file()
    # The data set is one as any other now.
    again = clone.run("--preset", "my_table", *SHORT)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Nothing has changed since these trainings" in again.stdout
    # There is no champion yet, and both say how to ask the winner.
    asked = 'make predict ARGS="--input new.csv --output answers.csv --model models:/my_table-wide_and_deep/'
    assert asked in first.stdout
    assert asked in again.stdout
    # Data that ship were never needed here, which is no reason to take the results for old ones.
    promoted = clone.call("python", "-m", "pipelines.promote")
    assert "my_table-wide_and_deep: no champion yet." in promoted.stdout, promoted.stderr
    given = ("--input", str(tmp_path / "My Table.csv"), "--output", str(tmp_path / "the answers.csv"))
    refused = clone.call("python", "-m", "pipelines.predict", *given)
    assert refused.returncode == 1
    assert "my_table-wide_and_deep has no champion yet; " in refused.stderr
    answered = clone.call(*as_typed(refused.stderr))
    assert answered.returncode == 0, answered.stdout + answered.stderr
    assert len(pd.read_csv(tmp_path / "the answers.csv")) == 50


def test_regression_by_group_from_parquet(clone, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    table = pd.DataFrame({"x": x, "patient": np.arange(200) // 5, "price": 100 + 20 * x + rng.normal(size=200)})
    table.to_parquet(tmp_path / "prices.parquet")
    given = ("--data", str(tmp_path / "prices.parquet"), "--target", "price", "--split.group", "patient")
    result = clone.run(*given, *ALONE, *SHORT)
    assert result.returncode == 0, result.stdout + result.stderr
    rows = {name: np.load(clone.folder / f"build/split/{name}/index.npy") for name in ("train", "val", "test")}
    groups = {name: set((index // 5).tolist()) for name, index in rows.items()}
    assert (
        groups["train"] & groups["test"] == groups["train"] & groups["val"] == groups["val"] & groups["test"] == set()
    )
    assert results(clone)["torch"]["rmse"] > 0


def test_folder_of_50_images(clone, tmp_path):
    rng = np.random.default_rng(0)
    for place, label in enumerate(("red", "blue")):
        (tmp_path / "flags" / label).mkdir(parents=True)
        for number in range(25):
            pixels = rng.integers(0, 100, (20 + number % 3, 24, 3), np.uint8)
            pixels[..., 2 * place] += 150
            Image.fromarray(pixels).save(tmp_path / f"flags/{label}/{number}.jpg")
    result = clone.run("--data", str(tmp_path / "flags"), *ALONE, *SHORT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert results(clone)["model"] == "image_cnn"
    assert results(clone)["torch"]["eval_acc"] > 0.5


def test_missing_target_is_one_line_and_writes_nothing(clone, tmp_path):
    pd.DataFrame({"a": range(9), "b": range(9)}).to_csv(tmp_path / "my.csv", index=False)
    result = clone.run("--data", str(tmp_path / "my.csv"))
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == (
        f"error: which column of {tmp_path}/my.csv is to be predicted? expected --target NAME; known: a, b"
    )
    assert clone.call("git", "status", "--porcelain").stdout == ""
    misspelt = clone.run("--data", str(tmp_path / "my.csv"), "--target", "b", "--train.epocs", "2")
    assert misspelt.stderr.splitlines()[-1] == "error: unknown parameter 'train.epocs'; did you mean 'train.epochs'?"
    assert clone.call("git", "status", "--porcelain").stdout == ""
    both = clone.run("--data", str(tmp_path / "my.csv"), "--target", "b", "--preset", "car")
    assert both.stderr.splitlines()[-1] == "error: --data has settings of its own; expected no --preset, got car"
    alone = clone.run("--task", "regression")
    assert alone.stderr.splitlines()[-1] == (
        "error: --task says how --data is looked at; expected --data FILE_OR_FOLDER, got --task regression"
    )
