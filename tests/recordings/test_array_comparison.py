import numpy as np
import pytest

from twintrain.recordings.comparing.comparison import difference, turned

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 3, 1, 2), (0, 2, 3, 1), (0, 1, 3, 2)])
def test_a_permuted_image_is_recognised_although_its_axes_are_of_one_length(order):
    image = RNG.normal(size=(2, 5, 5, 5))
    other = np.transpose(image, np.argsort(order))
    found = turned(image, other)
    assert found.permutation == order
    np.testing.assert_array_equal(found.array, image)


def test_time_before_rows_is_recognised():
    steps = RNG.normal(size=(4, 4, 3))
    assert turned(steps, steps.swapaxes(0, 1)).permutation == (1, 0, 2)


def test_axes_of_length_one_count_for_nothing():
    rows = RNG.normal(size=(4, 3))
    np.testing.assert_array_equal(turned(rows, rows[:, :, None, None]).array, rows)
    assert turned(rows[:, None, None], rows).array.shape == (4, 1, 1, 3)


def test_an_image_flattened_in_another_order_is_not_the_same():
    image = RNG.normal(size=(2, 3, 4, 4))
    found = difference(image.reshape(2, -1), np.moveaxis(image, 1, -1).reshape(2, -1))
    assert (found.permutation, found.largest > 0.5) == ((0, 1), True)


def test_shapes_that_fit_in_no_order_are_none():
    assert turned(np.zeros((2, 3)), np.zeros((2, 4))) is None
    assert difference(np.zeros((2, 3)), np.zeros((2, 4))).largest == np.inf


def test_of_images_far_from_each_other_the_likely_layout_is_taken():
    a, b = RNG.normal(size=(2, 4, 4, 4)), RNG.normal(size=(2, 4, 4, 4))
    assert turned(a, b, "first").permutation == (0, 3, 1, 2)
    assert turned(a, a + 0.001 * b, "first").permutation == (0, 1, 2, 3)


def test_difference_has_its_place_its_mean_and_its_angle():
    a = np.array([[1.0, 2.0], [3.0, -4.0]])
    b = a.copy()
    b[1, 0] += 0.4
    found = difference(a, b)
    assert found.place == (1, 0)
    assert (found.largest, found.mean) == (pytest.approx(0.1), pytest.approx(0.025))
    assert found.cosine == pytest.approx(float((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b)))


def test_nan_is_no_agreement():
    a = np.ones((2, 3))
    b = a.copy()
    b[1, 2] = np.nan
    found = difference(a, b)
    assert (found.largest, found.place) == (np.inf, (1, 2))


def test_equal_infinities_are_no_difference_and_others_are():
    reference = np.array([[-np.inf, 2.0, -4.0], [1.0, np.inf, 0.0]])
    found = difference(reference, np.add(reference, [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]))
    assert (found.largest, found.place) == (0.25, (0, 1))
    assert found.cosine == pytest.approx(0.98, abs=0.02)
    assert difference(reference, -reference).place == (0, 0)
    assert difference(reference, np.where(np.isinf(reference), 7.0, reference)).largest == np.inf
