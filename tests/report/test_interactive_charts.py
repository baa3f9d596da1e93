import json

import numpy as np
import pytest
from report_cases import history, per_class

from twintrain.report.interactive_charts import SHOWN_EPOCHS, charts_json, curves, differences, plain, reliability


def names(figure):
    return [trace.name for trace in figure.data]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<b>bold</b>", "&lt;b&gt;bold&lt;/b&gt;"),
        ('a "b" & c', 'a "b" &amp; c'),
        ("x" * 41, "x" * 39 + "…"),
        (7, "7"),
    ],
)
def test_text_from_data_is_no_markup_in_a_chart(text, shown):
    assert plain(text) == shown


def test_curves_have_both_frameworks_in_one_chart():
    figure = curves({"PyTorch": [history()], "Keras": [history(0.1)]}, "loss")
    below = ["PyTorch − Keras, train", "PyTorch − Keras, val"]
    assert names(figure) == ["PyTorch train", "PyTorch val", "Keras train", "Keras val", *below]
    np.testing.assert_allclose(figure.data[3].y, history(0.1)["val_loss"], rtol=1e-6)
    assert list(figure.data[0].x) == list(range(1, 11))
    assert figure.layout.yaxis.title.text == "Loss"


def test_equal_curves_are_both_seen_and_their_difference_stands_below():
    figure = curves({"PyTorch": [history(0.1)], "Keras": [history(0.1)], "Keras on JAX": [history(epochs=6)]}, "loss")
    broad, *_, narrow = (trace.line for trace in figure.data[:4])
    assert (broad.dash, narrow.dash) == ("solid", "dash")
    assert broad.width > 2 * narrow.width
    *_, equal, _, other = figure.data
    assert {equal.yaxis, other.yaxis} == {"y2"}
    np.testing.assert_array_equal(equal.y, 0)
    np.testing.assert_allclose(other.y, 0.1 * np.ones(6), rtol=1e-5)
    assert figure.layout.yaxis2.domain[1] < figure.layout.yaxis.domain[0]
    assert figure.layout.xaxis.anchor == "y2"


def test_spread_of_seeds_is_their_smallest_and_largest_value():
    seeds = [history(), history(0.2, epochs=6), history(-0.1)]
    low, high, *_ = curves({"PyTorch": seeds}, "loss").data
    assert high.name == "PyTorch val, 3 seeds"
    assert high.fill == "tonexty"
    np.testing.assert_allclose(low.y, history(-0.1)["val_loss"], rtol=1e-6)
    expected = [*history(0.2)["val_loss"][:6], *history()["val_loss"][6:]]
    np.testing.assert_allclose(high.y, expected, rtol=1e-6)


def test_a_long_training_is_thinned_to_its_ends_and_what_is_between():
    figure = curves({"PyTorch": [history(epochs=10_001)]}, "accuracy")
    across = figure.data[0].x
    assert len(across) == SHOWN_EPOCHS
    assert (across[0], across[-1]) == (1, 10_001)


def test_a_single_epoch_is_a_point():
    assert {trace.mode for trace in curves({"PyTorch": [history(epochs=1)]}, "loss").data} == {"markers"}


def test_differences_are_drawn_with_their_interval_against_the_margin():
    figure = differences([("A less B", -3.0, (-6.0, 0.5))], 1.0, "points")
    (trace,) = figure.data
    assert (trace.x[0], trace.error_x.arrayminus[0], trace.error_x.array[0]) == (-3.0, 3.0, 3.5)
    band, zero = figure.layout.shapes
    assert (band.x0, band.x1, zero.x0) == (-1.0, 1.0, 0)
    assert len(differences([("A less B", -3.0, (-6.0, 0.5))], None, "points").layout.shapes) == 1


def test_reliability_leaves_out_empty_bins():
    _, trace = reliability({"PyTorch": per_class(["a", "b"])["calibration"]}).data
    assert len(trace.x) == 9
    assert (trace.x[0], trace.y[0], trace.customdata[0]) == (0.1 + 0.05, 0.1, 10)


def test_json_may_stand_in_a_script():
    text = charts_json({"one": differences([("</script><b>", 0.0, (0.0, 0.0))], None, "x")})
    assert "<" not in text
    assert json.loads(text)["one"]["layout"]["yaxis"]["ticktext"] == ["&lt;/script&gt;&lt;b&gt;"]
