import sys

import pytest
from matplotlib.colors import is_color_like
from matplotlib.image import imread

from twintrain.report.charts import COLORS, new_chart


@pytest.mark.parametrize(("height", "pixels"), [(4.0, (400, 600)), (5.0, (500, 600))])
def test_chart_is_6_inches_wide_at_100_dots(height, pixels, tmp_path):
    figure, _ = new_chart(height)
    figure.savefig(tmp_path / "chart.png")
    assert imread(tmp_path / "chart.png").shape[:2] == pixels


def test_charts_are_made_without_pyplot():
    open_before = len(sys.modules["matplotlib.pyplot"].get_fignums()) if "matplotlib.pyplot" in sys.modules else 0
    for _ in range(3):
        new_chart()
    if "matplotlib.pyplot" in sys.modules:
        assert len(sys.modules["matplotlib.pyplot"].get_fignums()) == open_before
    figure, _ = new_chart()
    assert figure.canvas.manager is None


def test_colours_are_ten_different_ones():
    assert len(set(COLORS)) == 10
    assert all(is_color_like(color) for color in COLORS)
