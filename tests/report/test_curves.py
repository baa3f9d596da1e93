import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from twintrain.report.charts import COLORS
from twintrain.report.curves import plot_curves


def history(epochs=5):
    falling = np.exp(-np.arange(epochs))
    return pd.DataFrame(
        {
            "epoch": np.arange(epochs),
            "train_loss": falling,
            "val_loss": falling + 0.1,
            "train_accuracy": 1 - falling,
            "val_accuracy": 0.9 - falling,
        }
    )


def has_color(picture, color):
    return (np.abs(picture[..., :3] - to_rgb(color)).max(axis=2) < 0.01).any()


@pytest.mark.parametrize("metric", ["loss", "accuracy"])
@pytest.mark.parametrize("titles", [["PyTorch"], ["PyTorch", "Keras"]])
def test_every_framework_has_a_colour_of_its_own(metric, titles, tmp_path):
    histories = {title: history() for title in titles}
    plot_curves(histories, metric, tmp_path / "curves.png")
    picture = imread(tmp_path / "curves.png")
    assert picture.shape == (400, 600, 4)
    assert [has_color(picture, color) for color in COLORS[:3]] == [index < len(titles) for index in range(3)]
    for table in histories.values():
        pd.testing.assert_frame_equal(table, history())


def test_histories_may_differ_in_length(tmp_path):
    plot_curves({"PyTorch": history(3), "Keras": history(7)}, "loss", tmp_path / "curves.png")
    assert has_color(imread(tmp_path / "curves.png"), COLORS[1])


def test_one_epoch_makes_a_chart_too(tmp_path):
    plot_curves({"PyTorch": history(1)}, "loss", tmp_path / "curves.png")
    assert imread(tmp_path / "curves.png").shape == (400, 600, 4)


def test_metric_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(KeyError, match="train_f1"):
        plot_curves({"PyTorch": history()}, "f1", tmp_path / "curves.png")
