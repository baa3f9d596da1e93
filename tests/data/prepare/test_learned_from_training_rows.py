"""Nothing that is learned knows a row that is not trained on: neither encoder nor scaler nor baseline."""

import json
from pathlib import Path

import numpy as np
import pytest
from scoring_cases import clinic, write_clinic, write_params

from pipelines import baseline, ingest, preprocess, split
from twintrain.data.prepare.preparation import prepare
from twintrain.settings.params import load_params

TABLE = ("--dataset", "clinic", "--model", "table_mlp", "--preprocess.categorical", "onehot")
SPLIT = ("--split.time", "seen", "--split.scale", "standard")
QUICK = ("--baseline.others", "[]", "--tracking.budget_seconds", "0")


@pytest.fixture
def parts_of(project):
    """What the stages make of a table, and what is made of it in memory: the files, and the parts."""

    def run(table, *further):
        write_clinic(project, table)
        write_params("diabetes", (*TABLE, *SPLIT, *QUICK))
        for stage in (ingest.ingest, preprocess.preprocess, split.split, *further):
            stage()
        _, parts = prepare(load_params())
        return {name: np.load(f"build/split/{name}/features.npy") for name in parts}, parts

    return run


def learned():
    return [json.loads(Path(f"build/split/{name}.json").read_text("utf-8")) for name in ("scaler", "encoder")]


def test_rows_that_are_not_trained_on_teach_the_encoder_and_the_scaler_nothing(parts_of):
    table = clinic()
    files, parts = parts_of(table)
    before = learned()
    assert all(before)
    others = np.concatenate([parts["val"].index, parts["test"].index])
    table.loc[others, "weight"] = "900,5"
    table.loc[others, "grade"] = "3"
    table.loc[others, "born"] = "01.01.1900"
    table.loc[others, "city"] = "Seoul"
    changed_files, changed = parts_of(table)
    assert learned() == before
    np.testing.assert_array_equal(changed_files["train"], files["train"])
    np.testing.assert_array_equal(changed["train"].features, parts["train"].features)
    for name in ("val", "test"):
        assert not np.array_equal(changed_files[name], files[name])
        assert not np.array_equal(changed[name].features, parts[name].features)


def test_rows_that_are_not_trained_on_teach_the_baseline_nothing(parts_of):
    table = clinic()
    _, parts = parts_of(table, baseline.baseline)
    others = np.concatenate([parts["val"].index, parts["test"].index])
    with np.load("build/baseline/predictions.npz") as stored:
        before = dict(stored)
    table.loc[others, "ill"] = table.loc[others, "ill"].map({"no": "yes", "yes": "no"})
    parts_of(table, baseline.baseline)
    with np.load("build/baseline/predictions.npz") as stored:
        np.testing.assert_array_equal(stored["label"], 1 - before["label"])
        np.testing.assert_array_equal(stored["probability"], before["probability"])
