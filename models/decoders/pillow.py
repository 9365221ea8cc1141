"""Pillow as a decoder: one format at a time, its warnings silent, its pictures as plain RGB."""

import io

import cv2
import numpy as np
from PIL import Image

from models.decoders.window import window_samples

# Transparent pixels are laid on black, the colour of an empty radiograph or MRI.
_BACKGROUND = (0, 0, 0, 255)
_STRIP_PIXELS = 256 * 1024  # that are copied at once: 1 MB in Pillow
_WITH_ALPHA = ("LA", "PA", "RGBA", "RGBa", "La")


def open_image(data: bytes, kind: str) -> Image.Image:
    """The file, opened as this format of Pillow (JPEG, PNG, TIFF ...) and no other.

    Raises PIL.UnidentifiedImageError where it is none such.
    """
    return Image.open(io.BytesIO(data), formats=(kind,))


def decode_rgb(data: bytes, kind: str) -> np.ndarray:
    """uint8 RGB [h, w, 3] of a file of one picture, not turned. Raises as `open_image` and `to_rgb`."""
    with open_image(data, kind) as image:
        return to_rgb(image)


def to_rgb(image: Image.Image) -> np.ndarray:
    """uint8 RGB [h, w, 3] of the picture that an image is at; more than 8 bits are windowed.

    Transparent pixels lie on black. Raises UnreadableImage for values that are no finite numbers, OSError for
    data that are cut off.
    """
    if image.mode.startswith("I") or image.mode == "F":
        return cv2.cvtColor(window_samples(np.asarray(image)), cv2.COLOR_GRAY2RGB)
    if image.mode in _WITH_ALPHA or "transparency" in image.info:
        image = Image.alpha_composite(Image.new("RGBA", image.size, _BACKGROUND), image.convert("RGBA"))
    if image.mode == "L":
        return cv2.cvtColor(np.asarray(image), cv2.COLOR_GRAY2RGB)
    return copy_pixels(image if image.mode == "RGB" else image.convert("RGB"))


def copy_pixels(image: Image.Image) -> np.ndarray:
    """uint8 [height, width, 3] of an RGB image, taken in strips: Pillow's own copy of a large image goes twice through
    all of the memory, that of a strip through the processor's cache."""
    width, height = image.size
    rows = max(1, _STRIP_PIXELS // width)
    if height <= rows:
        return np.asarray(image)
    pixels = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        pixels[top:bottom] = np.asarray(image.crop((0, top, width, bottom)))
    return pixels
