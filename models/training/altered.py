"""Fixed changes of an image that leave the answer of a reader as it is, or that a reader would send back.

A network stumbles over those that it leans on. They are made otherwise than those of training (covers.py): other fonts,
places and strengths, the same for every image.
"""

from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from models.audit import Change


def _blur(pixels: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(pixels, (0, 0), 0.006 * max(pixels.shape))


def _halve(pixels: np.ndarray) -> np.ndarray:
    small = cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def _recompress(pixels: np.ndarray) -> np.ndarray:
    _, coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 30])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))


def _squeeze(pixels: np.ndarray) -> np.ndarray:
    return cv2.resize(pixels, None, fx=0.75, fy=1.0, interpolation=cv2.INTER_AREA)


def _crop(pixels: np.ndarray) -> np.ndarray:
    tall, wide = pixels.shape[0] // 12, pixels.shape[1] // 12
    return pixels[tall:-tall, wide:-wide]


def _frame(pixels: np.ndarray) -> np.ndarray:
    tall, wide = pixels.shape[0] // 12, pixels.shape[1] // 12
    return cv2.copyMakeBorder(pixels, tall, tall, wide, wide, cv2.BORDER_CONSTANT, value=(0, 0, 0))


def _darken(pixels: np.ndarray) -> np.ndarray:
    return _exposed(pixels, 1.5)


def _brighten(pixels: np.ndarray) -> np.ndarray:
    return _exposed(pixels, 1 / 1.5)


def _exposed(pixels: np.ndarray, gamma: float) -> np.ndarray:
    return (255 * (pixels / 255.0) ** gamma).round().astype(np.uint8)


def _flatten(pixels: np.ndarray) -> np.ndarray:
    return (128 + 0.6 * (pixels.astype(np.float32) - 128)).round().astype(np.uint8)


def _warm(pixels: np.ndarray) -> np.ndarray:
    return np.clip(pixels * np.array([1.12, 1.0, 0.85]), 0, 255).round().astype(np.uint8)


def _drain(pixels: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)


def _letter(pixels: np.ndarray) -> np.ndarray:
    """An "L" in white in the upper corner, 8 % of the height, as a side marker of lead shows."""
    return _written(pixels, "L", share=0.08, left=0.88, top=0.05)


def _two_lines(pixels: np.ndarray) -> np.ndarray:
    """Two lines of small print in the lower corner, as a station burns them in."""
    return _written(pixels, "ACC 4711 W 400\n2026-03-14 10:42", share=0.05, left=0.03, top=0.86)


def _written(pixels: np.ndarray, words: str, *, share: float, left: float, top: float) -> np.ndarray:
    image = Image.fromarray(pixels)
    font = ImageFont.load_default(size=max(8, share * image.height))
    ImageDraw.Draw(image).text((left * image.width, top * image.height), words, font=font, fill=(255, 255, 255))
    return np.asarray(image)


def _frame_white(pixels: np.ndarray) -> np.ndarray:
    tall, wide = pixels.shape[0] // 16, pixels.shape[1] // 16
    return cv2.copyMakeBorder(pixels, tall, tall, wide, wide, cv2.BORDER_CONSTANT, value=(255, 255, 255))


def _round_field(pixels: np.ndarray) -> np.ndarray:
    """Black outside the largest circle."""
    height, width = pixels.shape[:2]
    rows, columns = np.ogrid[:height, :width]
    away = ((rows + 0.5) / height - 0.5) ** 2 + ((columns + 0.5) / width - 0.5) ** 2
    return np.where((away <= 0.25)[..., None], pixels, 0).astype(np.uint8)


def _turn(pixels: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.rot90(pixels))


def _double(pixels: np.ndarray) -> np.ndarray:
    """The picture and its mirror image side by side, as two views on one film."""
    return np.concatenate([pixels, pixels[:, ::-1]], axis=1)


# Changes of uint8 RGB that leave the answer of a reader as it is: a network that leans on a cue stumbles over its own.
# (A drained photograph has lost something real, too; radiographs are exchanged light for dark on some stations.)
CHANGES: dict[Change, Callable[[np.ndarray], np.ndarray]] = {
    Change.NONE: lambda pixels: pixels,
    Change.BLURRED: _blur,
    Change.HALF_RESOLUTION: _halve,
    Change.JPEG_30: _recompress,
    Change.SQUEEZED: _squeeze,
    Change.CROPPED: _crop,
    Change.FRAMED: _frame,
    Change.DARKER: _darken,
    Change.BRIGHTER: _brighten,
    Change.LESS_CONTRAST: _flatten,
    Change.WARM: _warm,
    Change.GREY: _drain,
    Change.INVERTED: lambda pixels: 255 - pixels,
    Change.MIRRORED: lambda pixels: np.ascontiguousarray(pixels[:, ::-1]),
    Change.SIDE_MARKER: _letter,
    Change.TEXT: _two_lines,
    Change.WHITE_FRAME: _frame_white,
    Change.ROUND_FIELD: _round_field,
    Change.SIDEWAYS: _turn,
    Change.TWO_VIEWS: _double,
}
