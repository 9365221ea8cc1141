"""The store's files back to pixels."""

import cv2
import numpy as np

from models.decoders import jpeg
from models.decoders.errors import UnreadableCode, UnreadableImage
from models.decoders.png_chunks import read_parts
from models.decoders.turn import turn_upright
from models.imaging import shrink


def read_stored(data: bytes, orientation: int = 1, max_side: int | None = None) -> np.ndarray:
    """uint8 RGB [h, w, 3], upright, of `Frame.stored` with `Frame.stored_orientation`: the frame's pixels, bit for bit.

    `max_side`: shrunk so that the longest side is at most that, for showing; a large JPEG then costs less to decode.
    Raises UnreadableImage for bytes that no frame has stored.
    """
    pixels = jpeg.read_clean(data, orientation, max_side) if jpeg.matches(data) else _read_png(data, orientation)
    return pixels if max_side is None else shrink(pixels, max_side)


def _read_png(data: bytes, orientation: int) -> np.ndarray:
    """Of 8-bit grey or RGB, as we write it; its checksums tell whether it is still that."""
    clean = read_parts(data).assemble()
    pixels = cv2.imdecode(np.frombuffer(clean, np.uint8), cv2.IMREAD_COLOR_RGB)
    if pixels is None:
        raise UnreadableImage(UnreadableCode.DAMAGED)
    return turn_upright(pixels, orientation)
