"""The page in a real browser, with answers made up: every kind of row, and what happens when there is no answer."""

from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest

from twintrain.data.dataset import Dataset
from twintrain.data.feature import Feature
from twintrain.data.schema import network_schema
from twintrain.serving.demo.answers import Answer
from twintrain.serving.demo.subject import Study
from twintrain.settings.sections.data import Preprocess
from twintrain.system.ports import free_port

pages = pytest.importorskip("browser_pages", reason="playwright is not installed", exc_type=ImportError)
if find_spec("gradio") is None:  # to import it takes seconds
    pytest.skip("gradio is not installed: requirements-demo.txt", allow_module_level=True)

from demo_pages import check, draw, wait_for, wait_for_all, wait_for_ground  # noqa: E402

pytestmark = pytest.mark.slow
EVIL = "<script>alert(1)</script>"
DIGITS = [str(digit) for digit in range(10)]
ABOUT = {"title": "made up", "origin": "here", "licence": "none", "files": {"file": "0"}, "target": "answer"}
TABLE = {"task": "binary", "format": "table", "labels": ["no", EVIL]}
FEATURES = {
    "age": Feature(min=0, max=120),
    EVIL: Feature(categories=["low", "high"], missing=True),
    "day": Feature(date="%d.%m.%Y"),
}
ROWS = {"age": [30.0, 40.0], EVIL: ["low", None], "day": pd.to_datetime(["2024-02-29", "2025-01-01"])}


def study_of(examples, preprocess=None, **described):
    dataset = Dataset(**ABOUT, **described)
    schema = network_schema("made_up", dataset, preprocess or Preprocess(categorical="onehot"))
    index = np.array([17, 4])
    truth = dataset.labels[:2] if schema.labels else ["1.5", "2.5"]
    return Study(f"net on {EVIL}", "Equal.", dataset, schema, ["torch", "keras"], examples, index, truth)


def classes(labels, first):
    """The first class with a probability, the rest shared by the others."""
    shares = [first, *[(1 - first) / (len(labels) - 1)] * (len(labels) - 1)]
    return Answer(labels[int(np.argmax(shares))], dict(zip(labels, shares, strict=True)), np.zeros(0))


def numbers(*found):
    return Answer(None, {}, np.array(found, float))


@pytest.fixture
def shown(open_page, monkeypatch, tmp_path):
    """Opens the page of a study and its answers, and checks at the end what holds for every page."""
    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    from twintrain.serving.demo import page

    opened, blocks = [], []

    def show(study, score, size=pages.DESKTOP):
        blocks.append(page.build_page(study, score))
        opened.append(open_page(page.open_page(blocks[-1], "127.0.0.1", free_port()), size))
        opened[-1].page.set_default_timeout(60_000)
        wait_for(opened[-1].page, "Test row")
        return opened[-1].page

    yield show
    for each in opened:
        check(each)
        each.page.close()
    for each in blocks:
        each.close(verbose=False)


def test_form_is_answered_after_each_change(shown):
    asked = []

    def score(row):
        asked.append(row)
        age = row["age"].iloc[0] / 100
        return {"torch": classes(TABLE["labels"], age), "keras": classes(TABLE["labels"], age + 0.125)}

    page = shown(study_of(pd.DataFrame(ROWS), features=FEATURES, **TABLE), score)
    assert page.get_by_label("age").input_value() == "30"
    assert page.get_by_label("day").input_value() == "29.02.2024"
    assert page.locator("#agreement").inner_text() == (
        f"Test row 17: no\nBoth say {EVIL}. The largest difference of a probability is 0.12."
    )
    assert page.locator("h1").inner_text() == f"net on {EVIL}"
    page.get_by_label("age").fill("45")
    wait_for_all(
        page, f"They disagree: PyTorch says {EVIL}, Keras says no. The largest difference of a probability is 0.12."
    )
    assert "55%" in page.locator("#torch").inner_text()
    assert "57%" in page.locator("#keras").inner_text()
    page.get_by_role("combobox", name=EVIL).click()
    page.get_by_role("option", name="missing").click()
    page.get_by_text("Test row 4").click()
    wait_for(page, f"Test row 4: {EVIL}")
    assert page.get_by_label("age").input_value() == "40"
    assert page.get_by_label("day").input_value() == "01.01.2025"
    changed = [row for row in asked if row["age"].iloc[0] == 45]
    assert changed[-1].to_dict("records") == [{"age": 45.0, EVIL: None, "day": "29.02.2024"}]


def test_reason_is_shown_where_there_is_no_answer(shown):
    def score(row):
        if not 0 <= row["age"].iloc[0] <= 120:
            return dict.fromkeys(["torch", "keras"], f"'{row['age'][0]:g}' in age is not a number from 0 to 120")
        return {"torch": classes(TABLE["labels"], 0.75), "keras": "its process has ended"}

    page = shown(study_of(pd.DataFrame(ROWS), features=FEATURES, **TABLE), score)
    assert page.locator("#agreement").inner_text() == "Test row 17: no\nKeras: its process has ended"
    assert "75%" in page.locator("#torch").inner_text()
    page.get_by_label("age").fill("130")
    wait_for_all(page, "'130' in age is not a number from 0 to 120")
    assert "%" not in page.locator("#torch").inner_text()


