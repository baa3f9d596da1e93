"""Random changes of training images, by NumPy and OpenCV, so that every framework is given the same images.

Every change is drawn anew in every epoch, from the numbers of seed, epoch and row alone: neither the order of the rows
nor an interruption changes it. All of them move an image's pixels once, in one sampling, so that it is blurred once.
"""

import numpy as np

from twintrain.data.schema import Schema
from twintrain.errors import UserError
from twintrain.settings.sections.training import Augmentation

# One number from 0 to 1 for each row and draw.
DRAWS = (
    *("shift_x", "shift_y", "rotation", "crop_area", "crop_x", "crop_y", "flip"),
    *("erasing", "erased_area", "erased_aspect", "erased_x", "erased_y"),
)
# Apart from the numbers that shuffle the rows, which are drawn from (seed, epoch).
STREAM = 1
# At a time.
DRAWN_ROWS = 1024
# Smallest and largest share of the area that is erased, and smallest ratio of its sides (Zhong et al., section 4.2).
ERASED_AREA, ERASED_ASPECT = (0.02, 0.4), 0.3


def check_augmentation(settings: Augmentation, schema: Schema) -> None:
    """Raises a UserError where there are no images to augment, or where the images are what is to be predicted."""
    if not settings.is_on:
        return
    if not schema.is_image:
        shape = " × ".join(map(str, schema.input_shape))
        raise UserError(
            f"train.augmentation is for images, and rows of {schema.dataset} are of shape {shape}; "
            "expected shift: 0, rotation: 0, crop: 1, flip: 0, erasing: 0, mixup: 0 and cutmix: 0"
        )
    if not schema.labels:
        raise UserError(
            f"train.augmentation: the labels of {schema.dataset} are no classes, and would not move with the images; "
            "expected shift: 0, rotation: 0, crop: 1, flip: 0, erasing: 0, mixup: 0 and cutmix: 0"
        )
    if settings.shift >= min(schema.input_shape[:2]):
        height, width, _ = schema.input_shape
        raise UserError(
            f"train.augmentation.shift: images of {schema.dataset} have {height} × {width} pixels; "
            f"expected less than {min(height, width)}, got {settings.shift}"
        )


def draw(rows: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """The random numbers of rows in an epoch, float64 (rows, draws), from 0 to below 1.

    Args:
        rows: int64 (rows,), their numbers.
    """
    return drawn_numbers(rows, len(DRAWS), (seed, epoch, STREAM))


def drawn_numbers(rows: np.ndarray, count: int, seeds: tuple[int, ...]) -> np.ndarray:
    """Random numbers of rows, float64 (rows, count), from 0 to below 1, that depend on seeds and row alone."""
    found = np.empty((len(rows), count))
    order = np.argsort(rows)
    pages, starts = np.unique(rows[order] // DRAWN_ROWS, return_index=True)
    for page, places in zip(pages.tolist(), np.split(order, starts[1:]), strict=True):
        # A number each is a step of the generator, which can leave out those of the pages before.
        generator = np.random.default_rng(seeds)
        generator.bit_generator.advance(page * DRAWN_ROWS * count)
        found[places] = generator.random((DRAWN_ROWS, count))[rows[places] - page * DRAWN_ROWS]
    return found


def augment(images: np.ndarray, draws: np.ndarray, settings: Augmentation) -> np.ndarray:
    """Changes images: a shift by whole pixels, rotation about the centre, a crop that fills the image, flip, erasing.

    What lies outside an image is 0. Between pixels it is interpolated linearly, in float32.

    Args:
        images: (rows, height, width, channels), left as they are.
        draws: (rows, draws), of these rows.

    Returns:
        images of the same shape and dtype.
    """
    numbers = dict(zip(DRAWS, draws.T, strict=True))
    changed = images
    if settings.shift or settings.rotation or settings.crop < 1 or settings.flip:
        changed = _sampled(images, _places(numbers, settings, *images.shape[1:3]))
    if settings.erasing:
        changed = np.where(_erased(numbers, settings.erasing, *images.shape[1:3])[..., None], 0, changed)
    return changed.astype(images.dtype, copy=False)


def _sampled(images: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Float32 images whose pixels are those of other images at other places."""
    import cv2

    cv2.setNumThreads(1)  # an image is too small to be shared
    # OpenCV is exact to float32 alone: of float64 images it takes places to 1/32 of a pixel.
    sources = images.astype(np.float32, copy=False)
    changed = np.empty_like(sources)
    size = images.shape[2], images.shape[1]
    for image, place, target in zip(sources, places, changed, strict=True):
        cv2.warpAffine(image, place, size, dst=target, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return changed


def _places(numbers: dict[str, np.ndarray], settings: Augmentation, height: int, width: int) -> np.ndarray:
    """Where the new images' pixels come from: float64 (rows, 2, 3), from a new (x, y, 1) to an old (x, y).

    old = centre + offset of the crop + size of the crop · flip · rotation · (new − centre − shift)
    """
    shift = np.stack([_shifts(numbers[name], settings.shift) for name in ("shift_x", "shift_y")], axis=1)
    angle = np.deg2rad(settings.rotation) * (2 * numbers["rotation"] - 1)
    size = np.sqrt(_between(settings.crop, 1.0, numbers["crop_area"]))
    room = (1 - size)[:, None] * [width, height]
    offset = room * (np.stack([numbers["crop_x"], numbers["crop_y"]], axis=1) - 0.5)
    mirrored = np.where(numbers["flip"] < settings.flip, -1.0, 1.0)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]).transpose(2, 0, 1)
    linear = size[:, None, None] * rotation
    linear[:, 0] *= mirrored[:, None]
    centre = np.array([width - 1, height - 1]) / 2
    constant = centre + offset - np.einsum("nij,nj->ni", linear, centre + shift)
    return np.concatenate([linear, constant[..., None]], axis=2)


def _erased(numbers: dict[str, np.ndarray], probability: float, height: int, width: int) -> np.ndarray:
    """Which pixels are erased, booleans (rows, height, width): a rectangle of some images.

    Random erasing (Zhong et al. 2017, https://arxiv.org/abs/1708.04896) with the value 0, which the paper calls RE-0.
    A rectangle that is longer than the image is cut to it, where the paper draws another one.
    """
    area = _between(*ERASED_AREA, numbers["erased_area"]) * height * width
    aspect = _between(ERASED_ASPECT, 1 / ERASED_ASPECT, numbers["erased_aspect"])
    rows = inside(np.sqrt(area * aspect), numbers["erased_y"], height)
    columns = inside(np.sqrt(area / aspect), numbers["erased_x"], width)
    chosen = numbers["erasing"] < probability
    return chosen[:, None, None] & rows[:, :, None] & columns[:, None, :]


def inside(lengths: np.ndarray, positions: np.ndarray, size: int) -> np.ndarray:
    """Which of `size` pixels are in stretches of these lengths, that lie anywhere inside: booleans (rows, size)."""
    lengths = np.clip(np.rint(lengths), 1, size)[:, None]
    starts = np.floor(positions[:, None] * (size - lengths + 1))
    pixels = np.arange(size)
    return (pixels >= starts) & (pixels < starts + lengths)


def _shifts(numbers: np.ndarray, largest: int) -> np.ndarray:
    """Whole numbers from −largest to largest, each as likely."""
    return np.floor(numbers * (2 * largest + 1)) - largest


def _between(low: float, high: float, numbers: np.ndarray) -> np.ndarray:
    return low + (high - low) * numbers
