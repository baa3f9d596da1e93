"""Ingest, preprocess and split of arrays with a test set of their own, from the raw file to the parts."""

from contextlib import nullcontext
from unittest.mock import MagicMock

import numpy as np
import pytest

from pipelines.ingest import ingest
from pipelines.preprocess import preprocess
from pipelines.split import split
from twintrain import tracking
from twintrain.data.files import sha256_of
from twintrain.data.parts import PARTS, Part
from twintrain.data.prepare.preparation import prepare
from twintrain.data.schema import Schema
from twintrain.settings.params import load_params
from twintrain.settings.yaml_files import read_yaml, write_yaml

RANDOM = np.random.default_rng(0)
LABELS = np.tile(["cat", "dog", "owl", "yak"], 15)
IMAGES = RANDOM.integers(0, 256, (60, 5, 4, 3), np.uint8)
SEQUENCES = RANDOM.normal(size=(60, 6, 2))
VECTORS = RANDOM.normal(size=(60, 3))
RUN = MagicMock()
PICTURES = {"images": "samples.png", "sequences": "samples.png", "vectors": "columns.png"}
KINDS = {
    "images": (IMAGES, {"image_shape": [5, 4, 3]}),
    "sequences": (SEQUENCES, {"sample_shape": [6, 2]}),
    "vectors": (VECTORS, {"sample_shape": [3]}),
}


@pytest.fixture
def stages(project, monkeypatch):
    """Writes a data set of 40 training and 20 test rows, and runs the three stages without MLflow."""
    monkeypatch.setattr(tracking, "stage_run", lambda *_: nullcontext(RUN))

    def run(kind, **sections):
        features, shape = KINDS[kind]
        raw = project / "data/demo/demo.npz"
        raw.parent.mkdir(parents=True)
        np.savez(raw, x_train=features[:40], y_train=LABELS[:40], x_test=features[40:], y_test=LABELS[40:])
        described = {"title": "Demo", "origin": "tests", "licence": "none", "task": "multiclass", "target": "animal"}
        labels = {"labels": ["cat", "dog", "owl", "yak"], "format": "npz", "files": {"demo.npz": sha256_of(raw)}}
        write_yaml(project / "conf/datasets/demo.yaml", {**described, **labels, **shape})
        params = read_yaml(project / "params.yaml")
        params["dataset"] = "demo"
        for section, values in sections.items():
            params[section].update(values)
        write_yaml(project / "params.yaml", params)
        for stage in (ingest, preprocess, split):
            stage()
        return Schema.load(project / "build/split"), {name: Part.load(project / "build/split" / name) for name in PARTS}

    return run


@pytest.mark.parametrize("kind", KINDS)
def test_given_test_rows_arrive_as_they_are(kind, stages, project):
    schema, parts = stages(kind, split={"method": "given", "val": 0.2})
    features, _ = KINDS[kind]
    scaled = features.astype(np.float32) / np.float32(255) if kind == "images" else features.astype(np.float32)
    assert np.array_equal(parts["test"].features, scaled[40:])
    assert parts["test"].index.tolist() == list(range(40, 60))
    assert np.array_equal(parts["test"].labels, np.arange(40, 60) % 4)
    assert (len(parts["train"]), np.bincount(parts["val"].labels).tolist()) == (32, [2, 2, 2, 2])
    assert schema.input_shape == list(features.shape[1:])
    assert (project / "build/ingested" / PICTURES[kind]).is_file()


@pytest.mark.parametrize(
    ("method", "expected"), [("given", {"test_rows": 20, "same": 2, "other_target": 1}), ("same", {})]
)
def test_copies_of_training_rows_among_the_test_rows_are_counted_and_said(
    method, expected, stages, project, monkeypatch, capsys
):
    copied = VECTORS.copy()
    # Row 41 is of class 1, row 44 of class 0; all training rows of a class are copied from, so that none is in val.
    copied[:40] = VECTORS[np.arange(40) % 4]
    copied[41], copied[44], copied[46] = copied[1], copied[0], copied[3]
    monkeypatch.setitem(KINDS, "vectors", (copied, KINDS["vectors"][1]))
    stages("vectors", split={"method": method, "val": 0.2})
    assert read_yaml(project / "build/split/duplicates.json") == expected
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("mind: ")]
    assert [line.split(" test rows")[0] for line in said] == (["mind: 2 of 20", "mind: 1 of 20"] if expected else [])
    logged = RUN.log_metrics.call_args.args[0]
    assert {name: count for name, count in logged.items() if name.startswith("duplicate")} == {
        f"duplicate_{name}": count for name, count in expected.items()
    }


def test_images_stay_bytes_until_they_are_scaled(stages, project):
    stages("images")
    kept = np.load(project / "build/ingested/00000/array.npy")
    assert kept.dtype == np.uint8
    assert np.array_equal(kept, IMAGES)


def test_chosen_classes_are_all_that_arrives(stages):
    schema, parts = stages("images", ingest={"classes": ["yak", "cat"]}, split={"method": "given", "val": 0.2})
    assert (schema.labels, schema.outputs) == (["yak", "cat"], 2)
    rows = np.flatnonzero(np.isin(LABELS, ["yak", "cat"]))
    test = parts["test"]
    assert np.array_equal(test.features, IMAGES[rows[rows >= 40]].astype(np.float32) / np.float32(255))
    assert test.labels.tolist() == [["yak", "cat"].index(label) for label in LABELS[rows[rows >= 40]]]


def test_preparation_without_files_gives_the_same(stages):
    schema, parts = stages("images", ingest={"classes": ["yak", "cat", "owl"]}, split={"method": "given", "val": 0.2})
    prepared_schema, prepared = prepare(load_params())
    assert prepared_schema == schema
    for name in PARTS:
        assert np.array_equal(prepared[name].features, parts[name].features)
        assert np.array_equal(prepared[name].labels, parts[name].labels)
        assert np.array_equal(prepared[name].index, parts[name].index)
