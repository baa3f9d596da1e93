import numpy as np
import pytest
from scipy.ndimage import affine_transform

from twintrain.data.schema import Schema
from twintrain.settings.sections.training import Augmentation
from twintrain.training.augmentation import DRAWS, ERASED_AREA, augment, check_augmentation, draw

IMAGES = np.random.default_rng(0).random((6, 9, 9, 2), np.float32)
WIDE = np.random.default_rng(1).random((6, 7, 12, 3), np.float32)
MIDDLE = 0.5


def drawn(rows=6, **numbers):
    """Draws that change nothing but what is named: shifts, angles and crops in the middle of their range."""
    draws = np.full((rows, len(DRAWS)), MIDDLE)
    for name, values in numbers.items():
        draws[:, DRAWS.index(name)] = values
    return draws


@pytest.mark.parametrize("images", [IMAGES, WIDE, WIDE.astype(np.float64)], ids=["square", "wide", "float64"])
def test_shift_moves_by_whole_pixels_and_fills_with_zeros(images):
    shifts = np.array([-2, -1, 0, 1, 2, 2])
    draws = drawn(shift_x=(shifts + 2.5) / 5, shift_y=(-shifts + 2.5) / 5)
    changed = augment(images, draws, Augmentation(shift=2))
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)))
    for image, moved, shift in zip(padded, changed, shifts, strict=True):
        rolled = np.roll(image, (-shift, shift), axis=(0, 1))
        np.testing.assert_array_equal(moved, rolled[2:-2, 2:-2])
    assert changed.dtype == images.dtype


def test_shifts_are_all_whole_numbers_alike_often():
    dot = np.zeros((4000, 5, 5, 1), np.float32)
    dot[:, 2, 2] = 1
    places = augment(dot, draw(np.arange(4000), 0, 0), Augmentation(shift=1)).reshape(4000, 25).argmax(axis=1)
    counts = np.bincount(places, minlength=25).reshape(5, 5)
    assert counts[1:4, 1:4] / 4000 == pytest.approx(np.full((3, 3), 1 / 9), abs=0.025)
    assert counts.sum() == counts[1:4, 1:4].sum() == 4000


@pytest.mark.parametrize(("angle", "turns"), [(90.0, 1), (-90.0, -1), (180.0, 2), (0.0, 0)])
def test_right_angles_turn_as_numpy_does(angle, turns):
    changed = augment(IMAGES, drawn(rotation=(angle / 180 + 1) / 2), Augmentation(rotation=180.0))
    np.testing.assert_allclose(changed, np.rot90(IMAGES, turns, axes=(1, 2)), rtol=0, atol=1e-5)


def test_rotation_is_linear_interpolation_about_the_centre():
    changed = augment(WIDE, drawn(rotation=0.9), Augmentation(rotation=25.0))
    angle = np.deg2rad(20.0)
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])  # of (y, x)
    centre = np.array([3.0, 5.5])
    for image, turned in zip(WIDE, changed, strict=True):
        for channel in range(3):
            wanted = affine_transform(
                image[..., channel].astype(np.float64),
                matrix,
                centre - matrix @ centre,
                order=1,
                mode="grid-constant",
            )
            np.testing.assert_allclose(turned[..., channel], wanted, rtol=0, atol=1e-5)


def test_crop_fills_the_image_with_a_part_of_it():
    # A quarter of the area in the upper left corner: the new image's pixels lie half as far apart.
    changed = augment(WIDE[:1], drawn(1, crop_area=0.0, crop_x=0.0, crop_y=0.0), Augmentation(crop=0.25))[0]
    rows, columns = (np.arange(size) / 2 - 0.25 for size in (7, 12))
    expected = np.stack([bilinear(WIDE[0, :, :, channel], rows, columns) for channel in range(3)], axis=-1)
    np.testing.assert_allclose(changed, expected, rtol=0, atol=1e-5)


def bilinear(image, rows, columns):
    """The image at places (rows × columns), 0 outside."""
    padded = np.pad(image.astype(np.float64), 1)
    along = np.stack([np.interp(columns + 1, np.arange(padded.shape[1]), line) for line in padded])
    return np.stack([np.interp(rows + 1, np.arange(padded.shape[0]), line) for line in along.T], axis=1)


@pytest.mark.parametrize("corner", [0.0, 1.0])
def test_crop_stays_inside_the_image(corner):
    ones = np.ones((1, 8, 8, 1), np.float32)
    changed = augment(ones, drawn(1, crop_area=0.0, crop_x=corner, crop_y=corner), Augmentation(crop=0.5))
    # Less than half a pixel beyond the border is half-way to the zeros around.
    assert changed[0, 1:-1, 1:-1].min() == 1.0


def test_flip_is_a_horizontal_mirror_image_of_the_rows_that_are_drawn():
    chances = np.array([0.0, 0.29, 0.31, 0.9, 0.1, 0.5])
    changed = augment(WIDE, drawn(flip=chances), Augmentation(flip=0.3))
    for image, found, chance in zip(WIDE, changed, chances, strict=True):
        np.testing.assert_array_equal(found, np.flip(image, axis=1) if chance < 0.3 else image)


