"""Nothing that is learned knows a row that is not trained on: neither encoder nor scaler nor baseline."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scoring_cases import clinic, write_clinic, write_params

from pipelines import baseline, ingest, preprocess, split
from twintrain.data.files import sha256_of
from twintrain.data.prepare.preparation import prepare
from twintrain.settings.params import load_params
from twintrain.settings.yaml_files import write_yaml

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


def test_texts_that_are_not_trained_on_teach_the_vocabulary_nothing(project):
    rng = np.random.default_rng(0)
    words = np.array(["good", "bad", "soup", "wine", "was", "!"])
    texts = [" ".join(rng.choice(words, 5)) for _ in range(40)]
    parts = _text_parts(project, texts)
    _, before = learned()
    assert before["columns"][0]["vocabulary"] == sorted(words, key=lambda word: (-_count(word, texts, parts), word))
    np.testing.assert_array_equal(np.load("build/split/train/features.npy"), parts["train"].features)
    for row in (*parts["val"].index, *parts["test"].index):
        texts[row] = "soup seoul 서울"
    changed = _text_parts(project, texts)
    assert learned()[1] == before
    np.testing.assert_array_equal(changed["train"].features, parts["train"].features)
    assert (changed["test"].features[:, 1:] == [1, 1, 0, 0, 0]).all()


def _count(word, texts, parts):
    return sum(texts[row].split().count(word) for row in parts["train"].index)


def _text_parts(project, texts):
    """What the stages make of texts, in files, and what is made of them in memory."""
    table = pd.DataFrame({"review": texts, "y": ["no", "yes"] * (len(texts) // 2)})
    folder = project / "data/notes"
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "notes.csv", index=False)
    described = {"title": "t", "origin": "o", "licence": "l", "task": "binary", "format": "table", "target": "y"}
    features = {"review": {"text": {"words": 9, "length": 6}}}
    files = {"notes.csv": sha256_of(folder / "notes.csv")}
    write_yaml(
        project / "conf/datasets/notes.yaml",
        {**described, "labels": ["no", "yes"], "features": features, "files": files},
    )
    write_params("diabetes", ("--dataset", "notes", "--model", "text_embedding", "--split.scale", "none", *QUICK))
    for stage in (ingest.ingest, preprocess.preprocess, split.split):
        stage()
    return prepare(load_params())[1]


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
