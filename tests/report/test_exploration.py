import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from twintrain.report.exploration import plot_class_balance, plot_columns, plot_samples, plot_sequences

LABELS = np.array([0, 2, 2, 0, 2])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "chart.png"


def test_class_balance_is_drawn(path):
    before = LABELS.copy()
    plot_class_balance(np.bincount(LABELS), ["cat", "dog", "owl"], path)
    picture = imread(path)
    assert picture.shape == (400, 600, 4)
    assert picture.std() > 0
    assert np.array_equal(LABELS, before)


def test_bars_are_as_high_as_their_classes_have_rows(path):
    plot_class_balance(np.array([4, 1]), ["many", "few"], path)
    blue = np.array([0x00, 0x72, 0xB2]) / 255
    is_bar = np.abs(imread(path)[..., :3] - blue).max(axis=2) < 0.01
    heights = is_bar.sum(axis=0)
    assert np.median(heights[:300][heights[:300] > 0]) == pytest.approx(
        4 * np.median(heights[300:][heights[300:] > 0]), rel=0.02
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_samples_are_a_wall_of_one_line_a_class(channels, path):
    images = np.random.default_rng(0).integers(0, 256, (5, 4, 6, channels), np.uint8)
    before = images.copy()
    plot_samples(images, LABELS, 3, path, columns=2)
    wall = np.round(imread(path)[..., :3] * 255).astype(int)
    assert wall.shape == (3 * (4 + 2), 2 * (6 + 2), 3)
    cells = wall.reshape(3, 6, 2, 8, 3).transpose(0, 2, 1, 3, 4)
    shown = {(0, 0): 0, (0, 1): 3, (2, 0): 1, (2, 1): 2}
    for place, row in shown.items():
        expected = np.broadcast_to(images[row], (4, 6, 3))
        assert np.abs(cells[place][1:-1, 1:-1] - expected).max() <= 1
    assert (cells[1] == 255).all()
    assert np.array_equal(images, before)


def test_gray_is_shown_as_it_is_where_nothing_is_black(path):
    plot_samples(np.full((2, 4, 4, 1), 128, np.uint8), np.array([0, 1]), 2, path, columns=1)
    assert imread(path)[2, 2, 0] * 255 == pytest.approx(128, abs=1)


def test_images_of_other_numbers_are_drawn_from_black_to_white(path):
    images = np.zeros((2, 4, 4, 1), np.float32)
    images[0], images[1] = -3, 7
    plot_samples(images, np.array([0, 1]), 2, path, columns=1)
    wall = imread(path)
    assert (wall[2, 2, 0], wall[8, 2, 0]) == (0, 1)


@pytest.mark.parametrize("rows", [2, 30])
def test_sequences_are_drawn_one_a_picture(rows, path):
    sequences = np.random.default_rng(0).normal(size=(rows, 20, 2)).astype(np.float32)
    before = sequences.copy()
    plot_sequences(sequences, path)
    picture = imread(path)[..., :3]
    assert picture.shape == (880, 900, 3)
    blue = np.abs(picture - np.array([0x00, 0x72, 0xB2]) / 255).max(axis=2) < 0.02
    drawn = [[blue[y : y + 220, x : x + 300].any() for x in (0, 300, 600)] for y in (0, 220, 440, 660)]
    assert np.sum(drawn) == min(rows, 12)
    assert np.array_equal(sequences, before)


@pytest.mark.parametrize(("columns", "size"), [(1, (220, 900)), (3, (220, 900)), (4, (440, 900))])
def test_columns_are_drawn_three_a_line(columns, size, path):
    numbers, words = np.array([1.0, 2.5, 2.5]), ["red", "blue", "red"]
    table = pd.DataFrame({f"column {i}": words if i % 2 else numbers for i in range(columns)})
    before = table.copy()
    plot_columns(table, path)
    picture = imread(path)
    assert picture.shape[:2] == size
    assert picture.std() > 0
    pd.testing.assert_frame_equal(table, before)
