"""What a file may hold at most. Each limit is checked on headers, before a decoder works on the pixels."""

from collections.abc import Sequence

from models.decoders.errors import UnreadableCode, UnreadableImage

MAX_PIXELS = 40_000_000
MAX_SIDE = 10_000
MIN_SIDE = 32
MAX_ASPECT = 8
MAX_FRAMES = 32
MAX_FILE_PIXELS = 80_000_000  # of all frames together
MAX_JPEG_SEGMENTS = 2_000
# Each scan of a progressive JPEG goes through all of the picture. Cameras and editors write about ten.
MAX_JPEG_SCANS = 100
MAX_PNG_CHUNKS = 40_000  # of image data; a writer with chunks of 4 kB needs as many for 160 MB
MAX_PNG_OTHER_CHUNKS = 1_000
MAX_WEBP_CHUNKS = 100
MAX_TIFF_STRIPS = 100_000
# Larger profiles and EXIF are left out, as broken ones are.
MAX_METADATA_BYTES = 1 << 20


def check_size(width: int, height: int) -> None:
    """Raises UnreadableImage for a picture with too many pixels, too long or short a side, or the shape of a strip.

    `width` and `height` in pixels.
    """
    if width < 1 or height < 1:
        raise UnreadableImage(UnreadableCode.DAMAGED)
    if width * height > MAX_PIXELS:
        raise UnreadableImage(UnreadableCode.TOO_MANY_PIXELS, limit=MAX_PIXELS // 1_000_000)
    if max(width, height) > MAX_SIDE:
        raise UnreadableImage(UnreadableCode.TOO_LONG, width=width, height=height, limit=MAX_SIDE)
    if min(width, height) < MIN_SIDE:
        raise UnreadableImage(UnreadableCode.TOO_SMALL, width=width, height=height, limit=MIN_SIDE)
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise UnreadableImage(UnreadableCode.TOO_NARROW, limit=MAX_ASPECT)


def check_frames(sizes: Sequence[tuple[int, int]]) -> None:
    """Raises UnreadableImage for a file of no frame, of too many, or of too many pixels in all, and as `check_size`.

    `sizes`: (width, height) of each frame in pixels.
    """
    if not sizes:
        raise UnreadableImage(UnreadableCode.DAMAGED)
    if len(sizes) > MAX_FRAMES:
        raise UnreadableImage(UnreadableCode.TOO_MANY_FRAMES, limit=MAX_FRAMES)
    for width, height in sizes:
        check_size(width, height)
    if sum(width * height for width, height in sizes) > MAX_FILE_PIXELS:
        raise UnreadableImage(UnreadableCode.TOO_MANY_PIXELS, limit=MAX_FILE_PIXELS // 1_000_000)


def check_count(count: int, limit: int, part: str) -> None:
    """Raises UnreadableImage when a file has more than `limit` of these parts."""
    if count > limit:
        raise UnreadableImage(UnreadableCode.TOO_MANY_PARTS, part=part, limit=limit)
