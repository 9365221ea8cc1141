"""Files that are no acceptable picture: each is refused with a sentence, quickly and without much memory."""

import io
import resource
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

import models
from tests.bad_files import PNG_SIGNATURE, chunk
from tests.ml.files import noise, png, refusal, save, scene

FUZZ_SEEDS = 200
# Seconds of the processor, which a machine that is busy with other things gives as slowly as it likes.
PATIENCE = 10
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><foreignObject/></svg>'
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n(/etc/passwd) (r) file\n%%EOF\n"


def good(kind: str) -> bytes:
    return save(scene(), kind)


def test_an_empty_file():
    assert "empty" in refusal(b"")


@pytest.mark.parametrize(
    "data", [b"\x00", b"\x89", PNG_SIGNATURE, b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8\xff\xe0\x00"]
)
def test_a_header_alone(data):
    refusal(data)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_truncated_file_is_not_half_a_picture(kind, share):
    data = save(noise(), kind)
    refusal(data[: int(len(data) * share)])


@pytest.mark.parametrize(
    "data",
    [b"<script>alert(1)</script>", b"<!doctype html><title>x</title>", b"hello" * 100, SVG, EPS, b"%PDF-1.7\n%%EOF\n"],
    ids=["script", "html", "text", "svg", "eps", "pdf"],
)
def test_text_of_any_kind(data):
    assert "not a JPEG or PNG" in refusal(data)


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "WEBP", "BMP", "ICO", "JPEG2000", "PPM", "TGA", "PDF", "AVIF", "EPS"])
def test_other_formats_are_known_by_their_content(kind):
    assert "not a JPEG or PNG" in refusal(save(scene(), kind))


def test_photoshop_and_fits_are_never_parsed():
    assert "not a JPEG or PNG" in refusal(b"8BPS\x00\x01" + bytes(60))
    assert "not a JPEG or PNG" in refusal(b"SIMPLE  =                    T".ljust(2880))


def peak_memory_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize(
    ("width", "height"), [(50_000, 50_000), (9_500, 9_500), (13_500, 13_500), (6_500, 6_400), (2**31 - 1, 2**31 - 1)]
)
def test_a_bomb_is_refused_by_its_header(width, height):
    data = png(width, height, depth=1, colour=0, rows=bytes(20_000_000))
    assert len(data) < 1_000_000
    before, start = peak_memory_kb(), time.process_time()
    assert "megapixels" in refusal(data)
    assert peak_memory_kb() - before < 100_000
    assert time.process_time() - start < PATIENCE


def test_a_compressed_text_chunk_is_no_way_in_for_a_bomb():
    bomb = chunk(b"zTXt", b"Comment\x00\x00" + zlib.compress(bytes(200_000_000), 1))
    rows = (b"\x00" + bytes(192)) * 64
    before, start = peak_memory_kb(), time.process_time()
    assert not models.decode_image(png(64, 64, rows=rows, extra=bomb)).pixels.any()
    assert peak_memory_kb() - before < 100_000
    assert time.process_time() - start < PATIENCE


@pytest.mark.parametrize(
    ("width", "height", "rule"),
    [
        (1, 65_500, "10,000 pixels"),
        (65_500, 1, "10,000 pixels"),
        (10_001, 1_400, "10,000 pixels"),
        (1, 1, "at least 32"),
        (2, 2, "at least 32"),
        (31, 31, "at least 32"),
        (31, 400, "at least 32"),
        (32, 257, "8 times"),
        (257, 32, "8 times"),
    ],
)
def test_sizes_out_of_bounds_name_the_rule(width, height, rule):
    rows = (b"\x00" + bytes(width)) * height
    assert rule in refusal(png(width, height, colour=0, rows=rows))


@pytest.mark.parametrize(("width", "height"), [(32, 32), (32, 256), (256, 32)])
def test_the_smallest_sizes_that_are_taken(width, height):
    assert models.decode_image(save(scene(height, width), "PNG")).pixels.shape == (height, width, 3)


def without(data: bytes, name: bytes) -> bytes:
    """A PNG file without its chunks of this name."""
    kept, position = [data[:8]], 8
    while position < len(data):
        length = struct.unpack(">I", data[position : position + 4])[0]
        if data[position + 4 : position + 8] != name:
            kept.append(data[position : position + length + 12])
        position += length + 12
    return b"".join(kept)


