"""What an image says that it is, before anything of it is decoded."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, UnidentifiedImageError

# Of one image; a file of a few bytes can announce any size.
LARGEST_IMAGE = 100_000_000
# As Pillow calls them, and as people do.
FORMATS = {"JPEG": "JPEG", "PNG": "PNG", "GIF": "GIF", "WEBP": "WebP", "BMP": "BMP", "TIFF": "TIFF"}
*_FIRST, _LAST = FORMATS.values()
READ = f"{', '.join(_FIRST)} or {_LAST}"


class BadImageError(Exception):
    """Why an image cannot be read: the end of a sentence that begins with its name."""


@contextmanager
def image_header(content: bytes) -> Iterator[Image.Image]:
    """Opens an image by what the content itself, not the file's ending, says that it is.

    Raises:
        BadImageError: an image of none of the FORMATS, a damaged header or an enormous image.
    """
    with warnings.catch_warnings():
        # Pillow warns of large images and odd headers; what matters of these is an error below.
        warnings.simplefilter("ignore")
        try:
            image = Image.open(io.BytesIO(content), formats=list(FORMATS))
        except UnidentifiedImageError:
            raise BadImageError(f"is no {READ}") from None
        except Image.DecompressionBombError:
            raise BadImageError(f"has too many pixels; expected at most {LARGEST_IMAGE:,}") from None
        except (OSError, ValueError, SyntaxError, EOFError):
            raise BadImageError("is damaged: its header cannot be read") from None
        with image:
            if image.width * image.height > LARGEST_IMAGE:
                raise BadImageError(f"has too many pixels; expected at most {LARGEST_IMAGE:,}")
            yield image
