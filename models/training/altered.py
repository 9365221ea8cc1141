"""Fixed changes of an image that leave the answer of a reader as it is: a network stumbles over those it leans on."""

from collections.abc import Callable

import cv2
import numpy as np

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
}
