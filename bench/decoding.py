"""What it costs to decode in a process of its own: a file to frames through the pool, and in the same process.

Both sides do all that an upload needs: decode, clean what is stored, and shrink to what networks read. One file at a
time, one thread of OpenCV on either side.
"""

import cv2

import models
from bench.effort import Effort
from bench.pictures import large_jpeg, small_png
from bench.table import Row, Target, ratio, row
from bench.timing import milliseconds
from models.decoders.pool import DecoderPool

PART = "Decoding"
FIFTEEN_PERCENT_LESS = Target(1 / 0.85)  # at most, of the files in a second


def measure(effort: Effort) -> list[Row]:
    """Rows of a small PNG and a large JPEG: milliseconds of both sides, and how much longer the pool takes."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    pool = DecoderPool(1)
    try:
        small = _rows("512-pixel PNG", small_png(), pool, effort.calls)
        return small + _rows("12-megapixel JPEG", large_jpeg(), pool, max(2, effort.calls // 4))
    finally:
        pool.close()
        cv2.setNumThreads(threads)


def _rows(name: str, data: bytes, pool: DecoderPool, repeats: int) -> list[Row]:
    actions = {"pool": lambda: pool.decode(data), "here": lambda: decode_here(data)}
    times = milliseconds(actions, repeats)
    pooled = row(PART, f"{name}: in a process of its own", "ms", times["pool"])
    here = row(PART, f"{name}: in the same process", "ms", times["here"])
    return [
        pooled,
        here,
        ratio(PART, f"{name}: process of its own over the same", pooled, here, FIFTEEN_PERCENT_LESS),
    ]


def decode_here(data: bytes) -> list[tuple[bytes, bytes]]:
    """What the pool answers, made in this process: of each frame what is stored and what networks read."""
    return [(frame.stored, models.shrink_to_read(frame.pixels).tobytes()) for frame in models.read_file(data)]
