"""What version 0.1.0 has left is read; of its networks test_saved_networks.py says what is."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from twintrain.data.dataset import load_dataset
from twintrain.serving.recipe import Recipe
from twintrain.settings.params import Serving, load_params
from twintrain.training.transfer import Trained

FILES = Path(__file__).parents[1] / "files" / "of_0.1.0"


@pytest.fixture
def own_data(project):
    """A project in which version 0.1.0 was given data of the user's own, and trained on them."""
    shutil.copy(FILES / "params.yaml", "params.yaml")
    shutil.copy(FILES / "dataset.yaml", "conf/datasets/pears.yaml")
    shutil.copy(FILES / "preset.yaml", "conf/presets/pears.yaml")


def test_parameters_of_an_earlier_version_are_read_and_new_ones_have_their_defaults(own_data):
    params = load_params()
    assert (params.dataset, params.train.epochs, params.train.early_stopping.patience) == ("pears", 2, 10)
    assert params.serving == Serving()


def test_description_of_own_data_of_an_earlier_version_is_read(own_data):
    dataset = load_dataset("pears")
    assert (dataset.labels, list(dataset.features)) == (["a", "b"], ["size", "colour", "weight"])
    assert dataset.files.keys() == {"pears.csv"}


def test_weights_of_an_earlier_version_are_read():
    trained = Trained.load(FILES / "weights.npz")
    assert [array.shape for array in trained.arrays.values()][:2] == [(2, 10), (10,)]
    assert all(np.isfinite(array).all() for array in trained.arrays.values())


def test_recipe_of_an_earlier_version_answers_rows():
    recipe = Recipe.load(FILES / "recipe.json")
    answers = recipe.answers(np.zeros((2, 1), np.float32))
    assert answers["label"].tolist() == ["0", "0"] or answers["label"].tolist() == ["1", "1"]
    assert answers.columns.tolist() == ["label", "probability_0", "probability_1"]
