"""Drawings and pictures from anywhere, made into images like those of the data set."""

import cv2
import numpy as np

# Of MNIST's digits: "size normalized to fit in a 20x20 pixel box while preserving their aspect ratio", then "centered
# in a 28x28 image by computing the center of mass of the pixels, and translating the image so as to position this
# point at the center of the 28x28 field" (Y. LeCun, C. Cortes, C. Burges, http://yann.lecun.com/exdb/mnist/). In all
# 5,000 digits of mnist5k that centre is at row and column 14 ± 0.5: moved by whole pixels.
SIDE, BOX, CENTRE = 28, 20, 14
DIGITS = set("0123456789")
# Of 255: less contrast than FAINTEST is an empty canvas or paper, and what is darker than PEN is not the digit's.
FAINTEST, PEN = 32, 64


def are_mnist_digits(image_shape: list[int] | None, labels: list[str]) -> bool:
    """Whether a data set's images are like MNIST's: 28 × 28, grey, of digits, some of the ten or all."""
    return image_shape == [SIDE, SIDE, 1] and bool(labels) and set(labels) <= DIGITS


def as_mnist_digit(ink: np.ndarray) -> np.ndarray | None:
    """Puts a drawing where and how MNIST has its digits.

    Args:
        ink: uint8 (height, width), 255 where the pen was; or dark on bright as on paper, which is turned around.

    Returns:
        uint8 (28, 28, 1), white on black; None of an empty drawing.
    """
    ink = _white_on_black(ink)
    drawn = ink > PEN
    if not drawn.any():
        return None
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    digit = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = BOX / max(digit.shape)
    height, width = (max(1, round(side * scale)) for side in digit.shape)
    digit = cv2.resize(digit, (width, height), interpolation=cv2.INTER_AREA)
    field = np.zeros((SIDE, SIDE, 1), np.uint8)
    top, left = _corner(digit)
    field[top : top + height, left : left + width, 0] = digit
    return field


def _white_on_black(ink: np.ndarray) -> np.ndarray:
    """Stretches the grey from black to white; what most of the edge has is the ground, and becomes black."""
    edge = np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]])
    if np.median(edge) > 127:
        ink = 255 - ink
    darkest, brightest = int(ink.min()), int(ink.max())
    if brightest - darkest < FAINTEST:
        return np.zeros_like(ink)
    return ((ink.astype(np.float32) - darkest) * (255 / (brightest - darkest))).round().astype(np.uint8)


def _corner(digit: np.ndarray) -> tuple[int, int]:
    """Where the upper left corner must lie for the centre of mass to be at CENTRE, inside the field at any rate."""
    mass = digit.astype(np.float64)
    centre = (
        np.average(np.arange(digit.shape[0]), weights=mass.sum(axis=1)),
        np.average(np.arange(digit.shape[1]), weights=mass.sum(axis=0)),
    )
    top, left = (
        int(np.clip(round(CENTRE - middle), 0, SIDE - side)) for middle, side in zip(centre, digit.shape, strict=True)
    )
    return top, left


def fitted(picture: np.ndarray, image_shape: list[int]) -> np.ndarray:
    """Cuts the middle out of a picture, of the shape that the images have, and scales it to their size.

    Args:
        picture: uint8 (height, width, 3), RGB.
        image_shape: (height, width, channels) of the data set, of 1 channel (grey) or 3.

    Returns:
        uint8 of that shape.
    """
    height, width, channels = image_shape
    scale = min(picture.shape[0] / height, picture.shape[1] / width)
    kept = [max(1, round(side * scale)) for side in (height, width)]
    top, left = ((whole - part) // 2 for whole, part in zip(picture.shape[:2], kept, strict=True))
    middle = picture[top : top + kept[0], left : left + kept[1]]
    enlarged = kept[0] < height
    scaled = cv2.resize(middle, (width, height), interpolation=cv2.INTER_LINEAR if enlarged else cv2.INTER_AREA)
    return cv2.cvtColor(scaled, cv2.COLOR_RGB2GRAY)[..., None] if channels == 1 else scaled


def grey(picture: np.ndarray) -> np.ndarray:
    """Colours as grey: uint8 (height, width, 3) of RGB, or 4 of RGBA, which is black where it is transparent."""
    luminance = cv2.cvtColor(picture[..., :3], cv2.COLOR_RGB2GRAY)
    return luminance if picture.shape[2] == 3 else (luminance * (picture[..., 3] / 255)).round().astype(np.uint8)


def enlarged(image: np.ndarray, side: int) -> np.ndarray:
    """Makes the pixels of a small image large enough to be looked at.

    Args:
        image: (height, width, 1 or 3), uint8, or numbers from 0 to 1.
        side: pixels of the longer side at least.

    Returns:
        uint8 (height, width) of grey, (height, width, 3) of colours.
    """
    if image.dtype != np.uint8:
        image = (np.clip(image, 0, 1) * 255).round().astype(np.uint8)
    times = -(-side // max(image.shape[:2]))
    large = image.repeat(times, axis=0).repeat(times, axis=1)
    return large[..., 0] if large.shape[2] == 1 else large