def test_changes_go_one_after_the_other():
    draws = drawn(1, shift_x=0.999, rotation=0.75, flip=0.0)
    changed = augment(IMAGES[:1], draws, Augmentation(shift=2, rotation=180.0, flip=0.5))[0]
    turned = np.rot90(np.flip(IMAGES[0], axis=1))
    expected = np.zeros_like(turned)
    expected[:, 2:] = turned[:, :-2]
    np.testing.assert_allclose(changed, expected, rtol=0, atol=1e-5)


def test_erasing_takes_a_rectangle_out_of_the_rows_that_are_drawn():
    # A fifth of 10 × 20 pixels, twice as high as wide but for rounding: √(40·2) × √(40/2) = 9 × 4.
    images = np.ones((3, 10, 20, 1), np.float32)
    share = (0.2 - ERASED_AREA[0]) / (ERASED_AREA[1] - ERASED_AREA[0])
    aspect = (2.0 - 0.3) / (1 / 0.3 - 0.3)
    draws = drawn(
        3, erasing=[0.1, 0.9, 0.1], erased_area=share, erased_aspect=aspect, erased_x=[0, 0, 0.999], erased_y=0.999
    )
    changed = augment(images, draws, Augmentation(erasing=0.5))
    expected = np.ones_like(images)
    expected[0, 1:10, 0:4] = 0
    expected[2, 1:10, 16:20] = 0
    np.testing.assert_array_equal(changed, expected)
    assert images.min() == 1.0


def test_erased_shares_are_those_of_the_paper():
    images = np.ones((3000, 32, 32, 1), np.float32)
    shares = 1 - augment(images, draw(np.arange(3000), 0, 0), Augmentation(erasing=0.5)).mean(axis=(1, 2, 3))
    assert (shares > 0).mean() == pytest.approx(0.5, abs=0.03)
    assert shares[shares > 0].min() > 0.01
    assert shares.max() < 0.42
    assert shares[shares > 0].mean() == pytest.approx(0.21, abs=0.02)


def test_nothing_set_changes_nothing():
    assert not Augmentation().is_on
    assert augment(IMAGES, draw(np.arange(6), 0, 0), Augmentation()) is IMAGES


@pytest.mark.parametrize(
    "change",
    [{"shift": 1}, {"rotation": 5.0}, {"crop": 0.9}, {"flip": 0.5}, {"erasing": 0.5}],
    ids=lambda c: next(iter(c)),
)
def test_each_setting_alone_turns_it_on_and_leaves_what_came_in(change):
    before = IMAGES.copy()
    settings = Augmentation(**change)
    assert settings.is_on
    assert not np.array_equal(
        augment(IMAGES, drawn(flip=0, erasing=0, shift_x=0, rotation=0, crop_area=0), settings), before
    )
    np.testing.assert_array_equal(IMAGES, before)


def test_draws_are_those_of_seed_and_epoch_alone():
    five = np.arange(5)
    np.testing.assert_array_equal(draw(five, 1, 2), draw(five, 1, 2))
    for other in ((1, 3), (2, 2), (2, 1)):
        assert np.abs(draw(five, *other) - draw(five, 1, 2)).max() > 0.1


def test_draws_of_a_row_are_the_same_whatever_rows_are_asked_for():
    every = np.random.default_rng([1, 2, 1]).random((5000, 12))
    for rows in (np.arange(5000), np.array([4999, 0, 1024, 1023, 3000, 0])):
        np.testing.assert_array_equal(draw(rows, 1, 2), every[rows])


def schema(shape, labels=("a", "b")):
    return Schema.model_construct(dataset="rows", labels=list(labels), input_shape=list(shape))


@pytest.mark.parametrize(
    ("settings", "given", "message"),
    [
        (
            {"flip": 0.5},
            schema([8]),
            "train.augmentation is for images, and rows of rows are of shape 8; "
            "expected shift: 0, rotation: 0, crop: 1, flip: 0, erasing: 0, mixup: 0 and cutmix: 0",
        ),
        (
            {"flip": 0.5},
            schema([8, 8, 1], labels=()),
            "train.augmentation: the labels of rows are no classes, and would not move with the images; "
            "expected shift: 0, rotation: 0, crop: 1, flip: 0, erasing: 0, mixup: 0 and cutmix: 0",
        ),
        (
            {"shift": 8},
            schema([9, 8, 1]),
            "train.augmentation.shift: images of rows have 9 × 8 pixels; expected less than 8, got 8",
        ),
    ],
)
def test_what_cannot_be_augmented_is_refused(settings, given, message, error_of):
    assert error_of(check_augmentation, Augmentation(**settings), given) == message


def test_what_is_right_passes():
    check_augmentation(Augmentation(), schema([8]))
    check_augmentation(Augmentation(shift=7, flip=0.5), schema([9, 8, 1]))
