"""The pictures that are sent: drawn by code, so that no patient's picture is needed, and the same in every run."""

import io
from functools import cache

import cv2
import numpy as np
from PIL import Image

from docs.draw_example import draw

SMALL = 512
LARGE = (4000, 3000)


def small_pixels(seed: int = 19) -> np.ndarray:
    """A drawn lesion, uint8 RGB [512, 512, 3]."""
    return cv2.resize(draw(seed), (SMALL, SMALL), interpolation=cv2.INTER_AREA)


def large_pixels() -> np.ndarray:
    """The same as a camera of 12 megapixels would give it, grain and all: uint8 RGB [3000, 4000, 3]."""
    enlarged = cv2.resize(draw(), LARGE, interpolation=cv2.INTER_CUBIC).astype(np.int16)
    grain = np.random.default_rng(12).normal(0, 5, enlarged.shape)
    return np.clip(enlarged + grain, 0, 255).astype(np.uint8)


@cache
def small_png() -> bytes:
    return _encoded(small_pixels(), "PNG")


@cache
def large_jpeg() -> bytes:
    return _encoded(large_pixels(), "JPEG", quality=90)


def _encoded(pixels: np.ndarray, kind: str, **options: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()
