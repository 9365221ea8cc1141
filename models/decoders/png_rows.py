"""Whether a PNG holds all its rows. Pillow takes one whose compressed data ends early, and leaves the rest black."""

import struct
import zlib
from collections.abc import Iterator

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
# First column and row, step between columns and rows of each pass (PNG specification, 8.1: Adam7).
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_BLOCK = 1 << 20


class TooFewRows(ValueError):
    """The image data ends before the last row."""


def check_png_rows(data: bytes) -> None:
    """Raises TooFewRows for a PNG (its chunks already verified) with less image data than its header promises.

    Inflates no more than was promised, and holds no more than a block of it.
    """
    missing = _promised_bytes(*struct.unpack(">IIBBBBB", data[16:29]))
    inflater = zlib.decompressobj()
    for chunk in _image_data(data):
        while chunk and missing > 0:
            missing -= len(inflater.decompress(chunk, min(_BLOCK, missing)))
            chunk = inflater.unconsumed_tail
    if missing > 0:
        raise TooFewRows(f"{missing} bytes are missing")


def _promised_bytes(
    width: int, height: int, depth: int, colour: int, _method: int, _filter: int, interlace: int
) -> int:
    bits = depth * _CHANNELS[colour]
    passes = _ADAM7 if interlace else ((0, 0, 1, 1),)
    sizes = ((_steps(width, x, dx), _steps(height, y, dy)) for x, y, dx, dy in passes)
    # Each row begins with a byte for its filter; a pass without columns has no rows either.
    return sum(rows * (1 + (columns * bits + 7) // 8) for columns, rows in sizes if columns)


def _steps(length: int, first: int, step: int) -> int:
    return max(0, -(-(length - first) // step))


def _image_data(data: bytes) -> Iterator[bytes]:
    position = 8
    while position + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[position : position + 8])
        if kind == b"IDAT":
            yield data[position + 8 : position + 8 + length]
        position += length + 12
