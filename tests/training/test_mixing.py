import numpy as np
import pytest

from twintrain.data.parts import Part
from twintrain.settings.sections.losses import SHARES
from twintrain.settings.sections.training import Augmentation
from twintrain.training.augmentation import augment, draw
from twintrain.training.mixing import DRAWS, draw_mixture, mix, rows_of_epoch

ROWS = 2000
ZEROS, ONES = np.zeros((ROWS, 6, 10, 1), np.float32), np.ones((ROWS, 6, 10, 1), np.float32)
LABELS = np.full(ROWS, 3), np.full(ROWS, 5)


def mixed(images=(ZEROS, ONES), **settings):
    numbers = draw_mixture(np.arange(ROWS), ROWS, 0, 0).numbers
    return mix(images, LABELS, numbers, Augmentation(**settings))


def test_mixup_adds_both_images_in_the_shares_of_their_labels():
    images, labels = mixed(mixup=0.4)
    np.testing.assert_array_equal(labels[:, :2], np.stack(LABELS, axis=1))
    shares = labels[:, 2] / SHARES
    np.testing.assert_array_equal(images, np.broadcast_to((1 - shares)[:, None, None, None], images.shape))
    assert images.dtype == np.float32
    # Of Beta(0.4, 0.4): 1/2, and 1 / (4 · 1.8).
    assert shares.mean() == pytest.approx(0.5, abs=0.03)
    assert shares.var() == pytest.approx(1 / 7.2, abs=0.01)


def test_cutmix_puts_a_rectangle_whose_area_is_the_share_of_its_label():
    images, labels = mixed(cutmix=1.0)
    assert set(np.unique(images)) == {0.0, 1.0}
    np.testing.assert_allclose(images.mean(axis=(1, 2, 3)), 1 - labels[:, 2] / SHARES, rtol=0, atol=1 / SHARES)
    for image in images[:, :, :, 0]:
        rows, columns = image.any(axis=1), image.any(axis=0)
        np.testing.assert_array_equal(image, np.outer(rows, columns))
        assert np.abs(np.diff(np.concatenate([[0], rows, [0]]).astype(int))).sum() == 2, "one stretch"
    assert (labels[:, 2] / SHARES).mean() == pytest.approx(0.5, abs=0.03)
    assert images[:, :, :, 0].mean(axis=0).min() > 0.2, "it lies anywhere"


def test_where_both_are_on_each_row_is_of_one_kind():
    images, _ = mixed(mixup=1.0, cutmix=1.0)
    is_cut = [set(np.unique(image)) == {0.0, 1.0} for image in images]
    assert np.mean(is_cut) == pytest.approx(0.5, abs=0.05)
    assert all(cut or len(np.unique(image)) == 1 for cut, image in zip(is_cut, images, strict=True))


def test_mixtures_are_those_of_seed_epoch_and_row_alone():
    every = draw_mixture(np.arange(5000), 5000, 1, 2)
    rows = np.array([4999, 0, 1024, 1023, 3000])
    some = draw_mixture(rows, 5000, 1, 2)
    np.testing.assert_array_equal(some.others, every.others[rows])
    for name in DRAWS:
        np.testing.assert_array_equal(some.numbers[name], every.numbers[name][rows])
    assert (draw_mixture(rows, 5000, 1, 3).others != some.others).any()
    assert np.bincount(every.others // 500, minlength=10) == pytest.approx(np.full(10, 500), abs=90)


def test_what_is_mixed_is_augmented_before():
    settings = Augmentation(flip=0.5, mixup=1.0)
    part = Part(np.random.default_rng(0).random((50, 6, 6, 1)), np.arange(50), np.arange(50))
    rows = np.array([7, 3, 41])
    others, numbers = draw_mixture(rows, 50, 5, 2)
    images = tuple(augment(part.features[each], draw(each, 5, 2), settings) for each in (rows, others))
    found = rows_of_epoch(part, rows, settings, 5, 2)
    for array, wanted in zip(found, mix(images, (rows, others), numbers, settings), strict=True):
        np.testing.assert_array_equal(array, wanted)
