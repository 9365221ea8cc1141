"""Pixels to what a network reads, to what is shown, and to a file."""

import io
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from PIL import Image

# The gate and networks are shown larger images at a half, a quarter or an eighth, with this shortest side at least.
READ_SIDE = 1280
PNG_OPTIONS = (
    *(cv2.IMWRITE_PNG_COMPRESSION, 1),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP),
)

Fit = Literal["stretch", "pad", "crop"]
Colour = Literal["as_is", "evened_out"]
# The Minkowski norm of `even_out_light`: 1 would be grey world, infinity the brightest pixel alone.
NORM = 6


@dataclass(frozen=True)
class InputSpec:
    """What a network reads: size in pixels, and how an image of another shape is made to fit.

    `stretch` changes the aspect ratio, `pad` adds black, `crop` takes the largest centred rectangle. `colour`: whether
    the cast of the light is taken out (`even_out_light`).
    """

    height: int
    width: int
    fit: Fit
    colour: Colour = "as_is"


def shown_size(width: int, height: int, max_side: int) -> tuple[int, int]:
    """Width and height, in pixels, of the same picture with its longest side at most `max_side`; never enlarged."""
    scale = min(1.0, max_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def shrink_to_read(pixels: np.ndarray) -> np.ndarray:
    """uint8 [h, w, 3] as the gate and networks read it: a large picture at a half, a quarter or an eighth of its size.

    Means over whole pixels change those that networks then read the least: what a JPEG decoder gives at these sizes
    moves probabilities further. A large picture is so shrunk once, not anew by the gate and by each network.
    """
    height, width = pixels.shape[:2]
    part = next((part for part in (8, 4, 2) if min(width, height) >= part * READ_SIDE), 1)
    return _resize(pixels, (width // part, height // part))


def shrink(pixels: np.ndarray, max_side: int) -> np.ndarray:
    """uint8 [h, w] or [h, w, 3] with the longest side at most `max_side` pixels; never enlarged."""
    height, width = pixels.shape[:2]
    return _resize(pixels, shown_size(width, height, max_side))


def _resize(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Shrunk to (width, height); as it is where it has that size."""
    return pixels if pixels.shape[1::-1] == size else cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def encode_image(pixels: np.ndarray, media_type: str) -> bytes:
    """A clean file of uint8 grey [h, w], RGB [h, w, 3] or RGBA [h, w, 4]: no metadata.

    A JPEG of quality 95 without chroma loss for "image/jpeg", which holds no RGBA (OSError); else a PNG. Grey pixels
    become a grey file, also where they came as RGB: the same when decoded, for less work and fewer bytes.
    """
    if _is_grey(pixels):
        pixels = np.ascontiguousarray(pixels[..., 0])
    if media_type != "image/jpeg":
        return _encode_png(pixels)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue()


def _is_grey(pixels: np.ndarray) -> bool:
    """Whether the three channels of RGB pixels are alike. A few pixels tell nearly every photo at once."""
    if pixels.ndim == 2 or pixels.shape[2] != 3:
        return False
    return all(
        np.array_equal(part[..., 0], part[..., 1]) and np.array_equal(part[..., 1], part[..., 2])
        for part in (pixels[::16, ::16], pixels)
    )


def _encode_png(pixels: np.ndarray) -> bytes:
    # OpenCV lets the filters be chosen, Pillow does not: these cost half the time, to encode and to decode.
    order = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
    swapped = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, order[pixels.shape[2]])
    return cv2.imencode(".png", swapped, PNG_OPTIONS)[1].tobytes()


def prepare(pixels: np.ndarray, spec: InputSpec) -> np.ndarray:
    """uint8 RGB [h, w, 3] -> float32 [1, spec.height, spec.width, 3] in 0 to 255; networks scale inside."""
    matched = (
        _pad(pixels, spec)
        if spec.fit == "pad"
        else cv2.resize(
            _crop(pixels, spec) if spec.fit == "crop" else pixels,
            (spec.width, spec.height),
            interpolation=_interpolation(pixels, spec),
        )
    )
    if spec.colour == "evened_out":
        matched = even_out_light(matched)
    return matched[np.newaxis].astype(np.float32)


def even_out_light(pixels: np.ndarray) -> np.ndarray:
    """uint8 or float RGB [h, w, 3] in 0 to 255 as under white light: float32, same range.

    Shades of grey (Finlayson and Trezzi, Color and Imaging Conference 2004), as dermoscopy uses it against the casts of
    different lamps (Barata, Celebi and Marques, IEEE JBHI 2015).
    """
    scaled = pixels.astype(np.float32) / 255
    light = (scaled**NORM).mean(axis=(0, 1)) ** (1 / NORM)
    # A channel without any light says nothing of the lamp.
    light = np.maximum(light / max(float(np.linalg.norm(light)), 1e-6) * np.sqrt(3), 0.1)
    return np.clip(255 * scaled / light, 0, 255)


def visible_box(height: int, width: int, spec: InputSpec) -> tuple[float, float, float, float]:
    """Where the image of this size lies in the network's input: top, left, bottom, right as shares.

    Shares are of the input for `pad` (inside 0 to 1) and may lie outside 0 to 1 for `crop`, where the input shows less
    than the image.
    """
    if spec.fit == "stretch":
        return 0.0, 0.0, 1.0, 1.0
    scales = spec.height / height, spec.width / width
    scale = min(scales) if spec.fit == "pad" else max(scales)
    tall, wide = height * scale / spec.height, width * scale / spec.width
    return (1 - tall) / 2, (1 - wide) / 2, (1 + tall) / 2, (1 + wide) / 2


def _crop(pixels: np.ndarray, spec: InputSpec) -> np.ndarray:
    height, width = pixels.shape[:2]
    scale = min(height / spec.height, width / spec.width)
    tall, wide = round(spec.height * scale), round(spec.width * scale)
    top, left = (height - tall) // 2, (width - wide) // 2
    return pixels[top : top + tall, left : left + wide]


def _pad(pixels: np.ndarray, spec: InputSpec) -> np.ndarray:
    height, width = pixels.shape[:2]
    scale = min(spec.height / height, spec.width / width)
    tall, wide = max(1, round(height * scale)), max(1, round(width * scale))
    top, left = (spec.height - tall) // 2, (spec.width - wide) // 2
    canvas = np.zeros((spec.height, spec.width, 3), np.uint8)
    canvas[top : top + tall, left : left + wide] = cv2.resize(
        pixels, (wide, tall), interpolation=_interpolation(pixels, spec)
    )
    return canvas


def _interpolation(pixels: np.ndarray, spec: InputSpec) -> int:
    shrinks = min(pixels.shape[0] / spec.height, pixels.shape[1] / spec.width) > 1
    return cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
