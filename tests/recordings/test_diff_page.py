"""The page of a diff: it stands alone, says the cause first, and takes any name for text."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from made_recordings import ROWS, Maker, image_network

from twintrain import diff
from twintrain.recordings.comparing.page.error_bars import WIDTH, bar

VOID = {"meta", "br", "path", "rect"}
EVIL = '<script>alert("x")</script>&'


class Reader(HTMLParser):
    """Text by tag, with all addresses and the tags that were left open."""

    def __init__(self):
        super().__init__()
        self.open, self.found, self.addresses, self.tags = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag in VOID or self.open.pop() == tag

    def handle_data(self, data):
        if data.strip():
            self.found.append((self.open[-1], data.strip()))

    def of(self, tag):
        return [text for name, text in self.found if name == tag]


def read(found):
    reader = Reader()
    reader.feed(found.to_html())
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def different():
    return diff(image_network("torch"), image_network("keras", {"bn2": {"options": {"epsilon": 1e-2}}}))


def test_page_says_verdict_and_cause_before_the_layers(different):
    html = different.to_html()
    said = [different.cause.sentence, "<h2>Layers", "<h2>Worst places", "<h2>Weights", "<h2>Notes"]
    places = [html.index(each) for each in ['<h1 class="different">PyTorch and Keras are different', *said]]
    assert places == sorted(places)
    assert html.count("<tr class=") == len(different.layers)
    assert html.count('class="different first"') == 1
    assert "All 20 arrays are the same." in html


def test_page_of_twins_marks_nothing():
    html = diff(image_network("torch"), image_network("keras")).to_html()
    assert '<h1 class="same">PyTorch and Keras are the same</h1>' in html
    assert "✗" not in html
    assert 'class="cause"' not in html


def test_page_lists_weights_that_differ():
    scaled = {"dense2": {"weights": lambda w: {**w, "kernel": (w["kernel"][0] * 1.01, w["kernel"][1])}}}
    reader = read(diff(image_network("torch"), image_network("keras", scaled)))
    assert "1 of 20 arrays differ." in reader.of("p")
    assert {"dense2", "kernel", "different"} <= set(reader.of("td"))


def test_page_needs_no_network(different):
    reader = read(different)
    assert reader.addresses == []
    assert not {"script", "link", "img", "iframe"} & set(reader.tags)
    assert not re.search(r"https?:|@import|url\(", different.to_html())


def test_names_are_text():
    made = []
    for framework in ("torch", "keras"):
        maker = Maker(framework)
        x = maker.input(np.linspace(-1, 1, ROWS * 3).reshape(ROWS, 3))
        if framework == "torch":
            x = maker.call(f"{EVIL} alone", "flatten", [x], {})
        made.append(maker.recording(maker.call(EVIL, "leaky_relu", [x], {"negative_slope": 0.1, "mode": framework})))
    reader = read(diff(*made))
    assert EVIL in reader.of("b")
    assert f"PyTorch alone has {EVIL} alone" in reader.of("p")
    assert "script" not in reader.tags


def test_page_of_a_hundred_layers_is_small():
    made = []
    for framework in ("torch", "keras"):
        maker = Maker(framework)
        x = maker.input(np.random.default_rng(0).normal(size=(ROWS, 8)) * 1e-3)
        for at in range(100):
            slope = {"negative_slope": 0.31 if (framework, at % 3) == ("keras", 0) else 0.3}
            x = maker.call(f"encoder.layers.{at}.activation_function", "leaky_relu", [x], slope)
        made.append(maker.recording(x))
    html = diff(*made).to_html()
    assert html.count("<tr class=") == 101
    assert len(html.encode()) < 200_000


@pytest.mark.parametrize(
    ("error", "width"),
    [(1e-17, 0), (1e-16, 10), (1e-8, 90), (1.0, 170), (50.0, WIDTH), (np.inf, WIDTH), (np.nan, WIDTH)],
)
def test_bars_are_ten_pixels_a_decade(error, width):
    found = re.search(r'class="alone" y="9" width="([\d.]+)"', bar(0.0, error, 0.0, 0.0))
    assert (float(found[1]) if found else 0.0) == pytest.approx(width)


def test_what_is_none_or_zero_has_no_bar():
    assert "rect" not in bar(0.0, None, 0.0, 0.0)
    assert "rect" in bar(1e-3, None, 0.0, 0.0)
