"""The data that ships with the repository: what it holds, not how the code reads it."""

from pathlib import Path

import numpy as np
import pytest

from twintrain.data.dataset import load_dataset, raw_files
from twintrain.data.readers.reading import read_raw

ROOT = Path(__file__).resolve().parents[2]
GATES = {"and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor, "nand": lambda a, b: ~np.logical_and(a, b)}


@pytest.fixture
def ingested(shipped_data, monkeypatch):
    monkeypatch.chdir(ROOT)

    def read(name):
        dataset = load_dataset(name)
        return read_raw(raw_files(name, dataset), dataset, "error")

    return read


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("and", [3, 1]),
        ("or", [1, 3]),
        ("nand", [1, 3]),
        ("xor", [2, 2]),
        ("car", [1210, 384, 69, 65]),
        ("diabetes", [500, 268]),
        ("mnist5k", [500] * 10),
    ],
)
def test_every_row_is_good_and_every_class_has_its_rows(name, counts, ingested):
    data = ingested(name)
    assert np.bincount(data.labels).tolist() == counts
    assert len(data.rejected) == 0


@pytest.mark.parametrize("name", GATES)
def test_gate_is_its_truth_table(name, ingested):
    table = ingested(name).table
    assert table[["x1", "x2"]].to_numpy().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    first, second = (table[column].to_numpy().astype(bool) for column in ("x1", "x2"))
    assert ingested(name).labels.tolist() == GATES[name](first, second).astype(int).tolist()


def test_every_car_is_there_once(ingested):
    features = ingested("car").table.drop(columns="class")
    assert features.shape == (4 * 4 * 4 * 3 * 3 * 3, 6)
    assert not features.duplicated().any()


def test_diabetes_has_the_first_patient_of_the_original_file(ingested):
    table = ingested("diabetes").table
    assert table.shape == (768, 9)
    assert table.iloc[0].tolist() == [6, 148, 72, 35, 0, 33.6, 0.627, 50, "positive"]


def test_digits_are_whole_bright_images_on_black(ingested):
    images = ingested("mnist5k").array
    assert (images.shape, images.dtype) == ((5000, 28, 28, 1), np.uint8)
    assert (images.min(), images.max()) == (0, 255)
    assert (images[:, [0, -1]] == 0).mean() > 0.99
    assert (images.reshape(5000, -1).max(axis=1) > 128).all()
