"""What an image says that it is, before anything of it is decoded."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, UnidentifiedImageError

# Of one image; a file of a few bytes can announce any size.
LARGEST_IMAGE = 100_000_000


class BadImageError(Exception):
    """Why an image cannot be read: the end of a sentence that begins with its name."""


@contextmanager
def image_header(content: bytes) -> Iterator[Image.Image]:
    """Opens a JPEG, a PNG or a GIF by what the content itself, not the file's ending, says that it is.

    Raises:
        BadImageError: no such image, a damaged header or an enormous image.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=["JPEG", "PNG", "GIF"])
    except UnidentifiedImageError:
        raise BadImageError("is no JPEG, PNG or GIF") from None
    except Image.DecompressionBombError:
        raise BadImageError(f"has too many pixels; expected at most {LARGEST_IMAGE:,}") from None
    except (OSError, ValueError, SyntaxError) as error:
        raise BadImageError(f"is damaged: {error}") from None
    with image:
        if image.width * image.height > LARGEST_IMAGE:
            raise BadImageError(f"has too many pixels; expected at most {LARGEST_IMAGE:,}")
        yield image
