"""BMP: Windows bitmaps, as old scanners and screenshots make them."""

import struct

from models.decoders.errors import UnreadableCode, UnreadableImage
from models.decoders.limits import check_size
from models.decoders.pillow import open_image, to_rgb
from models.frame import Facts, Frame

MEDIA_TYPE = "image/bmp"
_HEADERS = (12, 40, 52, 56, 64, 108, 124)  # bytes of the information header in each version
_JPEG_INSIDE, _PNG_INSIDE = 4, 5


def matches(data: bytes) -> bool:
    """Whether these bytes begin as a BMP file does."""
    return data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _HEADERS


def read(data: bytes) -> tuple[Frame, ...]:
    """The one picture of the file. Raises UnreadableImage."""
    depth = _check_header(data)
    with open_image(data, "BMP") as image:
        check_size(*image.size)
        photometric = "PALETTE COLOR" if image.mode == "P" else "MONOCHROME2" if image.mode in "1L" else "RGB"
        pixels = to_rgb(image)
    return (
        Frame(pixels, 0, Facts(media_type=MEDIA_TYPE, bit_depth=8 if depth > 8 else depth, photometric=photometric)),
    )


def _check_header(data: bytes) -> int:
    """Bits of a pixel. Raises UnreadableImage where the header is cut off, or rows that it promises are missing."""
    if len(data) < 34:
        raise UnreadableImage(UnreadableCode.INCOMPLETE)
    start, size = struct.unpack_from("<II", data, 10)
    if size == 12:
        width, height, _, depth = struct.unpack_from("<HHHH", data, 18)
        compression = 0
    else:
        width, height, _, depth, compression = struct.unpack_from("<iiHHI", data, 18)
    if compression in (_JPEG_INSIDE, _PNG_INSIDE):
        raise UnreadableImage(UnreadableCode.UNSUPPORTED_KIND, format="BMP", kind="JPEG or PNG inside")
    check_size(abs(width), abs(height))
    if compression in (0, 3) and start + (width * depth + 31) // 32 * 4 * abs(height) > len(data):
        raise UnreadableImage(UnreadableCode.INCOMPLETE)
    return depth
