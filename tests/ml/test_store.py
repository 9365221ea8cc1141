"""What is stored of a file: its picture and nothing else, and the same answer from it as from the upload."""

import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

import models
from models.decoders.errors import UnreadableCode
from models.decoders.jpeg_segments import segment
from models.decoders.profile import DISPLAY_P3
from tests.bad_files import chunk, multi_picture_jpeg
from tests.ml.files import framed, refused, save
from tests.ml.pictures import every_kind, grain, srgb_icc, zipped

# What a clean JPEG may be built of: tables, frame, scans and their restarts, and what tells its colours.
ALLOWED_MARKERS = {0xC0, 0xC1, 0xC2, 0xC4, 0xDA, 0xDB, 0xDD, 0xE0, 0xE2, 0xEE}
PHP = b"<?php system($_GET['smuggled']); ?>"
HTML = b"<!doctype html><script>alert('smuggled')</script>"
JPEG = every_kind()["jpeg"]
SMUGGLED = {
    "zip": zipped(),
    "html": HTML,
    "php": PHP,
    "second picture": save(grain()[::-1], "JPEG", comment=b"smuggled"),
    "png": save(grain(), "PNG"),
}


def markers(data: bytes) -> list[int]:
    """All markers before the first scan's data; fails for a byte between two segments."""
    found, position = [], 2
    while not found or found[-1] != 0xDA:
        assert data[position] == 0xFF
        found.append(data[position + 1])
        position += 2 + struct.unpack(">H", data[position + 2 : position + 4])[0]
    return found


def assert_clean_and_same(data: bytes, original: bytes = JPEG) -> None:
    """The file is stored as its original is stored, and that has nothing but a picture in it."""
    frame = framed(data)
    assert frame.stored == framed(original).stored
    assert set(markers(frame.stored)) <= ALLOWED_MARKERS
    assert frame.stored.endswith(b"\xff\xd9")
    assert b"smuggled" not in frame.stored
    assert b"PK\x03\x04" not in frame.stored


@pytest.mark.parametrize("name", SMUGGLED)
@pytest.mark.parametrize("kind", ["jpeg", "jpeg progressive", "jpeg cmyk", "png"])
def test_what_is_appended_is_not_stored(kind, name):
    original = every_kind()[kind]
    assert framed(original + SMUGGLED[name]).stored == framed(original).stored


@pytest.mark.parametrize("name", SMUGGLED)
@pytest.mark.parametrize("marker", [0xFE, *range(0xE1, 0xF0), 0xF7, 0xFD, 0x02, 0xDC, 0xDF])
def test_what_stands_in_a_segment_is_not_stored(marker, name):
    content = SMUGGLED[name][:60_000]
    assert_clean_and_same(JPEG[:2] + segment(marker, content) + JPEG[2:])


def test_a_thumbnail_in_jfif_is_not_stored():
    thumbnail = b"JFIF\0\x01\x01\0\0\x01\0\x01\x05\x04" + b"smuggled".ljust(60)
    assert JPEG[2:4] == b"\xff\xe0"
    assert_clean_and_same(JPEG[:2] + segment(0xE0, thumbnail) + JPEG[20:])


@pytest.mark.parametrize("between", [b"\xff" * 900, b"smuggled" * 9, b"\x00" * 90, b"\xff\x01\xff\xd3\xff\x00"])
def test_what_stands_between_segments_is_not_stored(between):
    start = JPEG.index(b"\xff\xdb")
    assert_clean_and_same(JPEG[:start] + between + JPEG[start:])


def test_fill_bytes_in_front_of_the_end_are_not_stored():
    assert_clean_and_same(JPEG[:-2] + b"\xff" * 5000 + JPEG[-2:])


@pytest.mark.parametrize("padding", [b"\0" * 16, b"\0" * 512, b"smuggled12"])
@pytest.mark.parametrize("kind", ["jpeg", "jpeg progressive", "jpeg grey", "jpeg with restarts"])
def test_padding_behind_the_last_block_is_not_stored(kind, padding):
    original = every_kind()[kind]
    frame = framed(original[:-2] + padding + original[-2:])
    assert frame.stored == framed(original).stored


@pytest.mark.parametrize("name", ["zip", "html", "php"])
def test_a_file_behind_the_last_block_is_refused(name):
    hidden = SMUGGLED[name].replace(b"\xff", b"\xff\0")
    assert refused(JPEG[:-2] + hidden + JPEG[-2:]) == UnreadableCode.DAMAGED


def test_tables_that_no_scan_uses_are_not_stored():
    unused = segment(0xDB, b"\x03" + b"smuggled" * 8) + segment(0xC4, b"\x03\x08" + bytes(15) + b"smuggled")
    start = JPEG.index(b"\xff\xdb")
    assert_clean_and_same(JPEG[:start] + unused + JPEG[start:])


