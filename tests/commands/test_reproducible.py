"""Figures that must not depend on how they are come by: trained again, computed without files, read off a head."""

import io
import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from project_clone import ROOT, UNTRACKED, Clone

from twintrain.data.parts import PARTS
from twintrain.data.prepare.preparation import prepare
from twintrain.data.schema import Schema
from twintrain.settings.params import load_params
from twintrain.settings.yaml_files import read_yaml

pytestmark = pytest.mark.slow

FRAMEWORKS = ("torch", "keras")
MODEL = """\
# Masks, batch statistics and a head
layers:
  - embedding
  - dense: {units: 16}
  - batch_norm
  - activation: {function: relu}
  - dropout: {rate: 0.3}
  - dense: {units: outputs}
  - softmax
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone in which a network with a softmax head was trained on all rows of `car`, and tested on them."""
    clone = Clone(tmp_path_factory.mktemp("reproducible") / "clone")
    (clone.folder / "conf/models/with_head.yaml").write_text(MODEL)
    settings = ("--model", "with_head", "--split.method", "same", "--train.epochs", "2", "--train.threads", "1")
    result = clone.run("--preset", "car", *settings, "--train.device", "cpu", "--baseline.others", "[]", *UNTRACKED)
    assert result.returncode == 0, result.stdout + result.stderr
    return clone


def results(clone: Clone) -> dict:
    return json.loads((clone.folder / "results/metrics.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_probabilities_of_a_head_give_the_loss_that_training_saw(clone: Clone, framework: str):
    history = pd.read_csv(clone.folder / f"build/train/{framework}/history.csv")
    found = results(clone)[framework]
    assert found["head"] == "softmax"
    assert found["test_loss"] == pytest.approx(history["val_loss"].min(), rel=1e-5)
    probability = np.load(clone.folder / f"build/evaluate/{framework}/predictions.npz")["probability"]
    np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=0, atol=1e-12)


def test_what_a_fresh_clone_makes_of_its_data_is_what_is_committed(tmp_path: Path):
    """On another processor, and with other threads: the committed entries were made with other ones than these."""
    fresh = Clone(tmp_path / "fresh")
    processor = {"OMP_NUM_THREADS": "1", "OPENBLAS_CORETYPE": "Prescott", "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3"}
    result = fresh.run("--target", "split", **processor)
    assert result.returncode == 0, result.stdout + result.stderr
    committed = read_yaml(ROOT / "dvc.lock")["stages"]
    made = read_yaml(fresh.folder / "dvc.lock")["stages"]
    for stage in ("ingest", "preprocess", "split"):
        assert made[stage] == committed[stage], f"{stage}: commit the dvc.lock of a run of the code as it is"
    assert fresh.call("git", "status", "--porcelain").stdout in ("", " M dvc.lock\n")


def arrays_of(path: Path) -> dict[str, bytes]:
    """The arrays in a saved network, which is an archive, bit for bit."""
    with zipfile.ZipFile(path) as archive:
        if path.suffix == ".pt2":
            return {name: archive.read(name) for name in archive.namelist() if "/weights/" in name}
        file = h5py.File(io.BytesIO(archive.read("model.weights.h5")))
    found: dict[str, bytes] = {}
    file.visititems(
        lambda name, item: found.update({name: item[()].tobytes()} if isinstance(item, h5py.Dataset) else {})
    )
    return found


def test_training_again_ends_in_the_same_bits(clone: Clone):
    models = {name: next((clone.folder / f"build/train/{name}").glob("model.[pk]*")) for name in FRAMEWORKS}
    before = {name: arrays_of(path) for name, path in models.items()}
    assert all(len(arrays) > 8 for arrays in before.values())
    for _ in range(2):
        again = clone.call("dvc", "repro", "--force", "--single-item", "train@torch", "train@keras")
        assert again.returncode == 0, again.stdout + again.stderr
        assert {name: arrays_of(path) for name, path in models.items()} == before


@pytest.mark.parametrize("preset", ["car", "diabetes", "mnist5k"])
def test_data_prepared_in_memory_are_those_of_the_stages(clone: Clone, preset: str, monkeypatch: pytest.MonkeyPatch):
    assert clone.run("--preset", preset, "--target", "split", *UNTRACKED).returncode == 0
    monkeypatch.chdir(clone.folder)
    schema, parts = prepare(load_params())
    assert schema == Schema.load(Path("build/split"))
    assert tuple(parts) == PARTS
    for name, part in parts.items():
        for key in ("features", "labels", "index"):
            written = np.load(f"build/split/{name}/{key}.npy")
            np.testing.assert_array_equal(getattr(part, key), written, strict=True)