def test_digit_is_drawn_and_cleared(shown):
    asked = []

    def score(row):
        asked.append(row)
        return {"torch": classes(DIGITS, 0.5), "keras": classes(DIGITS, 0.75)}

    images = np.zeros((2, 28, 28, 1), np.uint8)
    images[:, 4:24, 13:15] = 255
    study = study_of(images, image_shape=[28, 28, 1], task="multiclass", format="npz", labels=DIGITS)
    page = shown(study, score)
    np.testing.assert_array_equal(asked[-1], images[:1])
    draw(page, [(-40, -80), (40, -80), (40, 80)])
    wait_for_all(page, "Both say 0. The largest difference of a probability is 0.25.")
    drawn = asked[-1]
    assert (drawn.shape, drawn.dtype) == ((1, 28, 28, 1), np.uint8)
    rows, columns = np.nonzero(drawn[0, :, :, 0])
    assert np.ptp(rows) == 19
    assert np.average(rows, weights=drawn[0, rows, columns, 0]) == pytest.approx(14, abs=0.5)
    assert np.average(columns, weights=drawn[0, rows, columns, 0]) == pytest.approx(14, abs=0.5)
    page.locator("#examples button").nth(1).click()
    wait_for(page, "Test row 4: 1")
    page.wait_for_timeout(2000)  # the canvas might ask for an answer of its own
    assert page.locator("#agreement").inner_text().startswith("Test row 4: 1")
    np.testing.assert_array_equal(asked[-1], images[1:])
    page.locator('#canvas [aria-label="Clear canvas"]').click()
    wait_for_all(page, "")
    wait_for_ground(page)
    draw(page, [(0, -80), (0, 80)])
    wait_for_all(page, "Both say 0. The largest difference of a probability is 0.25.")
    assert np.ptp(np.nonzero(asked[-1][0, :, :, 0])[1]) < 6


def test_regression_shows_numbers(shown):
    features = {"age": Feature()}
    study = study_of(pd.DataFrame({"age": [1.0, 2.0]}), features=features, task="regression", format="table")
    page = shown(study, lambda row: {"torch": numbers(152.25), "keras": numbers(152.5)})
    assert page.locator("#agreement").inner_text() == "Test row 17: 1.5\nThey differ by 0.25."
    assert page.locator("#torch").inner_text().split() == ["PyTorch:", "answer", "152.25"]
    assert "152.5" in page.locator("#keras").inner_text()


def test_sequence_is_chosen_and_drawn(shown):
    asked = []

    def score(row):
        asked.append(row)
        return {"torch": numbers(0.5), "keras": numbers(0.5)}

    steps = np.linspace(0, 1, 2 * 20, dtype=np.float32).reshape(2, 20, 1)
    page = shown(study_of(steps, sample_shape=[20, 1], task="regression", format="series"), score)
    page.locator("#given canvas, #given svg").first.wait_for()
    page.get_by_text("Test row 4").click()
    wait_for(page, "Test row 4: 2.5")
    np.testing.assert_array_equal(asked[-1], steps[1:])


def test_reconstruction_is_drawn_beside_what_was_given(shown):
    images = np.full((2, 8, 8, 3), 200, np.uint8)
    study = study_of(
        images,
        Preprocess(target="input"),
        image_shape=[8, 8, 3],
        task="multiclass",
        format="npz",
        labels=["a", "b"],
    )
    page = shown(study, lambda row: {name: numbers(*(row / 255).ravel()) for name in ("torch", "keras")}, pages.PHONE)
    for name in ("given", "torch", "keras"):
        page.locator(f"#{name} img").wait_for()
    assert page.locator("#agreement").inner_text().endswith("The largest difference of a number is 0.")
    assert page.evaluate(pages.OVERFLOW) == 0


def test_picture_is_given_in_the_shape_of_the_data(shown, tmp_path):
    from PIL import Image

    asked = []

    def score(row):
        asked.append(row)
        return {name: classes(["a", "b"], 0.75) for name in ("torch", "keras")}

    images = np.zeros((2, 8, 8, 3), np.uint8)
    page = shown(study_of(images, image_shape=[8, 8, 3], task="multiclass", format="npz", labels=["a", "b"]), score)
    Image.new("RGB", (40, 20), (255, 0, 0)).save(tmp_path / "red.png")
    page.locator("#upload input[type=file]").set_input_files(tmp_path / "red.png")
    wait_for_all(page, "Both say a. The largest difference of a probability is 0.")
    assert asked[-1].shape == (1, 8, 8, 3)
    assert asked[-1][0, 4, 4].tolist() == [255, 0, 0]
