"""JPEG: baseline, extended and progressive, 8 bits, grey, colour and CMYK.

Stored is the clean file itself (`jpeg_segments`), so that not one pixel changes; only a picture whose profile converts
by a table of colours is stored as pixels. libjpeg-turbo decodes, told to fail on all that it would only warn of.
"""

import re
from typing import Literal

import cv2
import numpy as np
import simplejpeg
from PIL import Image

from models.decoders.colour import find_profile, find_table, table_name, to_srgb
from models.decoders.errors import UnreadableCode, UnreadableImage
from models.decoders.exif import read_orientation, read_xmp_orientation
from models.decoders.jpeg_segments import JpegParts, read_parts
from models.decoders.turn import turn_upright
from models.frame import Facts, Frame

MEDIA_TYPE = "image/jpeg"
_SPACES: dict[int, Literal["GRAY", "RGB", "CMYK"]] = {1: "GRAY", 3: "RGB", 4: "CMYK"}
_SURPLUS = re.compile(r"(\d+) extraneous bytes before marker 0xd9")
# libjpeg has up to 7 bytes more in hand than it counts as surplus.
_IN_HAND = 7
_TAIL = 8
_MAX_MIXED_SURPLUS = 16


def matches(data: bytes) -> bool:
    """Whether these bytes begin as a JPEG does."""
    return data.startswith(b"\xff\xd8\xff")


def read(data: bytes) -> tuple[Frame, ...]:
    """The first picture of the file. Raises UnreadableImage."""
    parts = read_parts(data)
    space = _SPACES[parts.components]
    profile, table = find_profile(parts.icc, space), find_table(parts.icc, space)
    clean, samples = _decode_whole(parts.assemble(profile.icc if profile else None), space)
    orientation = read_orientation(parts.exif)
    if orientation == 1 and not parts.exif:
        orientation = read_xmp_orientation(parts.xmp)
    facts = Facts(
        media_type=MEDIA_TYPE,
        orientation=orientation,
        photometric={"GRAY": "MONOCHROME2", "RGB": "RGB" if _is_rgb(parts) else "YBR_FULL", "CMYK": "CMYK"}[space],
        colour_profile=profile.name if profile else table_name(space) if table else "sRGB",
    )
    if table:
        return (Frame(turn_upright(to_srgb(samples, table, space), orientation), 0, facts),)
    pixels = turn_upright(_to_rgb(samples, profile.icc if profile else None, space), orientation)
    return (Frame(pixels, 0, facts, clean),)


def read_clean(clean: bytes, orientation: int, max_side: int | None = None) -> np.ndarray:
    """uint8 RGB [h, w, 3], upright, of a file that `read` has cleaned; decoded small where `max_side` allows it.

    Raises UnreadableImage for a file that was damaged since.
    """
    parts = read_parts(clean)
    space = _SPACES[parts.components]
    profile = find_profile(parts.icc, space)
    try:
        samples = _decode(clean, space, **_scaling(parts, max_side))
    except ValueError as error:
        raise _refusal(error) from error
    return turn_upright(_to_rgb(samples, profile.icc if profile else None, space), orientation)


def _is_rgb(parts: JpegParts) -> bool:
    """As libjpeg judges three channels (jdapimin.c, default_decompress_parms)."""
    if parts.has_jfif:
        return False
    return parts.adobe_transform == 0 if parts.adobe_transform is not None else parts.frame[6::3] == b"RGB"


def _to_rgb(samples: np.ndarray, icc: bytes | None, space: str) -> np.ndarray:
    if icc:
        return to_srgb(samples, icc, space)
    if space == "GRAY":
        return cv2.cvtColor(samples, cv2.COLOR_GRAY2RGB)
    return samples if space == "RGB" else _cmyk_to_rgb(samples)


def _cmyk_to_rgb(samples: np.ndarray) -> np.ndarray:
    height, width = samples.shape[:2]
    return np.asarray(Image.frombytes("CMYK", (width, height), samples.tobytes()).convert("RGB"))


def _decode_whole(clean: bytes, space: str) -> tuple[bytes, np.ndarray]:
    """The clean file and its samples, both without what stands behind the last block.

    Some cameras pad there. Padding goes; but zeros in place of the picture's end may decode as blocks too, with the
    rest left over, and such a picture is incomplete.
    """
    try:
        return clean, _decode(clean, space)
    except ValueError as error:
        match = _SURPLUS.search(str(error))
        if not match:
            raise _refusal(error) from error
    scan, surplus = clean[:-2], int(match[1])
    _check_padding(scan, surplus)
    for size in range(surplus + _IN_HAND, surplus - 1, -1):
        shorter = scan[:-size] + clean[-2:]
        try:
            return shorter, _decode(shorter, space)
        except ValueError:
            # It was the picture's own byte that is missing now.
            continue
    raise UnreadableImage(UnreadableCode.DAMAGED)


def _check_padding(scan: bytes, surplus: int) -> None:
    padding, before = scan[-surplus:], scan[-surplus - _IN_HAND - _TAIL : -surplus - _IN_HAND]
    is_even = padding == padding[:1] * surplus
    if is_even and before == padding[:1] * _TAIL:
        raise UnreadableImage(UnreadableCode.INCOMPLETE)
    if not is_even and surplus > _MAX_MIXED_SURPLUS:
        raise UnreadableImage(UnreadableCode.DAMAGED)


def _decode(clean: bytes, space: str, **scaling: int) -> np.ndarray:
    """Samples as they are coded, uint8 [h, w] in GRAY, else [h, w, channels]; CMYK with 255 for full ink.

    Raises ValueError with libjpeg's words.
    """
    samples = simplejpeg.decode_jpeg(clean, space, strict=True, **scaling)
    if space == "CMYK":
        # As Adobe writes it, and with it everybody: 0 for full ink.
        return 255 - samples
    return samples[..., 0] if space == "GRAY" else samples


def _scaling(parts: JpegParts, max_side: int | None) -> dict[str, int]:
    """libjpeg decodes at a half, a quarter or an eighth at little cost: no smaller than what is asked for."""
    height, width = (int.from_bytes(parts.frame[n : n + 2], "big") for n in (1, 3))
    if max_side is None or max_side >= max(width, height):
        return {}
    scale = max_side / max(width, height)
    return {"min_height": max(1, round(height * scale)), "min_width": max(1, round(width * scale)), "min_factor": 2}


def _refusal(error: ValueError) -> UnreadableImage:
    is_cut = "premature end" in str(error).lower()
    return UnreadableImage(UnreadableCode.INCOMPLETE if is_cut else UnreadableCode.DAMAGED)
