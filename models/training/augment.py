"""Random changes of one image, in pixels of 0 to 255, before any scaling: one affine, then sharpness, tone and cover.

Rotation, zoom, shear, shift and flip are one matrix, so that the pixels are sampled once; blur, down-and-up scaling and
JPEG quality are varied because sharpness tells the source of an image, not the disease.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from models.imaging import InputSpec


@dataclass(frozen=True)
class Augmentation:
    """Ranges of the random changes: angles in degrees, zoom and stretch factors about 1, shift a share of the side.

    `soften`, `erase`, `frame`, `grey` and `invert` are the chances, 0 to 1, that an image gets that change.
    """

    rotate: float
    zoom: tuple[float, float]
    stretch: float
    shift: float
    mirror: bool
    flip: bool
    tone: float
    colour: float = 0.0
    grey: float = 0.0
    soften: float = 0.4
    erase: float = 0.25
    frame: float = 0.15
    invert: float = 0.0


PHOTO = Augmentation(
    rotate=25, zoom=(0.85, 1.45), stretch=0.15, shift=0.08, mirror=True, flip=False, tone=0.35, colour=0.15, grey=0.1
)
DERMOSCOPY = Augmentation(
    rotate=180, zoom=(0.85, 1.4), stretch=0.1, shift=0.06, mirror=True, flip=True, tone=0.35, colour=0.1
)
# Fracture lines are fine: little softening and erasing, or the finding itself is gone.
BONE = Augmentation(
    rotate=15, zoom=(0.95, 1.25), stretch=0.06, shift=0.05, mirror=True, flip=False, tone=0.3, soften=0.15, erase=0.1
)
# Some stations show radiographs with light and dark exchanged. Mirrored: marks hang on the side, the answers do not.
CHEST = Augmentation(
    rotate=10, zoom=(0.9, 1.4), stretch=0.15, shift=0.06, mirror=True, flip=False, tone=0.4, soften=0.7, invert=0.1
)
BRAIN = Augmentation(
    rotate=15, zoom=(0.9, 1.2), stretch=0.12, shift=0.05, mirror=True, flip=False, tone=0.4, soften=0.5
)
# Not mirrored, which would make of a picture turned to the left one turned to the right, and nothing erased: it would
# look like a marker that covers tissue.
MODALITY = Augmentation(
    rotate=15, zoom=(0.85, 1.3), stretch=0.15, shift=0.06, mirror=False, flip=False, tone=0.3, colour=0.15, grey=0.25,
    soften=0.3, erase=0.0, frame=0.1,
)  # fmt: skip


def augment(pixels: np.ndarray, spec: InputSpec, change: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """uint8 RGB [h, w, 3] -> float32 [spec.height, spec.width, 3] in 0 to 255, changed at random."""
    image = _warp(pixels, spec, change, rng)
    if rng.random() < change.soften:
        image = _soften(image, rng)
    if rng.random() < change.grey:
        image = np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    image = _tone(image.astype(np.float32), change, rng)
    if rng.random() < change.invert:
        image = 255.0 - image
    if rng.random() < change.erase:
        _erase(image, rng)
    if rng.random() < change.frame:
        _frame(image, rng)
    return image


def _warp(pixels: np.ndarray, spec: InputSpec, change: Augmentation, rng: np.random.Generator) -> np.ndarray:
    height, width = pixels.shape[:2]
    fit_x, fit_y = spec.width / width, spec.height / height
    if spec.fit != "stretch":
        fit_x = fit_y = (min if spec.fit == "pad" else max)(fit_x, fit_y)
    zoom = np.exp(rng.uniform(*np.log(change.zoom)))
    stretch = np.exp(rng.uniform(-change.stretch, change.stretch))
    angle = np.deg2rad(rng.uniform(-change.rotate, change.rotate))
    mirror = -1.0 if change.mirror and rng.random() < 0.5 else 1.0
    flip = -1.0 if change.flip and rng.random() < 0.5 else 1.0
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]])
    matrix = turn @ np.diag([fit_x * zoom * stretch * mirror, fit_y * zoom / stretch * flip])
    target = np.array([spec.width, spec.height]) * (0.5 + rng.uniform(-change.shift, change.shift, 2))
    offset = target - matrix @ np.array([width / 2, height / 2])
    border = cv2.BORDER_CONSTANT if spec.fit == "pad" else cv2.BORDER_REFLECT_101
    return cv2.warpAffine(
        pixels, np.column_stack([matrix, offset]), (spec.width, spec.height), flags=cv2.INTER_LINEAR, borderMode=border
    )


def _soften(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    kind = rng.integers(3)
    if kind == 0:
        return cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.4)))
    if kind == 1:
        height, width = image.shape[:2]
        share = rng.uniform(0.4, 0.9)
        small = cv2.resize(image, (int(width * share), int(height * share)), interpolation=cv2.INTER_AREA)
        return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    _, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 85))])
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))


def _tone(image: np.ndarray, change: Augmentation, rng: np.random.Generator) -> np.ndarray:
    gamma = np.exp(rng.uniform(-change.tone, change.tone))
    contrast = np.exp(rng.uniform(-change.tone, change.tone))
    cast = np.exp(rng.uniform(-change.colour, change.colour, 3)).astype(np.float32)
    image = 255.0 * (image / 255.0) ** gamma
    mean = image.mean()
    image = ((image - mean) * contrast + mean) * cast + rng.uniform(-40, 40) * change.tone
    return np.clip(image, 0, 255).astype(np.float32)


def _erase(image: np.ndarray, rng: np.random.Generator) -> None:
    """Grey one random rectangle (random erasing, Zhong et al., AAAI 2020, arXiv:1708.04896)."""
    height, width = image.shape[:2]
    tall, wide = int(height * rng.uniform(0.1, 0.35)), int(width * rng.uniform(0.1, 0.35))
    top, left = int(rng.integers(0, height - tall)), int(rng.integers(0, width - wide))
    image[top : top + tall, left : left + wide] = rng.uniform(0, 255)


def _frame(image: np.ndarray, rng: np.random.Generator) -> None:
    """Cover strips along the edges in one grey: bars and frames tell who published a picture."""
    height, width = image.shape[:2]
    top, bottom = (int(height * rng.uniform(0, 0.12)) for _ in range(2))
    left, right = (int(width * rng.uniform(0, 0.12)) for _ in range(2))
    inside = np.zeros((height, width), bool)
    inside[top : height - bottom, left : width - right] = True
    image[~inside] = rng.choice([0.0, 255.0, rng.uniform(0, 255)])
