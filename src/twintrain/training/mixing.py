"""Mixtures of two training images, and of their labels, by NumPy, so that every framework is given the same.

Mixup (Zhang et al. 2018, https://arxiv.org/abs/1710.09412) adds λ of an image and 1 − λ of another one; CutMix (Yun et
al. 2019, https://arxiv.org/abs/1905.04899) puts a rectangle of the other one, of 1 − λ of the area, on the image. λ is
drawn from Beta(α, α) for each row by itself, where the papers draw one a batch, and the other image is any training
image, augmented as it is in that epoch: so a mixture depends on the numbers of seed, epoch and row alone.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv

from twintrain.data.chunks import gathered
from twintrain.data.parts import Part
from twintrain.settings.sections.losses import SHARES
from twintrain.settings.sections.training import Augmentation
from twintrain.training.augmentation import augment, draw, drawn_numbers, inside

# One number from 0 to 1 for each row and draw, apart from those of `augmentation`.
DRAWS = ("other", "share", "is_cut", "cut_x", "cut_y")
STREAM = 2


def rows_of_epoch(
    part: Part, rows: np.ndarray, settings: Augmentation, seed: int, epoch: int
) -> tuple[np.ndarray, np.ndarray]:
    """What an epoch trains on in the place of some rows: augmented, and mixed with others; features and labels.

    Args:
        part: the training rows.
        rows: int64 (rows,), their numbers in the part.
    """

    def images_of(numbers: np.ndarray) -> np.ndarray:
        images = gathered(part.features, numbers)
        return augment(images, draw(numbers, seed, epoch), settings) if settings.is_on else images

    labels = gathered(part.labels, rows)
    if not settings.mixes:
        return images_of(rows), labels
    others, numbers = draw_mixture(rows, len(part), seed, epoch)
    return mix((images_of(rows), images_of(others)), (labels, gathered(part.labels, others)), numbers, settings)


class Mixture(NamedTuple):
    """What is to be mixed into some rows.

    Attributes:
        others: int64 (rows,), numbers of the other rows.
        numbers: the draws of the rows, float64 (rows,), by their names.
    """

    others: np.ndarray
    numbers: dict[str, np.ndarray]


def draw_mixture(rows: np.ndarray, count: int, seed: int, epoch: int) -> Mixture:
    """What is mixed into rows in an epoch.

    Args:
        rows: int64 (rows,), their numbers.
        count: of all training rows.
    """
    numbers = dict(zip(DRAWS, drawn_numbers(rows, len(DRAWS), (seed, epoch, STREAM)).T, strict=True))
    return Mixture((numbers["other"] * count).astype(np.int64), numbers)


def mix(
    images: tuple[np.ndarray, np.ndarray],
    labels: tuple[np.ndarray, np.ndarray],
    numbers: dict[str, np.ndarray],
    settings: Augmentation,
) -> tuple[np.ndarray, np.ndarray]:
    """Mixes images, by mixup or by CutMix; where both are on, each row by one of them, as likely.

    Args:
        images: those of the rows and of the others, (rows, height, width, channels).
        labels: int64 (rows,), of both.

    Returns:
        images of the same dtype; and labels int64 (rows, 3): that of the row, that of the other one, and the share of
        the first in 1 / SHARES, so that it is the same number in every precision.
    """
    own, other = images
    is_cut = numbers["is_cut"] < (0.5 if settings.mixup and settings.cutmix else float(settings.cutmix > 0))
    alpha = np.where(is_cut, settings.cutmix or 1.0, settings.mixup or 1.0)
    shares = betaincinv(alpha, alpha, numbers["share"])
    cut = _cut(shares, numbers, *own.shape[1:3]) & is_cut[:, None, None]
    shares = np.rint(np.where(is_cut, 1 - cut.mean(axis=(1, 2)), shares) * SHARES).astype(np.int64)
    of_own = np.where(is_cut, SHARES, shares)[:, None, None] * ~cut / SHARES
    of_own = of_own[..., None].astype(own.dtype)
    return own * of_own + other * (1 - of_own), np.stack([*labels, shares], axis=1)


def _cut(shares: np.ndarray, numbers: dict[str, np.ndarray], height: int, width: int) -> np.ndarray:
    """Which pixels are the other image's, booleans (rows, height, width): a rectangle of the image's proportions."""
    sides = np.sqrt(1 - shares)
    rows = inside(sides * height, numbers["cut_y"], height)
    columns = inside(sides * width, numbers["cut_x"], width)
    return rows[:, :, None] & columns[:, None, :]
