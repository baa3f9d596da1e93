"""One encoded image → uint8 of the wanted size. The one place outside of frameworks/torch that imports PyTorch."""

import numpy as np
import torch
from PIL import Image, ImageOps
from torchvision.io import ImageReadMode, decode_image
from torchvision.transforms.v2 import functional

from twintrain.data.readers.image_header import BadImageError, image_header

# Red, green and blue in grey: ITU-R BT.601, as in JPEG.
LUMA = np.array([0.299, 0.587, 0.114])
# MPO is a JPEG with further pictures behind it, as some cameras write it.
DECODED_BY_TORCHVISION = ("JPEG", "MPO", "PNG")


def decode(content: bytes, image_shape: list[int]) -> tuple[np.ndarray, tuple[int, int]]:
    """Decodes an image, of several frames or pages the first one.

    Palettes, 16 bits and CMYK become 8 bits of red, green and blue; what is transparent becomes white; the camera's
    orientation (EXIF) is applied; resizing is bilinear with antialiasing.

    Returns:
        uint8 (height, width, channels) as `image_shape` has it, and the (height, width) before resizing.

    Raises:
        BadImageError: an image of another format, a damaged or an enormous one, or one of more than 16 bits.
    """
    with image_header(content) as header:
        try:
            # torchvision decodes opaque PNGs wrongly where it is asked for their alpha.
            is_simple = header.format in DECODED_BY_TORCHVISION and not header.has_transparency_data
            image = _opaque(content) if is_simple else _over_white(header)
        except (RuntimeError, OSError, ValueError, EOFError, SyntaxError):
            raise BadImageError("is damaged or cut off: its pixels cannot be decoded") from None
    height, width, channels = image_shape
    size = image.shape[:2]
    if channels == 1:
        image = (image @ LUMA).round().astype(np.uint8)[..., None]
    if size != (height, width):
        pixels = torch.from_numpy(image).permute(2, 0, 1)
        image = functional.resize(pixels, [height, width], antialias=True).permute(1, 2, 0).numpy()
    return image, size


def _opaque(content: bytes) -> np.ndarray:
    """Decodes an image without transparency: uint8 (height, width, 3)."""
    encoded = torch.frombuffer(bytearray(content), dtype=torch.uint8)
    image = decode_image(encoded, mode=ImageReadMode.RGB, apply_exif_orientation=True).permute(1, 2, 0).numpy()
    # 16 bits: 65,535 is 255 × 257.
    return (image // 257).astype(np.uint8) if image.dtype == np.uint16 else image


def _over_white(image: Image.Image) -> np.ndarray:
    """Decodes the first frame over white: uint8 (height, width, 3)."""
    upright = _in_eight_bits(ImageOps.exif_transpose(image)).convert("RGBA")
    return np.array(Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright).convert("RGB"))


def _in_eight_bits(image: Image.Image) -> Image.Image:
    if image.mode in ("I", "F"):
        raise BadImageError("has pixels of 32 bits; expected 8 or 16")
    if not image.mode.startswith("I;16"):
        return image
    # Pillow itself would cut off what is above 255.
    return Image.fromarray((np.array(image) // 257).astype(np.uint8))
