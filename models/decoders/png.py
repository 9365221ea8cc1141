"""PNG: all colour types and depths. Pillow decodes 8 bits and less, OpenCV 16 bits, which Pillow would cut."""

import cv2
import numpy as np

from models.decoders.colour import convert, to_srgb
from models.decoders.errors import UnreadableCode, UnreadableImage
from models.decoders.exif import read_orientation, read_xmp_orientation
from models.decoders.pillow import decode_rgb
from models.decoders.png_chunks import SIGNATURE, PngParts, read_parts
from models.decoders.png_rows import TooFewRows, check_png_rows
from models.decoders.profile import DISPLAY_P3
from models.decoders.samples import lay_on_black
from models.decoders.turn import turn_upright
from models.decoders.window import window_samples
from models.frame import Facts, Frame

MEDIA_TYPE = "image/png"
_PHOTOMETRIC = {0: "MONOCHROME2", 2: "RGB", 3: "PALETTE COLOR", 4: "MONOCHROME2", 6: "RGB"}


def matches(data: bytes) -> bool:
    """Whether these bytes begin as a PNG does."""
    return data.startswith(SIGNATURE)


def read(data: bytes) -> tuple[Frame, ...]:
    """The one picture of the file. Raises UnreadableImage."""
    parts = read_parts(data)
    pixels = decode_parts(parts)
    pixels, profile = _to_srgb(pixels, parts)
    orientation = read_orientation(parts.exif) if parts.exif else read_xmp_orientation(parts.xmp)
    facts = Facts(
        media_type=MEDIA_TYPE,
        orientation=orientation,
        bit_depth=parts.depth,
        photometric=_PHOTOMETRIC[parts.colour_type],
        colour_profile=profile,
    )
    return (Frame(turn_upright(pixels, orientation), 0, facts),)


def decode_parts(parts: PngParts) -> np.ndarray:
    """uint8 RGB [h, w, 3] as the file has it. Raises UnreadableImage where rows are missing."""
    clean = parts.assemble()
    try:
        check_png_rows(clean)
    except TooFewRows as error:
        raise UnreadableImage(UnreadableCode.INCOMPLETE) from error
    return _decode_sixteen(parts) if parts.depth == 16 else decode_rgb(clean, "PNG")


def _decode_sixteen(parts: PngParts) -> np.ndarray:
    key, parts.transparency = parts.transparency, b""
    samples = cv2.imdecode(np.frombuffer(parts.assemble(), np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None or samples.dtype != np.uint16:
        raise UnreadableImage(UnreadableCode.DAMAGED)
    if samples.ndim == 3:
        samples = cv2.cvtColor(samples, cv2.COLOR_BGRA2RGBA if samples.shape[2] == 4 else cv2.COLOR_BGR2RGB)
    alpha = samples[..., 3] if parts.colour_type in (4, 6) else _opaque_but(samples, key)
    colours = samples[..., :3] if samples.ndim == 3 else samples
    return lay_on_black(window_samples(colours, None if alpha is None else alpha > 0), alpha)


def _opaque_but(samples: np.ndarray, key: bytes) -> np.ndarray | None:
    """Alpha of a picture in which one colour is transparent (tRNS); None where none is."""
    channels = samples.shape[2] if samples.ndim == 3 else 1
    if len(key) != 2 * channels:
        return None
    same = samples.reshape(*samples.shape[:2], channels) == np.frombuffer(key, ">u2")
    return np.where(same.all(axis=2), 0, 65535).astype(np.uint16)


def _to_srgb(pixels: np.ndarray, parts: PngParts) -> tuple[np.ndarray, str]:
    """The pixels in sRGB, and the name of the space that they were in.

    In the order of the specification (4.3): cICP, iCCP, sRGB. gAMA and cHRM alone are passed over: most programs write
    those of sRGB, and others write them wrong.
    """
    if parts.is_display_p3 and parts.colour_type in (2, 3, 6):
        return to_srgb(pixels, DISPLAY_P3.icc, "RGB"), DISPLAY_P3.name
    if parts.is_srgb and not parts.icc:
        return pixels, "sRGB"
    return convert(pixels, parts.icc, "GRAY" if parts.colour_type in (0, 4) else "RGB")