def test_png_with_a_wrong_checksum():
    header = struct.pack(">IIBBBBB", 64, 48, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\x00" + bytes(192)) * 48)
    end = chunk(b"IEND", b"")
    refusal(PNG_SIGNATURE + chunk(b"IHDR", header, crc=1) + chunk(b"IDAT", rows) + end)
    refusal(PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", rows, crc=1) + end)


@pytest.mark.parametrize("name", [b"IHDR", b"IDAT", b"IEND"])
def test_png_without_a_chunk_it_needs(name):
    refusal(without(good("PNG"), name))


@pytest.mark.parametrize(("width", "height"), [(0, 0), (0, 64), (64, 0), (2**31, 64), (2**32 - 1, 2**32 - 1)])
def test_png_of_impossible_size(width, height):
    refusal(png(width, height, rows=b"\x00" * 100))


def test_animated_png():
    frames = [Image.fromarray(np.roll(scene(), shift, axis=1)) for shift in (5, 10)]
    assert "animation" in refusal(save(Image.fromarray(scene()), "PNG", save_all=True, append_images=frames))


def test_animated_png_of_five_thousand_frames():
    control = chunk(b"acTL", struct.pack(">II", 5_000, 0))
    start = time.process_time()
    assert "animation" in refusal(png(64, 48, rows=(b"\x00" + bytes(192)) * 48, extra=control))
    assert time.process_time() - start < PATIENCE


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF"])
def test_other_files_of_several_pictures(kind):
    frames = [Image.fromarray(np.roll(scene(), shift, axis=1)) for shift in (5, 10)]
    refusal(save(Image.fromarray(scene()), kind, save_all=True, append_images=frames))


def test_the_first_picture_of_a_jpeg_that_holds_several_is_read():
    frames = [Image.fromarray(scene())]
    data = save(Image.fromarray(scene()), "MPO", save_all=True, append_images=frames)
    assert np.array_equal(models.decode_image(data).pixels, models.decode_image(good("JPEG")).pixels)


def assert_decoded_or_refused(data: bytes) -> bool:
    """Whether the bytes were decoded; any other end than a picture or a sentence fails."""
    start = time.process_time()
    try:
        pixels = models.decode_image(data).pixels
    except models.UnreadableImage:
        refusal(data)
        return False
    finally:
        assert time.process_time() - start < PATIENCE
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    return True


def flipped(data: bytes, seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    damaged = bytearray(data)
    for place in rng.integers(0, len(data), int(rng.integers(1, 12))):
        damaged[place] ^= int(rng.integers(1, 256))
    return bytes(damaged)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_flipped_bytes_end_in_a_picture_or_a_sentence(kind):
    data = good(kind)
    taken = sum(assert_decoded_or_refused(flipped(data, seed)) for seed in range(FUZZ_SEEDS))
    # The checksums of a PNG find nearly every flip; in a JPEG many only change some blocks.
    assert taken < (FUZZ_SEEDS * 0.1 if kind == "PNG" else FUZZ_SEEDS)


def test_flipped_bytes_behind_right_checksums():
    content = zlib.compress(b"".join(b"\x00" + row.tobytes() for row in scene()))
    for seed in range(FUZZ_SEEDS):
        rng = np.random.default_rng(seed)
        header = struct.pack(">IIBBBBB", 64, 48, int(rng.choice([1, 2, 4, 8, 16, 3])), int(rng.integers(0, 8)), 0, 0, 0)
        data = PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", flipped(content, seed)) + chunk(b"IEND", b"")
        assert_decoded_or_refused(data)


@pytest.mark.parametrize("seed", range(20))
def test_random_exif_ends_in_a_picture_or_a_sentence(seed):
    noise = np.random.default_rng(seed).bytes(300)
    data = good("JPEG")
    segment = b"Exif\x00\x00" + (b"II*\x00\x08\x00\x00\x00" if seed % 2 else b"MM\x00*\x00\x00\x00\x08") + noise
    assert_decoded_or_refused(data[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + data[2:])


def test_a_second_file_behind_the_first_is_not_carried_along():
    """A JPEG with a web page behind its end is a picture; the page must not reach the store."""
    data = good("JPEG") + b"<html><script>alert(1)</script></html>"
    clean = models.encode_image(models.decode_image(data).pixels, "image/jpeg")
    assert b"script" not in clean
    with Image.open(io.BytesIO(clean)) as image:
        assert image.size == (64, 48)


def test_a_png_whose_data_ends_early_is_refused():
    """U03: a whole zlib stream of too few rows, which Pillow would show with a black lower part."""
    row = b"\0" + bytes(3 * 300)
    assert models.decode_image(png(300, 300, rows=row * 300)).pixels.shape == (300, 300, 3)
    assert "incomplete" in refusal(png(300, 300, rows=row * 100))


def test_an_interlaced_png_is_counted_by_its_passes():
    rows = adam7_rows(37, 41)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 37, 41, 8, 0, 0, 0, 1))
    whole = PNG_SIGNATURE + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    short = PNG_SIGNATURE + header + chunk(b"IDAT", zlib.compress(rows[:-40])) + chunk(b"IEND", b"")
    assert models.decode_image(whole).pixels.shape == (41, 37, 3)
    assert "incomplete" in refusal(short)


def adam7_rows(width: int, height: int) -> bytes:
    """Black 8-bit grey rows of the seven passes of an interlaced picture."""
    starts = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    return b"".join((b"\0" + bytes(len(range(x, width, dx)))) * len(range(y, height, dy)) for x, y, dx, dy in starts)
