"""Noisy pictures and masks: what is drawn for an image depends on it and the seed alone."""

import numpy as np
import pytest

from twintrain.data.dataset import Dataset, load_dataset
from twintrain.data.readers.noisy_masks import NoisyMasks, hide
from twintrain.data.readers.reading import read_raw
from twintrain.settings.yaml_files import validated

SETTINGS = NoisyMasks(threshold=127, contrast=0.5, noise=100, seed=3)
IMAGES = np.random.default_rng(0).integers(0, 256, (20, 4, 5, 1), dtype=np.uint8)
DESCRIBED = {
    **{"title": "Demo", "origin": "tests", "licence": "none", "files": {"raw.npz": ""}, "target": "kind"},
    **{"task": "segmentation", "format": "npz", "image_shape": [4, 5, 1]},
    "noisy_masks": {"threshold": 127, "contrast": 0.5, "noise": 100},
}


def test_masks_are_the_bright_pixels_and_noise_is_added():
    pictures, masks = hide(IMAGES, SETTINGS)
    assert (pictures.dtype, pictures.shape, masks.dtype) == (np.uint8, IMAGES.shape, bool)
    assert np.array_equal(masks, IMAGES.reshape(20, -1) > 127)
    added = pictures - np.rint(IMAGES / 2)
    assert (added.min(), added.max()) == (0, 100)
    assert abs(added.mean() - 50) < 5


def test_what_would_be_brighter_than_white_is_white():
    pictures, _ = hide(IMAGES, NoisyMasks(threshold=127, contrast=1.0, noise=255))
    assert pictures.max() == 255
    assert (pictures >= IMAGES).all()


def test_neither_order_nor_other_rows_matter():
    pictures, masks = hide(IMAGES, SETTINGS)
    chosen = np.array([7, 2, 19])
    for whole, part in zip((pictures, masks), hide(IMAGES[chosen], SETTINGS), strict=True):
        assert np.array_equal(whole[chosen], part)
    assert not np.array_equal(pictures, hide(IMAGES, SETTINGS.model_copy(update={"seed": 4}))[0])


def test_masks_without_a_pixel_are_nothing_to_learn(tmp_path, error_of):
    path = tmp_path / "raw.npz"
    np.savez(path, features=IMAGES // 128, labels=np.arange(20))
    assert error_of(read_raw, [path], validated(Dataset, DESCRIBED, "demo.yaml"), "error") == (
        f"{path}: no pixel of any mask is set; expected a lower noisy_masks.threshold"
    )


def test_labels_of_the_images_are_not_looked_at(tmp_path):
    path = tmp_path / "raw.npz"
    np.savez(path, features=IMAGES, labels=np.arange(20))
    found = read_raw([path], validated(Dataset, DESCRIBED, "demo.yaml"), "error")
    pictures, masks = hide(IMAGES, SETTINGS.model_copy(update={"seed": 0}))
    assert np.array_equal(found.array, pictures)
    assert np.array_equal(found.labels, masks)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ["a", "b"]}, "demo.yaml: a segmentation predicts a mask; expected no labels"),
        (
            {"noisy_masks": None},
            "demo.yaml: expected task: segmentation and noisy_masks, which make a mask of each image, together",
        ),
        (
            {"task": "multiclass", "labels": ["a", "b"]},
            "demo.yaml: expected task: segmentation and noisy_masks, which make a mask of each image, together",
        ),
        (
            {"image_shape": [4, 5, 3]},
            "demo.yaml: noisy_masks are made of images of one channel; expected image_shape: [height, width, 1]",
        ),
        (
            {"noisy_masks": {"threshold": 255, "contrast": 0.5, "noise": 9}},
            "demo.yaml: 'noisy_masks.threshold': expected 0 to 254, got 255",
        ),
    ],
)
def test_mistake_in_a_description_is_one_line(change, message, error_of):
    assert error_of(validated, Dataset, {**DESCRIBED, **change}, "demo.yaml") == message


def test_masks_are_no_classes_to_choose_from(error_of):
    assert error_of(load_dataset("noisy_digits").of_classes, ["0"]) == (
        "ingest.classes: Noisy digits, 5,000 has a mask to predict and no classes; expected null"
    )
