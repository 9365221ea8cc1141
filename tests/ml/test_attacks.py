"""Files that are built to cost much: each is refused by counting, before a decoder sees it."""

import struct
import time
import zlib

import numpy as np
import pytest

import models
from models.decoders.errors import UnreadableCode
from models.decoders.jpeg_segments import segment
from tests.bad_files import PNG_SIGNATURE, chunk, header
from tests.ml.files import refused
from tests.ml.pictures import every_kind, hand_tiff
from tests.ml.test_incomplete import scans

SECONDS = 1.0  # of the processor
JPEG, PROGRESSIVE = every_kind()["jpeg"], every_kind()["jpeg progressive"]


def many_scans() -> bytes:
    """A progressive JPEG whose last scan is there 10,000 times more."""
    last = PROGRESSIVE[scans(PROGRESSIVE)[-1] : -2]
    return PROGRESSIVE[:-2] + last[:73].rstrip(b"\xff") * 10_000 + b"\xff\xd9"


def many_chunks(name: bytes, count: int) -> bytes:
    return PNG_SIGNATURE + header(64, 64) + chunk(name, b"") * count + chunk(b"IDAT", zlib.compress(bytes(576)))


ATTACKS = {
    "10,000 scans": many_scans(),
    "400,000 tiny APP1": JPEG[:2] + segment(0xE1, b"") * 400_000 + JPEG[2:],
    "3.9 million empty COM": JPEG[:2] + segment(0xFE, b"") * 3_900_000 + JPEG[2:],
    "1 million tables": JPEG[:2] + segment(0xDD, b"\0\0") * 1_000_000 + JPEG[2:],
    "8 million restarts": JPEG[:2] + b"\xff\xd0" * 8_000_000 + JPEG[2:],
    "8 million pieces of garbage": JPEG[:2] + b"\xff\0" * 8_000_000 + JPEG[2:],
    "500,000 empty chunks": many_chunks(b"tEXt", 500_000),
    "500,000 empty chunks of image data": many_chunks(b"IDAT", 500_000),
    "a million chunks of WebP": b"RIFF" + struct.pack("<I", 8_000_004) + b"WEBP" + (b"XMP " + bytes(4)) * 1_000_000,
}


@pytest.mark.parametrize("name", ATTACKS)
def test_is_refused_by_counting(name):
    start = time.process_time()
    assert refused(ATTACKS[name]) == UnreadableCode.TOO_MANY_PARTS
    assert time.process_time() - start < SECONDS


@pytest.mark.parametrize(
    "data",
    [
        JPEG[:2] + b"\xff" * 16_000_000,
        JPEG[:-2] + b"\xff" * 16_000_000 + bytes(200) + b"x" * 40 + JPEG[-2:],
        JPEG[:2] + bytes(16_000_000),
        PNG_SIGNATURE + bytes(16_000_000),
    ],
    ids=["fill bytes", "fill bytes in a scan", "zeros", "zeros in a png"],
)
def test_long_runs_are_gone_through_once(data):
    start = time.process_time()
    with pytest.raises(models.UnreadableImage):
        models.read_file(data)
    assert time.process_time() - start < SECONDS


def test_directories_of_a_tiff_that_go_round():
    assert refused(hand_tiff({}, {}, next_of_last=8)) == UnreadableCode.DAMAGED
    assert refused(hand_tiff({}, next_of_last=8)) == UnreadableCode.DAMAGED


def test_a_tiff_of_many_pages():
    assert len(models.read_file(hand_tiff(*[{}] * 32))) == 32
    start = time.process_time()
    assert refused(hand_tiff(*[{}] * 33)) == UnreadableCode.TOO_MANY_FRAMES
    assert refused(hand_tiff(*[{}] * 400)) == UnreadableCode.TOO_MANY_FRAMES
    assert time.process_time() - start < SECONDS


def test_pages_that_are_large_together():
    large = {256: 5_000, 257: 5_000, 273: 8, 279: 100}
    assert refused(hand_tiff(large)) in (UnreadableCode.INCOMPLETE, UnreadableCode.DAMAGED)
    assert refused(hand_tiff(large, large, large, large)) == UnreadableCode.TOO_MANY_PIXELS


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({256: 50_000, 257: 50_000}, UnreadableCode.TOO_MANY_PIXELS),
        ({256: 12_000}, UnreadableCode.TOO_LONG),
        ({256: 31}, UnreadableCode.TOO_SMALL),
        ({256: 4_000}, UnreadableCode.TOO_NARROW),
        ({256: 0}, UnreadableCode.DAMAGED),
        ({259: 6}, UnreadableCode.UNSUPPORTED_KIND),
    ],
)
def test_the_header_of_a_tiff_is_enough(change, code):
    assert refused(hand_tiff(change)) == code


@pytest.mark.parametrize(
    ("marker", "kind"),
    [(0xC3, "lossless"), (0xC9, "arithmetic coding"), (0xCA, "arithmetic coding"), (0xC5, "hierarchical")],
)
def test_kinds_of_jpeg_that_are_not_read_are_named(marker, kind):
    with pytest.raises(models.UnreadableImage) as caught:
        models.read_file(JPEG.replace(b"\xff\xc0", bytes([0xFF, marker])))
    assert caught.value.code == UnreadableCode.UNSUPPORTED_KIND
    assert caught.value.values == {"format": "JPEG", "kind": kind}


def test_a_jpeg_of_twelve_bits_is_named():
    place = JPEG.index(b"\xff\xc0") + 4
    assert refused(JPEG[:place] + b"\x0c" + JPEG[place + 1 :]) == UnreadableCode.UNSUPPORTED_KIND


def test_big_tiff_is_named():
    assert refused(b"II+\0\x08\0\0\0" + bytes(60)) == UnreadableCode.UNSUPPORTED_KIND


@pytest.mark.parametrize("kind", ["tiff", "tiff lzw", "webp", "bmp", "heic", "jpeg progressive", "jpeg cmyk"])
def test_flipped_bytes_end_in_a_picture_or_a_code(kind):
    data = every_kind()[kind]
    for seed in range(60):
        rng = np.random.default_rng(seed)
        damaged = bytearray(data)
        for place in rng.integers(0, len(data), int(rng.integers(1, 12))):
            damaged[place] ^= int(rng.integers(1, 256))
        try:
            frames = models.read_file(bytes(damaged))
        except models.UnreadableImage:
            continue
        assert all(frame.pixels.dtype == np.uint8 and frame.pixels.shape[2] == 3 for frame in frames)