def test_tables_that_are_replaced_before_use_are_not_stored():
    start = JPEG.index(b"\xff\xdb")
    assert_clean_and_same(JPEG[:start] + segment(0xDB, b"\x00" + b"smuggled" * 8) * 50 + JPEG[start:])


def test_personal_data_are_not_stored():
    exif = Image.Exif()
    exif[0x010E], exif[0x013B] = "Jane Roe", "Dr. Roe"
    exif.get_ifd(0x8825)[1] = "N"
    options = {"exif": exif, "xmp": b"<x:xmpmeta>Roe</x:xmpmeta>"}
    for kind, more in (("JPEG", {"comment": b"Roe"}), ("PNG", {}), ("WEBP", {}), ("TIFF", {})):
        data = save(grain(), kind, **options, **more)
        assert b"Roe" in data
        assert b"Roe" not in framed(data).stored


def test_the_entropy_coded_data_are_the_same_bytes():
    scan = JPEG[JPEG.index(b"\xff\xda") :]
    assert framed(JPEG).stored.endswith(scan)


def test_phones_and_cameras_put_a_second_picture_behind_the_first():
    data = multi_picture_jpeg()
    frame = framed(data)
    assert frame.stored.count(b"\xff\xd8\xff") == 1
    assert not frame.pixels.any(), "the first picture is black, the second red"


def test_only_the_numbers_of_a_profile_are_stored():
    icc = bytearray(DISPLAY_P3.icc)
    place = icc.index("Display P3".encode("utf-16-be"))
    icc[place : place + 20] = "Jane Roe12".encode("utf-16-be")
    frame = framed(save(grain(), "JPEG", icc_profile=bytes(icc) + b"Jane Roe" * 50))
    assert frame.facts.colour_profile == "Display P3"
    assert b"Roe" not in frame.stored
    assert "Roe".encode("utf-16-be") not in frame.stored
    assert b"ICC_PROFILE" in frame.stored


def test_a_profile_of_srgb_is_not_stored():
    assert framed(save(grain(), "JPEG", icc_profile=srgb_icc())).stored == framed(save(grain(), "JPEG")).stored


@pytest.mark.parametrize("kind", [kind for kind in every_kind() if "jpeg" not in kind])
def test_a_stored_png_has_no_chunk_but_of_pixels(kind):
    stored = framed(every_kind()[kind]).stored
    names, position = [], 8
    while position < len(stored):
        length, name = struct.unpack_from(">I4s", stored, position)
        names.append(name)
        position += 12 + length
    assert position == len(stored)
    assert set(names) == {b"IHDR", b"IDAT", b"IEND"}


@pytest.mark.parametrize("name", [b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"iCCP", b"pHYs", b"tIME", b"npTc", b"gAMA"])
@pytest.mark.parametrize("crc", [None, 1])
def test_other_chunks_of_a_png_are_left_out_broken_or_not(name, crc):
    data = every_kind()["png"]
    extra = chunk(name, b"smuggled\0\0" + zlib.compress(b"smuggled" * 9), crc=crc)
    frame = framed(data[:33] + extra + data[33:])
    assert frame.stored == framed(data).stored
    assert np.array_equal(frame.pixels, grain())


@pytest.mark.parametrize("name", [b"iTXt", b"eXIf", b"iCCP"])
def test_large_chunks_of_a_png_are_left_out(name):
    data = every_kind()["png"]
    large = b"XML:com.adobe.xmp\0\0\0\0\0".ljust(1_100_000)
    content = b"icc\0\0" + zlib.compress(bytes(3_000_000)) if name == b"iCCP" else large
    assert framed(data[:33] + chunk(name, content) + data[33:]).stored == framed(data).stored


@pytest.mark.parametrize(
    "kind", ["jpeg", "jpeg progressive", "jpeg cmyk", "jpeg display p3", "jpeg grey", "png grey", "png 16 bits grey"]
)
def test_the_store_gives_the_same_probabilities_bit_for_bit(kind):
    frame = framed(every_kind()[kind])
    task = models.get_task("skin_lesion")
    again = models.read_stored(frame.stored, frame.stored_orientation)
    first, second = models.predict(task, frame.pixels), models.predict(task, again)
    assert _numbers(first) == _numbers(second)
    assert first.outcome == second.outcome


def _numbers(prediction: models.Prediction) -> list[float]:
    return [label.probability for head in prediction.heads for label in head.labels]


def test_words_that_a_scanner_may_not_hold_are_nowhere_in_the_store():
    stored = framed(JPEG[:2] + segment(0xFE, PHP) + JPEG[2:] + HTML).stored
    assert not re.search(rb"<\?php|<script|PK\x03\x04|%PDF", stored)
