import base64
import io

import numpy as np
import pytest
from PIL import Image

from twintrain.report.samples import LINE_WIDTH, png, rows_to_draw, samples_of


def opened(encoded):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))))


@pytest.mark.parametrize("channels", [1, 3])
def test_image_comes_back_pixel_by_pixel(channels):
    image = np.random.default_rng(0).integers(0, 256, (9, 7, channels), dtype=np.uint8)
    assert np.array_equal(opened(png(image)).reshape(9, 7, channels), image)


def test_image_from_0_to_1_is_scaled():
    assert opened(png(np.array([[[0.0], [0.5], [1.0], [1.7]]])))[0].tolist() == [0, 128, 255, 255]


def test_large_image_is_made_small_in_its_own_proportions():
    assert opened(png(np.zeros((448, 224, 3), dtype=np.uint8))).shape == (112, 56, 3)


def test_masks_are_drawn_in_the_shape_of_their_image():
    truth, made = np.arange(12).reshape(2, 6) % 2 == 0, np.linspace(0, 1, 12).reshape(2, 6)
    second = samples_of(np.zeros((2, 2, 3, 1), np.uint8), {"truth": truth, "PyTorch": made})[1]
    assert np.array_equal(opened(second.masks["truth"]), truth[1].reshape(2, 3) * 255)
    assert np.array_equal(opened(second.masks["PyTorch"]), (made[1].reshape(2, 3) * 255).round())


def test_sequence_is_a_line_a_channel():
    steps = np.stack([np.arange(3.0), np.array([2.0, 0.0, 2.0])], axis=1)[None]
    (sample,) = samples_of(steps)
    assert sample.image == ""
    assert sample.lines == ("2.0,58.0 80.0,30.0 158.0,2.0", "2.0,2.0 80.0,58.0 158.0,2.0")


def test_vector_is_one_line_and_a_long_one_thinned():
    (sample,) = samples_of(np.arange(1000, dtype=np.float32)[None])
    (line,) = sample.lines
    assert len(line.split()) == 200
    assert line.split()[-1].startswith(f"{LINE_WIDTH - 2}.0,")


def test_constant_or_missing_steps_make_a_line_all_the_same():
    assert samples_of(np.full((1, 2), np.nan))[0].lines == ("2.0,58.0 158.0,58.0",)


def test_rows_with_columns_need_no_picture():
    found = [{"row": 4, "columns": None}, {"row": 9, "columns": {"age": "3"}}, {"row": 2, "columns": None}]
    assert rows_to_draw({"disagreements": found}).tolist() == [4, 2]
    assert rows_to_draw({}).tolist() == []
