"""A picture of which a part is missing is refused, whatever a decoder would fill the gap with."""

import struct
from pathlib import Path

import numpy as np
import pytest

import models
from models.decoders.errors import UnreadableCode
from tests.bad_files import chunk
from tests.ml.files import noise, refused, save
from tests.ml.pictures import deep_png, every_kind, grain, hand_tiff

FIELD_CASES = Path(__file__).parents[3] / "shared" / "field_cases"
BROKEN = {UnreadableCode.INCOMPLETE, UnreadableCode.DAMAGED}
JPEGS = [kind for kind in every_kind() if kind.startswith("jpeg")]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("kind", every_kind())
def test_a_file_that_is_cut_off(kind, share):
    data = every_kind()[kind]
    assert refused(data[: int(len(data) * share)]) in BROKEN | {UnreadableCode.UNKNOWN_FORMAT}


@pytest.mark.parametrize("share", [0.4, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("kind", JPEGS)
def test_a_jpeg_that_was_cut_and_given_an_end(kind, share):
    data = every_kind()[kind]
    start = data.index(b"\xff\xda")
    assert refused(data[: start + int((len(data) - start) * share)] + b"\xff\xd9") in BROKEN


@pytest.mark.parametrize("filling", [0x00, 0x55, 0x80, 0xFF])
@pytest.mark.parametrize("share", [0.4, 0.6, 0.9])
@pytest.mark.parametrize("kind", JPEGS)
def test_a_jpeg_whose_end_was_filled_up(kind, share, filling):
    data = every_kind()[kind]
    start = data.index(b"\xff\xda")
    cut = start + int((len(data) - start) * share)
    assert refused(data[:cut] + bytes([filling]) * (len(data) - cut - 2) + b"\xff\xd9") in BROKEN


def scans(data: bytes) -> list[int]:
    """Where each scan of a JPEG begins."""
    found, position = [], data.find(b"\xff\xda")
    while position >= 0:
        found.append(position)
        position = data.find(b"\xff\xda", position + 2)
    return found


@pytest.mark.parametrize("kind", ["jpeg progressive", "jpeg grey progressive"])
def test_a_progressive_jpeg_without_its_last_scans_is_too_coarse(kind):
    data = every_kind()[kind]
    starts = scans(data)
    assert len(starts) >= 6
    for start in starts[1:]:
        # A table of codes may stand in front of a scan; the decoder would not miss it.
        assert refused(data[:start] + b"\xff\xd9") == UnreadableCode.INCOMPLETE


def test_a_jpeg_without_the_scan_of_one_channel():
    data = every_kind()["jpeg progressive"]
    frame = data.index(b"\xff\xc2")
    more = bytearray(data)
    more[frame + 9] = 4  # a fourth channel that no scan brings
    more[frame + 2 : frame + 4] = struct.pack(">H", 20)
    more[frame + 19 : frame + 19] = b"\x04\x11\x00"
    assert refused(bytes(more)) == UnreadableCode.INCOMPLETE


@pytest.mark.parametrize("kind", ["webp", "heic"])
def test_compressed_data_that_were_filled_up_with_zeros(kind):
    data = every_kind()[kind]
    cut = int(len(data) * 0.8)
    assert refused(data[:cut] + bytes(len(data) - cut)) in BROKEN


@pytest.mark.parametrize("kind", ["png", "png grey", "png 16 bits", "tiff lzw", "tiff deflate"])
def test_a_part_that_is_overwritten_with_zeros(kind):
    data = bytearray(every_kind()[kind])
    data[len(data) // 2 : len(data) * 3 // 4] = bytes(len(data) * 3 // 4 - len(data) // 2)
    assert refused(bytes(data)) in BROKEN


def test_a_png_of_too_few_rows_in_whole_chunks():
    whole, short = deep_png(np.zeros((48, 64), np.uint16)), deep_png(np.zeros((40, 64), np.uint16))
    assert models.read_file(whole)
    promising = short.replace(chunk(b"IHDR", short[16:29]), chunk(b"IHDR", whole[16:29]))
    assert refused(promising) == UnreadableCode.INCOMPLETE


def test_a_strip_of_a_tiff_that_is_not_there():
    assert refused(hand_tiff({279: 1 << 30})) == UnreadableCode.INCOMPLETE
    assert refused(hand_tiff({273: 1 << 30})) == UnreadableCode.INCOMPLETE
    assert refused(hand_tiff({}, {279: 0})) == UnreadableCode.INCOMPLETE


def test_a_jpeg_in_a_tiff_that_is_cut_off():
    data = save(noise(200, 200), "TIFF", compression="jpeg", quality=90)
    end = data.rindex(b"\xff\xd9")
    broken = data[: end - 400] + bytes(400) + data[end:]
    assert len(broken) == len(data)
    assert refused(broken) in BROKEN


@pytest.mark.skipif(not FIELD_CASES.is_dir(), reason="the files of the field are not here")
def test_files_as_they_come_in_the_field():
    def pixels(name: str) -> np.ndarray:
        return models.read_file((FIELD_CASES / name).read_bytes())[0].pixels

    assert refused((FIELD_CASES / "05_cut_at_60_percent_then_EOI.jpg").read_bytes()) == UnreadableCode.INCOMPLETE
    assert refused((FIELD_CASES / "06_zeros_from_60_percent_then_EOI.jpg").read_bytes()) == UnreadableCode.INCOMPLETE
    for name in ("01_iphone_hdr_gain_map", "02_iso21496_gain_map", "04_mpf_second_picture_dropped"):
        assert np.array_equal(pixels(f"{name}.jpg"), pixels("00_plain.jpg"))
    for name in ("08_png_text_chunk_wrong_crc", "09_png_icc_3MB", "11_png_exif_broken"):
        assert np.array_equal(pixels(f"{name}.png"), pixels("00_plain_film.png"))
    p3, srgb = pixels("16_display_p3.png"), pixels("16_the_same_in_srgb.png")
    assert np.abs(p3.astype(int) - srgb).max() <= 1


def test_nothing_is_refused_that_is_whole():
    for data in every_kind().values():
        assert models.read_file(data)
    assert models.read_file(save(grain() // 64 * 64, "JPEG", optimize=True, quality=30))
