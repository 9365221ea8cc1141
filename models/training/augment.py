"""Random changes of one image, in pixels of 0 to 255, before any scaling: one affine, then sharpness, tone and cover.

Rotation, zoom, shear, shift and flip are one matrix, so that the pixels are sampled once; blur, down-and-up scaling and
JPEG quality are varied because sharpness tells the source of an image, not the disease.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from models.imaging import InputSpec, even_out_light
from models.training import covers


@dataclass(frozen=True)
class Augmentation:
    """Ranges of the random changes: angles in degrees, zoom and stretch factors about 1, shift a share of the side.

    `tone` and `colour`: spread of gamma, contrast and cast in their logarithms. `coarsest`: the smallest share of its
    side to which an image is softened. All others are the chances, 0 to 1, that an image gets that change: `curve` is a
    random monotone curve of its grey levels, `equalise` CLAHE; `collimate`, `field` and `write` stand in covers.py;
    `mix` takes over the light of another image.
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
    coarsest: float = 0.4
    curve: float = 0.0
    equalise: float = 0.0
    noise: float = 0.0
    collimate: float = 0.0
    field: float = 0.0
    write: float = 0.0
    mix: float = 0.0


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
# For pictures of other hospitals: every task learns to read through what stations, cameras and journals do to them.
PHOTO_ABROAD = replace(
    PHOTO, tone=0.5, colour=0.2, soften=0.6, coarsest=0.25, curve=0.2, equalise=0.1, noise=0.15, write=0.15, frame=0.2
)
DERMOSCOPY_ABROAD = replace(
    DERMOSCOPY, zoom=(0.75, 1.5), tone=0.5, colour=0.25, grey=0.05, soften=0.5, coarsest=0.3, curve=0.2, equalise=0.1,
    noise=0.15, field=0.15, write=0.1,
)  # fmt: skip
BONE_ABROAD = replace(
    BONE, rotate=25, zoom=(0.85, 1.3), tone=0.5, soften=0.3, coarsest=0.5, curve=0.3, equalise=0.2, noise=0.15,
    collimate=0.15, write=0.3, invert=0.08,
)  # fmt: skip
CHEST_ABROAD = replace(
    CHEST, tone=0.6, coarsest=0.3, curve=0.3, equalise=0.2, noise=0.2, collimate=0.15, write=0.4, invert=0.08
)
BRAIN_ABROAD = replace(
    BRAIN, zoom=(0.85, 1.3), tone=0.6, soften=0.6, coarsest=0.3, curve=0.3, equalise=0.15, noise=0.2, write=0.25,
    invert=0.08,
)  # fmt: skip
# Not mirrored, which would make of a picture turned to the left one turned to the right, and nothing erased: it would
# look like a marker that covers tissue.
MODALITY = Augmentation(
    rotate=15, zoom=(0.85, 1.3), stretch=0.15, shift=0.06, mirror=False, flip=False, tone=0.3, colour=0.15, grey=0.25,
    soften=0.3, erase=0.0, frame=0.1,
)  # fmt: skip


def augment(
    pixels: np.ndarray,
    spec: InputSpec,
    change: Augmentation,
    rng: np.random.Generator,
    other: np.ndarray | None = None,
) -> np.ndarray:
    """uint8 RGB [h, w, 3] -> float32 [spec.height, spec.width, 3] in 0 to 255, changed at random.

    `other`: an image, best of another source, whose looks this one may take over.
    """
    image = _warp(pixels, spec, change, rng)
    if other is not None and rng.random() < change.mix:
        image = mix_amplitudes(image, other, rng)
    if spec.colour == "evened_out":
        image = even_out_light(image).round().astype(np.uint8)
    if rng.random() < change.equalise:
        image = _equalise(image, rng)
    if rng.random() < change.soften:
        image = _soften(image, change, rng)
    if rng.random() < change.grey:
        image = np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    image = _tone(image.astype(np.float32), change, rng)
    if rng.random() < change.curve:
        image = _curve(image, rng)
    if rng.random() < change.noise:
        image = np.clip(image + rng.normal(0, rng.uniform(2, 14), image.shape[:2])[..., None], 0, 255)
    if rng.random() < change.invert:
        image = 255.0 - image
    image = np.ascontiguousarray(image, np.float32)
    for chance, cover in (
        (change.erase, covers.erase),
        (change.collimate, covers.collimate),
        (change.field, covers.round_field),
        (change.write, covers.write),
        (change.frame, covers.frame),
    ):
        if rng.random() < chance:
            cover(image, rng)
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


def mix_amplitudes(image: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """uint8 RGB with part of the low-frequency amplitudes of `other`: its light and shading, not its shapes.

    Fourier domain mixing between sources (Xu et al., CVPR 2021, arXiv:2105.11120; Yang and Soatto, CVPR 2020).
    """
    height, width = image.shape[:2]
    spectrum = np.fft.rfft2(image.astype(np.float32), axes=(0, 1))
    others = np.abs(np.fft.rfft2(cv2.resize(other, (width, height)).astype(np.float32), axes=(0, 1)))
    reach, share = max(1, int(min(height, width) * rng.uniform(0.01, 0.1))), rng.uniform(0, 1)
    amplitudes = np.abs(spectrum)
    for rows in (slice(0, reach), slice(height - reach + 1, height)):
        low = (rows, slice(0, reach))
        amplitudes[low] = (1 - share) * amplitudes[low] + share * others[low]
    mixed = np.fft.irfft2(amplitudes * np.exp(1j * np.angle(spectrum)), s=(height, width), axes=(0, 1))
    return np.clip(mixed, 0, 255).astype(np.uint8)


def _equalise(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Local contrast evened out, as many viewers do (CLAHE, Zuiderveld, Graphics Gems IV, 1994)."""
    lightness, *colours = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2LAB))
    side = int(rng.integers(2, 9))
    lightness = cv2.createCLAHE(float(rng.uniform(1, 4)), (side, side)).apply(lightness)
    return cv2.cvtColor(cv2.merge([lightness, *colours]), cv2.COLOR_LAB2RGB)


def _curve(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Grey levels by a random monotone curve: what window and display of another station do."""
    knots = np.concatenate([[0.0], np.cumsum(rng.dirichlet(np.full(6, 1.5)))])
    return np.interp(image, np.linspace(0, 255, len(knots)), 255 * knots).astype(np.float32)


def _soften(image: np.ndarray, change: Augmentation, rng: np.random.Generator) -> np.ndarray:
    kind = rng.integers(3)
    if kind == 0:
        return cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.4)))
    if kind == 1:
        height, width = image.shape[:2]
        share = rng.uniform(change.coarsest, 0.9)
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
