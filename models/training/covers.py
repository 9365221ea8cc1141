"""What lies over the pixels of real pictures and says nothing of the patient, drawn at random: frames, letters, fields.

Each function changes float32 [h, w, 3] in 0 to 255 in place.
"""

import string

import cv2
import numpy as np

FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_PLAIN, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX)
LETTERS = tuple(string.ascii_uppercase + string.digits)
# What stands on radiographs more often than anything else.
SIDES = ("L", "R", "L", "R", "AP", "PA", "SUPINE", "PORTABLE")


def erase(image: np.ndarray, rng: np.random.Generator) -> None:
    """Grey one random rectangle (random erasing, Zhong et al., AAAI 2020, arXiv:1708.04896)."""
    height, width = image.shape[:2]
    tall, wide = int(height * rng.uniform(0.1, 0.35)), int(width * rng.uniform(0.1, 0.35))
    top, left = int(rng.integers(0, height - tall)), int(rng.integers(0, width - wide))
    image[top : top + tall, left : left + wide] = rng.uniform(0, 255)


def frame(image: np.ndarray, rng: np.random.Generator) -> None:
    """Cover strips along the edges in one grey: bars and frames tell who published a picture."""
    height, width = image.shape[:2]
    top, bottom = (int(height * rng.uniform(0, 0.12)) for _ in range(2))
    left, right = (int(width * rng.uniform(0, 0.12)) for _ in range(2))
    inside = np.zeros((height, width), bool)
    inside[top : height - bottom, left : width - right] = True
    image[~inside] = rng.choice([0.0, 255.0, rng.uniform(0, 255)])


def collimate(image: np.ndarray, rng: np.random.Generator) -> None:
    """Black outside a tilted rectangle, as where an X-ray tube was collimated."""
    height, width = image.shape[:2]
    size = (width * rng.uniform(0.75, 1.1), height * rng.uniform(0.75, 1.1))
    corners = cv2.boxPoints(((width / 2, height / 2), size, rng.uniform(-10, 10)))
    _blacken_outside(image, lambda mask: cv2.fillConvexPoly(mask, corners.astype(np.int32), 1), rng)


def round_field(image: np.ndarray, rng: np.random.Generator) -> None:
    """Black outside a circle, as a dermatoscope shows it."""
    height, width = image.shape[:2]
    centre = (int(width * rng.uniform(0.45, 0.55)), int(height * rng.uniform(0.45, 0.55)))
    radius = int(max(height, width) * rng.uniform(0.45, 0.62))
    _blacken_outside(image, lambda mask: cv2.circle(mask, centre, radius, 1, -1), rng)


def _blacken_outside(image: np.ndarray, draw, rng: np.random.Generator) -> None:
    mask = np.zeros(image.shape[:2], np.uint8)
    draw(mask)
    image[mask == 0] = rng.uniform(0, 25)


def write(image: np.ndarray, rng: np.random.Generator) -> None:
    """A side marker, or one to three lines of letters and digits, mostly near the edges; bright, dark or on a label."""
    for _ in range(int(rng.integers(1, 4))):
        words = str(rng.choice(SIDES)) if rng.random() < 0.5 else "".join(rng.choice(LETTERS, int(rng.integers(2, 14))))
        _write_line(image, words, rng)


def _write_line(image: np.ndarray, words: str, rng: np.random.Generator) -> None:
    height, width = image.shape[:2]
    font, scale = int(rng.choice(FONTS)), float(rng.uniform(0.25, 0.9)) * height / 160
    (wide, tall), below = cv2.getTextSize(words, font, scale, 1)
    # A beta distribution with its mass at the ends: most letters stand at an edge.
    left = int(max(0, width - wide) * rng.beta(0.5, 0.5))
    bottom = int(tall + max(0, height - tall - below) * rng.beta(0.5, 0.5))
    grey = float(rng.choice([255.0, 230.0, 0.0, rng.uniform(0, 255)]))
    if rng.random() < 0.2:
        corner = (left + wide, bottom + below)
        cv2.rectangle(image, (left, bottom - tall), corner, (255.0 - grey,) * 3, -1)
    cv2.putText(image, words, (left, bottom), font, scale, (grey,) * 3, int(rng.integers(1, 3)), cv2.LINE_AA)
