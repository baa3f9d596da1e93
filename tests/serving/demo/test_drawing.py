import cv2
import numpy as np
import pytest

from twintrain.serving.demo.drawing import are_mnist_digits, as_mnist_digit, enlarged, fitted, grey

DIGITS = [str(digit) for digit in range(10)]


def canvas():
    return np.zeros((336, 336), np.uint8)


def centre_of_mass(image):
    rows, columns = np.indices(image.shape[:2])
    mass = image[..., 0].astype(float)
    return (rows * mass).sum() / mass.sum(), (columns * mass).sum() / mass.sum()


@pytest.mark.parametrize("corner", [(0, 0), (20, 250), (200, 30)])
@pytest.mark.parametrize("size", [60, 130])
def test_drawing_is_centred_and_scaled_wherever_and_however_large_it_is(corner, size):
    ink = canvas()
    top, left = corner
    # An L: its centre of mass is not the middle of its box.
    ink[top : top + size, left : left + size // 4] = 255
    ink[top + size - size // 4 : top + size, left : left + size // 2] = 255
    digit = as_mnist_digit(ink)
    assert (digit.shape, digit.dtype) == ((28, 28, 1), np.uint8)
    drawn = np.argwhere(digit[..., 0] > 0)
    assert drawn.max(axis=0)[0] - drawn.min(axis=0)[0] + 1 == 20
    assert drawn.max(axis=0)[1] - drawn.min(axis=0)[1] + 1 == pytest.approx(10, abs=1)
    assert centre_of_mass(digit) == pytest.approx((14, 14), abs=0.5)


def test_wide_drawing_fills_the_width():
    ink = canvas()
    ink[100:140, 50:290] = 255
    drawn = np.argwhere(as_mnist_digit(ink)[..., 0])
    np.testing.assert_array_equal(np.ptp(drawn, axis=0) + 1, [3, 20])


def test_mnists_own_digits_stay_as_they_are(shipped_data):
    digits = np.loadtxt(shipped_data / "mnist5k/mnist_5k.csv.gz", delimiter=",")[::25, :784]
    digits = digits.reshape(-1, 28, 28, 1).astype(np.uint8)
    again = np.stack([as_mnist_digit(digit[..., 0]) for digit in digits])
    distance = np.abs(again.astype(float) - digits).mean(axis=(1, 2, 3))
    # Digits whose edge is fainter than the pen lose some of it; a centre half way between pixels may be rounded away.
    assert (distance == 0).mean() > 0.5
    assert (distance < 1).mean() > 0.98


def test_ink_on_paper_is_turned_around():
    ink = canvas()
    cv2.putText(ink, "5", (90, 250), cv2.FONT_HERSHEY_SIMPLEX, 8, 255, 24)
    paper = (230 - ink * 0.8).astype(np.uint8)
    difference = as_mnist_digit(paper).astype(int) - as_mnist_digit(ink)
    assert np.abs(difference).max() <= 2


@pytest.mark.parametrize("level", [0, 90, 255])
def test_empty_canvas_or_paper_is_no_digit(level):
    faint = np.full((50, 50), level, np.uint8)
    faint[20:30, 20:30] = min(level + 20, 255)
    assert as_mnist_digit(faint) is None


def test_dot_is_a_digit_inside_the_field():
    ink = canvas()
    ink[0, 335] = 255
    assert as_mnist_digit(ink).sum() == 255 * 20 * 20


@pytest.mark.parametrize(
    ("shape", "labels", "expected"),
    [
        ([28, 28, 1], DIGITS, True),
        ([28, 28, 1], ["0", "1", "2"], True),
        ([28, 28, 1], ["Trouser", "Coat"], False),
        ([32, 32, 3], DIGITS, False),
        ([28, 28, 1], [], False),
        (None, ["0", "1"], False),
    ],
)
def test_digits_of_28_by_28_are_drawn(shape, labels, expected):
    assert are_mnist_digits(shape, labels) is expected


def test_canvas_is_grey_where_it_is_drawn_on():
    drawn = np.array([[[255, 255, 255, 255], [255, 255, 255, 0], [0, 255, 0, 255], [255, 255, 255, 102]]], np.uint8)
    np.testing.assert_array_equal(grey(drawn), [[255, 0, 150, 102]])


def test_opaque_picture_is_grey():
    np.testing.assert_array_equal(grey(np.array([[[0, 255, 0], [9, 9, 9]]], np.uint8)), [[150, 9]])


def test_middle_of_a_picture_is_taken_at_the_size_of_the_images():
    picture = np.zeros((60, 100, 3), np.uint8)
    picture[:, 20:80] = (255, 0, 0)
    for size in (32, 90):
        colours = fitted(picture, [size, size, 3])
        assert colours.shape == (size, size, 3)
        np.testing.assert_array_equal(np.unique(colours.reshape(-1, 3), axis=0), [[255, 0, 0]])
    assert fitted(picture, [28, 28, 1]).tolist() == np.full((28, 28, 1), 76).tolist()  # 0.299 · 255


def test_small_picture_is_shown_in_whole_pixels():
    np.testing.assert_array_equal(
        enlarged(np.array([[[0.0], [2.0]], [[0.5], [-1.0]]]), 3),
        [[0, 0, 255, 255], [0, 0, 255, 255], [128, 128, 0, 0], [128, 128, 0, 0]],
    )
    assert enlarged(np.zeros((32, 32, 3), np.uint8), 224).shape == (224, 224, 3)
