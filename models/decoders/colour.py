"""Colours to sRGB, as a picture's ICC profile says. A profile that is broken or of another kind is left out."""

import io
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image, ImageCms

from models.decoders.limits import MAX_METADATA_BYTES
from models.decoders.profile import Profile, UnfitProfile, colour_space, has_table, read_profile

_STRIP_PIXELS = 256 * 1024  # that are converted at once
# A profile that moves no colour of a grid by more than this is sRGB under another name.
_SAME = 1
_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}  # of Pillow


def find_profile(icc: bytes | None, space: str) -> Profile | None:
    """The profile of matrix and curves in these bytes, if it is for samples of `space` (RGB, GRAY) and not sRGB."""
    if not icc or len(icc) > MAX_METADATA_BYTES:
        return None
    try:
        profile = read_profile(icc)
    except UnfitProfile:
        return None
    return profile if profile.space == space and not _is_srgb(profile) else None


def find_table(icc: bytes | None, space: str) -> bytes | None:
    """The same bytes, if they are a profile for samples of `space` that converts by a table of colours."""
    if not icc or len(icc) > MAX_METADATA_BYTES:
        return None
    try:
        fits = has_table(icc) and colour_space(icc) == space and _transform(icc, _MODES[space]) is not None
    except (UnfitProfile, ImageCms.PyCMSError):
        return None
    return icc if fits else None


def convert(pixels: np.ndarray, icc: bytes | None, space: str = "RGB") -> tuple[np.ndarray, str]:
    """uint8 RGB [h, w, 3] in sRGB, and the name of the space that they were in, of RGB pixels whose file has this
    profile; for a `space` of GRAY all channels are alike. Unchanged where the profile does not fit or is sRGB."""
    profile = find_profile(icc, space)
    fitting = profile.icc if profile else find_table(icc, space)
    if fitting is None:
        return pixels, "sRGB"
    samples = np.ascontiguousarray(pixels[..., 0]) if space == "GRAY" else pixels
    return to_srgb(samples, fitting, space), profile.name if profile else table_name(space)


def table_name(space: str) -> str:
    """What a profile is called that converts by a table: its own name is not to be trusted."""
    return f"{space} by table"


def to_srgb(samples: np.ndarray, icc: bytes, space: str) -> np.ndarray:
    """uint8 [h, w, 3] in RGB, [h, w] in GRAY or [h, w, 4] in CMYK, with their profile -> uint8 RGB [h, w, 3], sRGB."""
    transform = _transform(icc, _MODES[space])
    if space == "GRAY":
        levels = _apply(np.arange(256, dtype=np.uint8)[np.newaxis], transform, "L")[..., 1]
        return cv2.cvtColor(cv2.LUT(samples, levels), cv2.COLOR_GRAY2RGB)
    height, width = samples.shape[:2]
    converted = np.empty((height, width, 3), np.uint8)
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        converted[top : top + rows] = _apply(samples[top : top + rows], transform, _MODES[space])
    return converted


def _apply(samples: np.ndarray, transform: ImageCms.ImageCmsTransform, mode: str) -> np.ndarray:
    height, width = samples.shape[:2]
    image = Image.frombytes(mode, (width, height), np.ascontiguousarray(samples).tobytes())
    return np.asarray(ImageCms.applyTransform(image, transform))


@lru_cache(maxsize=8)
def _transform(icc: bytes, mode: str) -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(io.BytesIO(icc)),
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )


@lru_cache(maxsize=32)
def _is_srgb(profile: Profile) -> bool:
    if profile.space == "GRAY":
        grid = np.arange(256, dtype=np.uint8)[np.newaxis]
        wanted = np.repeat(grid[..., np.newaxis], 3, axis=2)
    else:
        steps = np.linspace(0, 255, 9).astype(np.uint8)
        wanted = grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    return int(np.abs(to_srgb(grid, profile.icc, profile.space).astype(int) - wanted).max()) <= _SAME
