import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from twintrain.report.charts import COLORS
from twintrain.report.prediction_charts import plot_confusion, plot_roc

LABELS = np.array([0, 0, 1, 1, 2, 2])
PREDICTED = np.array([0, 1, 1, 1, 2, 0])


def has_color(picture, color):
    return (np.abs(picture[..., :3] - to_rgb(color)).max(axis=2) < 0.01).any()


@pytest.mark.parametrize("classes", [3, 10, 13])
def test_confusion_matrix_is_drawn(classes, tmp_path):
    labels, predicted = LABELS.copy(), PREDICTED.copy()
    plot_confusion(labels, predicted, [f"class {code}" for code in range(classes)], tmp_path / "confusion.png")
    picture = imread(tmp_path / "confusion.png")
    assert picture.shape == (500, 600, 4)
    assert picture.std() > 0
    assert np.array_equal(labels, LABELS)
    assert np.array_equal(predicted, PREDICTED)


def test_cell_with_the_most_rows_is_the_darkest(tmp_path):
    plot_confusion(np.repeat([0, 1], [9, 1]), np.repeat([0, 1], [9, 1]), ["many", "few"], tmp_path / "confusion.png")
    picture = imread(tmp_path / "confusion.png")
    assert has_color(picture[:250, :300], colormaps["Blues"](1.0)[:3])
    assert not has_color(picture[250:], colormaps["Blues"](1.0)[:3])


def test_other_predictions_make_another_confusion_matrix(tmp_path):
    pictures = []
    for name, predicted in (("right", LABELS), ("wrong", PREDICTED)):
        plot_confusion(LABELS, predicted, ["a", "b", "c"], tmp_path / f"{name}.png")
        pictures.append(imread(tmp_path / f"{name}.png"))
    assert not np.array_equal(*pictures)


def roc(labels, classes, path):
    probability = np.random.default_rng(0).dirichlet(np.ones(classes), len(labels))
    before = probability.copy()
    plot_roc(labels, probability, [f"class {code}" for code in range(classes)], path)
    assert np.array_equal(probability, before)
    return imread(path)


def test_roc_has_a_curve_a_class(tmp_path):
    picture = roc(np.tile([0, 1, 2], 10), 3, tmp_path / "roc.png")
    assert picture.shape == (500, 600, 4)
    assert [has_color(picture, color) for color in COLORS[:4]] == [True, True, True, False]


def test_binary_roc_is_that_of_class_1_alone(tmp_path):
    picture = roc(np.tile([0, 1], 10), 2, tmp_path / "roc.png")
    assert [has_color(picture, color) for color in COLORS[:2]] == [False, True]


def test_absent_class_has_no_curve(tmp_path):
    picture = roc(np.tile([0, 2], 10), 3, tmp_path / "roc.png")
    assert [has_color(picture, color) for color in COLORS[:3]] == [True, False, True]


@pytest.mark.filterwarnings("error")
def test_labels_of_one_class_leave_the_diagonal_alone(tmp_path):
    picture = roc(np.ones(8, np.int64), 2, tmp_path / "roc.png")
    assert picture.shape == (500, 600, 4)
    assert not has_color(picture, COLORS[1])
