"""Draws the dermatoscopic look-alike of docs/result.png: a pigment network on skin. No patient is in it.

.venv/bin/python docs/draw_example.py lesion.png
"""

import sys

import cv2
import numpy as np

SIDE = 600


def draw(seed: int = 19) -> np.ndarray:
    """uint8 RGB [600, 600, 3]: brown, irregular and centred, on skin that darkens towards the corners."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    skin = np.array([222, 172, 158.0]) + 7 * _grain(rng, 12)[..., None] + 3 * _grain(rng, 90)[..., None]
    outline = np.hypot(x / 0.62, y / 0.5) + 0.09 * _grain(rng, 5) + 0.05 * _grain(rng, 14)
    inside = 1 / (1 + np.exp((outline - 0.85) * 16))
    network = np.abs(_grain(rng, 44)) ** 0.6
    pigment = inside * (0.62 + 0.16 * _grain(rng, 7) - 0.14 * network)
    image = skin * (1 - pigment[..., None] * np.array([0.62, 0.8, 0.86]))
    image *= (1 - 0.22 * np.clip(np.hypot(x, y) - 0.55, 0, None))[..., None]
    image += rng.normal(0, 3, image.shape)
    return cv2.GaussianBlur(np.clip(image, 0, 255).astype(np.uint8), (0, 0), 0.8)


def _grain(rng: np.random.Generator, cells: int) -> np.ndarray:
    """Smooth noise about 0 with deviation 1, `cells` waves along a side."""
    field = cv2.resize(rng.normal(size=(cells + 3, cells + 3)), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return (field - field.mean()) / field.std()


if __name__ == "__main__":
    cv2.imwrite(sys.argv[1], draw()[..., ::-1])
