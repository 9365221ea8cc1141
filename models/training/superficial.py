"""Superficial cues of an image: what can be told without seeing any disease.

If trees on these cues alone come near a network, the labels can be guessed from how and where the pictures were made
(shortcut learning: Geirhos et al., Nature Machine Intelligence 2020; Zech et al., PLoS Medicine 2018).
"""

from collections.abc import Callable

import cv2
import numpy as np

SIDE = 32
GREY_BINS = 16
# Level at and below which a border counts as black: JPEG makes pure black slightly grey.
BLACK = 12


def read_cues(pixels: np.ndarray, file_bytes: int) -> dict[str, np.ndarray]:
    """Cue name -> float32 [values] for uint8 RGB [h, w, 3] that came from a file of `file_bytes` bytes."""
    return {name: np.asarray(cue(pixels, file_bytes), np.float32).ravel() for name, cue in CUES.items()}


def _layout(pixels: np.ndarray, _: int) -> np.ndarray:
    """The grey picture at 32 x 32 pixels, less its own brightness and contrast."""
    small = cv2.resize(_grey(pixels), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return (small - small.mean()) / (small.std() + 1)


def _brightness(pixels: np.ndarray, _: int) -> np.ndarray:
    """Histogram, mean, spread and percentiles of grey: exposure, contrast, and whether dark and light are exchanged."""
    grey = _grey(pixels)
    shares = np.histogram(grey, bins=GREY_BINS, range=(0, 256))[0] / grey.size
    return np.concatenate([shares, [grey.mean(), grey.std()], np.percentile(grey, [1, 10, 50, 90, 99])])


def _colour(pixels: np.ndarray, _: int) -> np.ndarray:
    """Colour cast: mean and spread of red less green, blue less green, saturation and hue."""
    red, green, blue = np.moveaxis(pixels.astype(np.float32), -1, 0)
    hue, saturation = np.moveaxis(cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)[..., :2].astype(np.float32), -1, 0)
    turn = np.deg2rad(2 * hue)
    values = (red - green, blue - green, saturation, np.cos(turn), np.sin(turn))
    return np.array([(value.mean(), value.std()) for value in values])


def _sharpness(pixels: np.ndarray, _: int) -> np.ndarray:
    """How much detail each octave holds, as log energies: resampling and blur leave their mark here."""
    grey = _grey(pixels)
    energies = [cv2.Laplacian(grey, cv2.CV_32F).var()]
    for _octave in range(4):
        softer = cv2.GaussianBlur(grey, (0, 0), 1.0)
        energies.append((grey - softer).var())
        grey = cv2.resize(softer, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    logs = np.log(np.array(energies) + 1e-3)
    return np.concatenate([logs, np.diff(logs[1:])])


def _shape(pixels: np.ndarray, _: int) -> np.ndarray:
    """Height and width in pixels, and their ratio."""
    height, width = pixels.shape[:2]
    return np.array([height, width, np.log(width / height)])


def _borders(pixels: np.ndarray, _: int) -> np.ndarray:
    """Mean, spread and share of black along each side and in each corner: bars, vignettes, plates, masks."""
    grey = _grey(pixels)
    height, width = grey.shape
    tall, wide = max(1, height // 16), max(1, width // 16)
    sides = (grey[:tall], grey[-tall:], grey[:, :wide], grey[:, -wide:])
    corners = (grey[:tall, :wide], grey[:tall, -wide:], grey[-tall:, :wide], grey[-tall:, -wide:])
    return np.array([(part.mean(), part.std(), (part <= BLACK).mean()) for part in (*sides, *corners)])


def _compression(pixels: np.ndarray, file_bytes: int) -> np.ndarray:
    """Bits per pixel of the file, and how much more the grey steps at the borders of JPEG's 8 x 8 blocks than inside.

    The second tells of earlier and stronger compressions, too, if the picture was not resampled since.
    """
    grey = _grey(pixels)
    steps = (np.abs(np.diff(grey, axis=1)).mean(axis=0), np.abs(np.diff(grey, axis=0)).mean(axis=1))
    seams = [np.log((step[7::8].mean() + 0.1) / (step.mean() + 0.1)) for step in steps]
    return np.array([8 * file_bytes / grey.size, *seams])


def _grey(pixels: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)


CUES: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "layout": _layout,
    "brightness": _brightness,
    "colour": _colour,
    "sharpness": _sharpness,
    "shape": _shape,
    "borders": _borders,
    "compression": _compression,
}
