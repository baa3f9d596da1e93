"""A data set of segmentation made of images of one object each: noisy pictures, and masks of the object's pixels."""

import zlib

import numpy as np
from pydantic import BaseModel, ConfigDict, Field


class NoisyMasks(BaseModel):
    """How images of one object each become noisy pictures with masks.

    Attributes:
        threshold: pixels of an image above it are the object's.
        contrast: what share of an image is left in the picture.
        noise: at most so much is added to a pixel.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    threshold: int = Field(ge=0, le=254)
    contrast: float = Field(gt=0, le=1)
    noise: int = Field(ge=1, le=255)
    seed: int = Field(0, ge=0, lt=2**32)


def hide(images: np.ndarray, settings: NoisyMasks) -> tuple[np.ndarray, np.ndarray]:
    """Hides objects in noise.

    A pixel of a picture is contrast · pixel of the image + a whole number drawn evenly from 0 to noise, rounded, 255 at
    most. What is drawn depends on the seed and the image alone, so neither shards nor the order of rows matter.

    Args:
        images: uint8 (rows, height, width, 1).

    Returns:
        pictures like the images; masks bool (rows, height · width), row by row: where the image is above the threshold.
    """
    masks = (images > settings.threshold).reshape(len(images), -1)
    pictures = np.empty_like(images)
    for image, picture in zip(images, pictures, strict=True):
        # Of all generators the one whose numbers NumPy never changes.
        generator = np.random.RandomState([settings.seed, zlib.crc32(image.tobytes())])
        noise = generator.randint(0, settings.noise + 1, image.shape)
        picture[...] = np.minimum(np.rint(settings.contrast * image) + noise, 255)
    return pictures, masks
