"""Every format that is read: what its frames tell, and that the store gives their pixels again bit for bit."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

import models
from models.decoders import heif as heif_decoder
from models.decoders.errors import UnreadableCode
from models.decoders.turn import turn_clockwise, turn_upright
from tests.bad_files import chunk
from tests.ml.files import framed, refused, save, scene
from tests.ml.pictures import deep, deep_png, deep_tiff, every_kind, grain, hand_tiff, heif, pages
from tests.ml.test_imaging import INVERSE

# Kinds that lose nothing, so that their pixels are those of the picture.
LOSSLESS = ("png", "tiff", "tiff lzw", "tiff deflate", "webp lossless", "bmp")
IN_COLOUR = ("jpeg", "jpeg 4:4:4", "jpeg rgb", "webp", "heic", "tiff jpeg", "png 16 bits", "tiff 16 bits")
IN_GREY = ("jpeg grey", "jpeg grey progressive", "png grey", "tiff grey", "bmp grey")
MEDIA_TYPES = {
    **{"jpeg": "image/jpeg", "png": "image/png", "tiff": "image/tiff"},
    **{"webp": "image/webp", "bmp": "image/bmp", "heic": "image/heic"},
}


@pytest.mark.parametrize("kind", every_kind())
def test_what_is_stored_gives_the_same_pixels_bit_for_bit(kind):
    frame = framed(every_kind()[kind])
    assert frame.facts.media_type == MEDIA_TYPES[kind.split()[0]]
    assert frame.media_type == ("image/jpeg" if kind.startswith("jpeg") else "image/png")
    assert frame.position == 0
    assert np.ptp(frame.pixels) > 100, "no picture is seen"


@pytest.mark.parametrize("kind", every_kind())
def test_a_stored_file_read_as_an_upload_gives_the_same_pixels_and_is_stored_as_it_is(kind):
    frame = framed(every_kind()[kind])
    again = framed(frame.stored)
    assert np.array_equal(again.pixels, frame.pixels)
    assert again.stored == frame.stored


@pytest.mark.parametrize("kind", LOSSLESS)
def test_formats_without_loss_keep_every_pixel(kind):
    assert np.array_equal(framed(every_kind()[kind]).pixels, grain())


@pytest.mark.parametrize("kind", IN_COLOUR)
def test_kinds_with_loss_or_more_bits_show_the_same_picture(kind):
    assert np.abs(framed(every_kind()[kind]).pixels.astype(int) - grain()).mean() < 10


@pytest.mark.parametrize("kind", IN_GREY)
def test_grey_kinds_show_the_same_picture(kind):
    pixels = framed(every_kind()[kind]).pixels
    assert (pixels == pixels[..., :1]).all()
    assert np.abs(pixels[..., 0].astype(int) - np.asarray(Image.fromarray(grain()).convert("L"))).mean() < 7


@pytest.mark.parametrize("kind", ["png 16 bits grey", "tiff 16 bits grey", "tiff float"])
def test_deep_grey_is_windowed_alike_in_every_format(kind):
    assert np.array_equal(framed(every_kind()[kind]).pixels, framed(every_kind()["png 16 bits grey"]).pixels)


@pytest.mark.parametrize(
    ("kind", "depth", "photometric", "profile"),
    [
        ("jpeg", 8, "YBR_FULL", "sRGB"),
        ("jpeg rgb", 8, "RGB", "sRGB"),
        ("jpeg grey", 8, "MONOCHROME2", "sRGB"),
        ("jpeg cmyk", 8, "CMYK", "sRGB"),
        ("jpeg display p3", 8, "YBR_FULL", "Display P3"),
        ("jpeg srgb profile", 8, "YBR_FULL", "sRGB"),
        ("jpeg grey profile", 8, "MONOCHROME2", "GRAY"),
        ("png bilevel", 1, "MONOCHROME2", "sRGB"),
        ("png palette", 4, "PALETTE COLOR", "sRGB"),
        ("png 16 bits", 16, "RGB", "sRGB"),
        ("webp display p3", 8, "RGB", "Display P3"),
        ("tiff 16 bits grey", 16, "MONOCHROME2", "sRGB"),
        ("tiff cmyk", 8, "CMYK", "sRGB"),
        ("tiff float", 32, "MONOCHROME2", "sRGB"),
        ("bmp palette", 8, "PALETTE COLOR", "sRGB"),
    ],
)
def test_facts(kind, depth, photometric, profile):
    facts = framed(every_kind()[kind]).facts
    assert (facts.bit_depth, facts.photometric, facts.colour_profile) == (depth, photometric, profile)
    assert facts.orientation == 1
    assert facts.acquisition == {}


@pytest.mark.parametrize("orientation", INVERSE)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_orientation_is_a_fact_beside_upright_pixels(orientation, kind):
    lying = Image.fromarray(scene(48, 64))
    if INVERSE[orientation] is not None:
        lying = lying.transpose(INVERSE[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
    frame = framed(save(lying, kind, exif=exif, **options))
    assert frame.facts.orientation == orientation
    assert frame.stored_orientation == (orientation if kind == "JPEG" else 1)
    assert np.abs(frame.pixels.astype(int) - scene(48, 64)).max() <= (6 if kind == "JPEG" else 0)
    assert models.read_stored(frame.stored, frame.stored_orientation, max_side=32).shape == (24, 32, 3)


@pytest.mark.parametrize("orientation", INVERSE)
def test_a_turned_tiff_of_sixteen_bits_is_upright(orientation):
    undo = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}
    lying = np.ascontiguousarray(turn_upright(deep(grain()), undo[orientation]))
    frame = framed(deep_tiff(lying, orientation))
    assert frame.facts.orientation == orientation
    assert np.array_equal(frame.pixels, framed(every_kind()["tiff 16 bits"]).pixels)


def test_orientation_in_xmp_alone():
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    assert framed(save(scene(48, 64), "JPEG", xmp=xmp)).pixels.shape == (64, 48, 3)


def test_each_page_of_a_tiff_is_a_frame():
    shades = [Image.new("RGB", (64, 48), (shade, 0, 0)) for shade in (10, 120, 240)]
    frames = models.read_file(pages(*shades, compression="tiff_lzw"))
    assert [frame.position for frame in frames] == [0, 1, 2]
    assert [int(frame.pixels[0, 0, 0]) for frame in frames] == [10, 120, 240]


def test_pages_may_be_of_different_kinds():
    deep_grey = Image.fromarray(deep(grain()[..., 0]))
    frames = models.read_file(pages(Image.fromarray(grain()), deep_grey, Image.fromarray(grain()).convert("1")))
    assert [frame.facts.bit_depth for frame in frames] == [8, 16, 1]
    assert np.array_equal(frames[0].pixels, grain())


def test_previews_and_masks_in_a_tiff_are_no_frames():
    frames = models.read_file(hand_tiff({}, {254: 1}, {254: 4}, {254: 2}))
    assert [int(frame.pixels[0, 0, 0]) for frame in frames] == [0, 3]
    assert [frame.position for frame in frames] == [0, 1]


@pytest.mark.parametrize("kind", ["WEBP", "PNG"])
def test_animations_are_refused(kind):
    frames = [Image.fromarray(np.roll(grain(), shift, axis=1)) for shift in (5, 10)]
    data = save(Image.fromarray(grain()), kind, save_all=True, append_images=frames)
    assert refused(data) == UnreadableCode.SEVERAL_PICTURES


def test_a_heic_of_several_pictures_is_refused():
    assert refused(heif(grain(), grain()[::-1])) == UnreadableCode.SEVERAL_PICTURES


def test_a_turned_heic_is_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = heif(grain(), quality=90, exif=exif.tobytes())
    assert framed(data).pixels.shape == (160, 120, 3)


def test_white_is_zero_in_a_tiff_of_eight_and_sixteen_bits():
    bright = save(Image.fromarray(deep(grain()[..., 0])), "TIFF")
    inverted = save(Image.fromarray(deep(grain()[..., 0])), "TIFF", tiffinfo={262: 0})
    assert framed(inverted).facts.photometric == "MONOCHROME1"
    assert np.array_equal(255 - framed(inverted).pixels, framed(bright).pixels)
    eight = framed(save(Image.fromarray(grain()[..., 0]), "TIFF", tiffinfo={262: 0}))
    assert np.array_equal(eight.pixels[..., 0], grain()[..., 0])


def test_deep_kinds_of_tiff_that_are_not_read_are_named():
    cmyk = deep_tiff(deep(np.dstack([grain(), grain()[..., 0]])))
    start = struct.unpack("<I", cmyk[4:8])[0]
    fields = {struct.unpack_from("<H", cmyk, start + 2 + 12 * n)[0]: start + 2 + 12 * n for n in range(cmyk[start])}
    place = fields[262] + 8
    assert refused(cmyk[:place] + b"\x05" + cmyk[place + 1 :]) == UnreadableCode.UNSUPPORTED_KIND


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers(value):
    samples = grain()[..., 0].astype(np.float32)
    samples[5, 5] = value
    assert refused(save(Image.fromarray(samples), "TIFF")) == UnreadableCode.NOT_FINITE


def test_heic_without_its_package(monkeypatch):
    monkeypatch.setattr(heif_decoder, "pillow_heif", None)
    with pytest.raises(models.UnreadableImage) as caught:
        models.read_file(every_kind()["heic"])
    assert caught.value.code == UnreadableCode.DECODER_MISSING
    assert caught.value.values == {"format": "HEIC", "package": "pillow-heif"}


def test_formats_are_known_by_content_and_others_are_not_tried():
    for kind in ("GIF", "ICO", "PPM", "PDF", "EPS", "AVIF", "JPEG2000"):
        assert refused(save(scene(), kind)) == UnreadableCode.UNKNOWN_FORMAT
    assert refused(b"BM and then some words that begin like a bitmap") == UnreadableCode.UNKNOWN_FORMAT


def test_an_answer_says_its_code_and_values_in_plain_words():
    with pytest.raises(models.UnreadableImage, match=r"too small \(width 31, height 48, limit 32\)"):
        models.read_file(save(scene(48, 31), "PNG"))


def test_a_transparent_colour_of_sixteen_bits_is_laid_on_black():
    samples = deep(grain())
    samples[:10] = (1, 2, 3)
    clear = framed(deep_png(samples, chunk(b"tRNS", b"\0\1\0\2\0\3")))
    assert not clear.pixels[:10].any()
    assert np.abs(clear.pixels[10:].astype(int) - grain()[10:]).mean() < 6


@pytest.mark.parametrize("max_side", [16, 50, 4000])
def test_the_store_is_read_small_for_showing(max_side):
    for kind in ("jpeg", "jpeg cmyk", "jpeg grey profile", "png"):
        frame = framed(every_kind()[kind])
        small = models.read_stored(frame.stored, frame.stored_orientation, max_side)
        assert max(small.shape) == min(max_side, 160)


def test_what_pillow_reads_of_a_stored_jpeg_are_the_same_pixels():
    frame = framed(every_kind()["jpeg progressive"])
    with Image.open(io.BytesIO(frame.stored)) as image:
        assert np.array_equal(np.asarray(image), frame.pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("quarters", range(5))
def test_a_stored_picture_is_turned_by_another_orientation_alone(orientation, quarters):
    stored = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3)
    expected = np.rot90(turn_upright(stored, orientation), -quarters)
    assert np.array_equal(turn_upright(stored, turn_clockwise(orientation, quarters)), expected)
