"""Bytes to pixels: what is decoded and how; and pixels to what a network reads."""

import io

import numpy as np
import pytest
from PIL import Image

import models
from models import imaging
from models.decoders.pillow import copy_pixels
from models.imaging import InputSpec, prepare, visible_box
from tests.ml.files import noise, png, save, scene

INVERSE = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
SHAPES = ((64, 64), (60, 120), (300, 110), (33, 257), (500, 480))


def decoded(data: bytes) -> np.ndarray:
    found = models.decode_image(data)
    assert found.pixels.dtype == np.uint8
    assert found.pixels.shape[2:] == (3,)
    return found.pixels


@pytest.mark.parametrize(("kind", "media_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg")])
def test_tells_the_media_type_and_keeps_the_pixels(kind, media_type):
    found = models.decode_image(save(scene(), kind, **({"quality": 98, "subsampling": 0} if kind == "JPEG" else {})))
    assert found.media_type == media_type
    assert np.abs(found.pixels.astype(int) - scene()).max() <= (0 if kind == "PNG" else 6)


@pytest.mark.parametrize("orientation", INVERSE)
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_all_eight_orientations_give_the_same_upright_pixels(orientation, kind):
    upright = Image.fromarray(scene(48, 64))
    lying = upright.transpose(INVERSE[orientation]) if INVERSE[orientation] is not None else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = decoded(save(lying, kind, exif=exif, **({"quality": 100, "subsampling": 0} if kind == "JPEG" else {})))
    assert found.shape == (48, 64, 3)
    assert np.abs(found.astype(int) - scene(48, 64)).max() <= (0 if kind == "PNG" else 6)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_passed_over(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(decoded(save(scene(), "PNG", exif=exif)), scene())


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/png"])
def test_nothing_but_pixels_is_encoded_again(media_type):
    exif = Image.Exif()
    exif[0x010E] = "<script>alert(1)</script>"  # ImageDescription
    exif[0x013B] = "Jane Roe'; DROP TABLE study;--"  # Artist
    exif.get_ifd(0x8825)[1] = "N"  # GPS latitude reference
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>Roe</x:xmpmeta>"
    data = save(scene(), "JPEG", exif=exif, comment=b"Roe " * 15_000, xmp=xmp, dpi=(71, 71), icc_profile=b"Roe" * 50)
    assert data.count(b"Roe") > 15_000
    clean = models.encode_image(decoded(data), media_type)
    for trace in (b"Roe", b"script", b"Exif", b"xmpmeta", b"DROP"):
        assert trace not in clean
    with Image.open(io.BytesIO(clean)) as image:
        assert not image.getexif()
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert image.info.get("jfif_density", (1, 1)) == (1, 1)


def test_png_text_does_not_survive_either():
    from PIL.PngImagePlugin import PngInfo

    notes = PngInfo()
    notes.add_text("Comment", "Jane Roe")
    notes.add_itxt("XML:com.adobe.xmp", "<x>Jane Roe</x>")
    clean = models.encode_image(decoded(save(scene(), "PNG", pnginfo=notes)), "image/png")
    assert b"Roe" not in clean
    assert np.array_equal(decoded(clean), scene())


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/png"])
def test_what_was_encoded_is_decoded_with_the_same_media_type(media_type):
    found = models.decode_image(models.encode_image(scene(), media_type))
    assert found.media_type == media_type
    assert np.abs(found.pixels.astype(int) - scene()).max() <= (0 if media_type == "image/png" else 8)


def grey_scene() -> np.ndarray:
    """A scene whose three channels are alike."""
    return np.repeat(scene()[..., 1:2], 3, axis=2)


def test_grey_pixels_become_a_grey_png_that_decodes_to_the_same():
    data = models.encode_image(grey_scene(), "image/png")
    assert Image.open(io.BytesIO(data)).mode == "L"
    assert np.array_equal(decoded(data), grey_scene())


def test_a_grey_jpeg_decodes_to_what_one_in_colour_does():
    data = models.encode_image(grey_scene(), "image/jpeg")
    assert Image.open(io.BytesIO(data)).mode == "L"
    assert np.array_equal(decoded(data), decoded(save(grey_scene(), "JPEG", quality=95, subsampling=0)))


def test_one_coloured_pixel_keeps_its_colour():
    pixels = grey_scene()
    pixels[7, 9] = (10, 20, 30)
    assert np.array_equal(decoded(models.encode_image(pixels, "image/png")), pixels)


def test_an_opaque_and_a_transparent_pixel_are_encoded_as_they_are():
    pixels = np.array([[(1, 2, 3, 255), (4, 5, 6, 0)]] * 2, np.uint8)
    with Image.open(io.BytesIO(models.encode_image(pixels, "image/png"))) as image:
        assert np.array_equal(np.asarray(image), pixels)


@pytest.mark.parametrize(("height", "width"), [(48, 64), (700, 1200), (1, 8), (5000, 640)])
def test_pixels_taken_in_strips_are_those_of_the_image(height, width):
    pixels = noise(height, width)
    assert np.array_equal(copy_pixels(Image.fromarray(pixels)), pixels)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize(
    ("height", "width", "shown"), [(301, 1201, (50, 200)), (1202, 302, (200, 50)), (90, 60, (90, 60))]
)
def test_for_showing_it_is_decoded_small(kind, height, width, shown):
    data = save(scene(height, width), kind)
    (frame,) = models.read_file(data)
    found = models.read_stored(frame.stored, frame.stored_orientation, max_side=200)
    assert found.shape == (*shown, 3)
    assert np.abs(found.astype(int) - imaging.shrink(decoded(data), 200)).max() <= 6


def test_a_turned_photo_is_shown_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = save(scene(300, 1200), "JPEG", exif=exif)
    (frame,) = models.read_file(data)
    found = models.read_stored(frame.stored, frame.stored_orientation, max_side=200)
    assert found.shape == (200, 50, 3)
    assert np.abs(found.astype(int) - imaging.shrink(decoded(data), 200)).max() <= 6


@pytest.mark.parametrize(
    ("height", "width", "read"),
    [
        (48, 64, (48, 64)),
        (2559, 3000, (2559, 3000)),
        (2560, 4001, (1280, 2000)),
        (5120, 5121, (1280, 1280)),
        (1250, 10_000, (1250, 10_000)),
    ],
)
def test_large_pictures_are_read_in_whole_parts_of_their_size(height, width, read):
    assert models.shrink_to_read(np.zeros((height, width, 3), np.uint8)).shape == (*read, 3)


def test_read_pixels_are_means():
    pixels = noise(2560, 2560)
    means = pixels.reshape(1280, 2, 1280, 2, 3).mean(axis=(1, 3))
    assert np.abs(models.shrink_to_read(pixels) - means).max() <= 1


def half(mode: str, dark, bright) -> Image.Image:
    """Left half of one value, right half of another."""
    image = Image.new(mode, (64, 48), dark)
    image.paste(bright, (32, 0, 64, 48))
    return image


@pytest.mark.parametrize(
    ("image", "left", "right"),
    [
        (half("1", 0, 1), (0, 0, 0), (255, 255, 255)),
        (half("L", 10, 200), (10, 10, 10), (200, 200, 200)),
        (half("LA", (200, 255), (200, 0)), (200, 200, 200), (0, 0, 0)),
        (half("RGBA", (10, 20, 30, 255), (250, 250, 250, 0)), (10, 20, 30), (0, 0, 0)),
        (half("RGBA", (200, 100, 50, 128), (1, 2, 3, 255)), (100, 50, 25), (1, 2, 3)),
        (half("I;16", 100, 60_100), (0, 0, 0), (255, 255, 255)),
    ],
    ids=["1", "L", "LA", "RGBA", "half transparent", "I;16"],
)
def test_png_modes_become_rgb_on_black(image, left, right):
    found = decoded(save(image, "PNG"))
    assert np.abs(found[:, :32].astype(int) - left).max() <= 1
    assert np.abs(found[:, 32:].astype(int) - right).max() <= 1


@pytest.mark.parametrize("form", ["one index", "alpha of each index"])
def test_a_transparent_palette_colour_is_laid_on_black(form):
    image = half("P", 0, 1)
    image.putpalette([9, 90, 200, 255, 255, 255])
    found = decoded(save(image, "PNG", transparency=1 if form == "one index" else b"\xff\x00"))
    assert (found[0, 0] == (9, 90, 200)).all()
    assert (found[0, -1] == 0).all()


@pytest.mark.parametrize(("mode", "clear"), [("L", 200), ("RGB", (250, 250, 250))])
def test_a_transparent_colour_without_alpha_channel_is_laid_on_black(mode, clear):
    dark = 10 if mode == "L" else (10, 10, 10)
    found = decoded(save(half(mode, dark, clear), "PNG", transparency=clear))
    assert (found[0, 0] == 10).all()
    assert (found[0, -1] == 0).all()


def test_sixteen_bit_grey_is_scaled_and_not_clipped():
    ramp = np.linspace(1_000, 5_000, 64).astype(np.uint16) * np.ones((48, 1), np.uint16)
    found = decoded(save(Image.fromarray(ramp), "PNG"))[0, :, 0].astype(int)
    assert (found[0], found[-1]) == (0, 255)
    assert (np.diff(found) > 0).all(), "grey levels were merged"


def test_sixteen_bit_grey_of_one_value_is_black():
    assert not decoded(save(Image.fromarray(np.full((48, 64), 700, np.uint16)), "PNG")).any()


def test_sixteen_bit_colour_keeps_its_high_bytes():
    line = b"\x00" + b"".join(bytes([value, 7, 0, 7, 255, 7]) for value in range(64))
    found = decoded(png(64, 40, depth=16, rows=line * 40))
    assert (found[:, :, 0] == np.arange(64)).all()
    assert (found[:, :, 1] == 0).all()
    assert (found[:, :, 2] == 255).all()


@pytest.mark.parametrize(
    ("mode", "value", "colour"), [("CMYK", (0, 255, 255, 0), (255, 0, 0)), ("L", 99, (99, 99, 99))]
)
def test_jpeg_modes_become_rgb(mode, value, colour):
    found = decoded(save(Image.new(mode, (64, 48), value), "JPEG", quality=98))
    assert np.abs(found.astype(int) - colour).max() <= 3


@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("shape", SHAPES)
def test_prepared_pictures_have_the_shape_and_range_that_networks_read(fit, shape):
    picture = np.zeros((*shape, 3), np.uint8)
    picture[shape[0] // 2 :] = 255
    batch = prepare(picture, InputSpec(96, 128, fit))
    assert batch.shape == (1, 96, 128, 3)
    assert batch.dtype == np.float32
    assert (batch.min(), batch.max()) == (0, 255)


@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_plain_picture_stays_plain(fit, shape):
    batch = prepare(np.full((*shape, 3), 77, np.uint8), InputSpec(96, 96, fit))
    assert set(np.unique(batch)) <= ({0.0, 77.0} if fit == "pad" else {77.0})


def test_pad_adds_black_on_both_sides_only():
    batch = prepare(np.full((50, 100, 3), 200, np.uint8), InputSpec(80, 80, "pad"))[0]
    assert (batch[:20] == 0).all()
    assert (batch[20:60] == 200).all()
    assert (batch[60:] == 0).all()


def test_crop_takes_the_centre():
    picture = np.zeros((100, 300, 3), np.uint8)
    picture[:, 100:200] = 200
    assert (prepare(picture, InputSpec(64, 64, "crop")) == 200).all()


def test_stretch_shows_the_whole_picture():
    picture = np.zeros((100, 300, 3), np.uint8)
    picture[:, 150:] = 200
    batch = prepare(picture, InputSpec(64, 64, "stretch"))[0]
    assert (batch[:, :32] == 0).all()
    assert (batch[:, 32:] == 200).all()


@pytest.mark.parametrize(
    ("shape", "fit", "box"),
    [
        ((70, 200), "stretch", (0, 0, 1, 1)),
        ((100, 100), "pad", (0, 0, 1, 1)),
        ((100, 200), "pad", (0.25, 0, 0.75, 1)),
        ((200, 100), "pad", (0, 0.25, 1, 0.75)),
        ((100, 200), "crop", (0, -0.5, 1, 1.5)),
        ((200, 100), "crop", (-0.5, 0, 1.5, 1)),
    ],
)
def test_visible_box(shape, fit, box):
    assert visible_box(*shape, InputSpec(192, 192, fit)) == pytest.approx(box)


@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("shape", [(100, 160), (160, 100), (330, 250), (60, 60)])
def test_a_dot_lands_where_the_visible_box_says(fit, shape):
    spec = InputSpec(96, 128, fit)
    height, width = shape
    y, x = height * 0.55, width * 0.45
    rows, columns = np.mgrid[0:height, 0:width] + 0.5
    dot = 255 * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * (min(shape) / 15) ** 2))
    batch = prepare(np.repeat(dot[..., None], 3, axis=2).astype(np.uint8), spec)[0, :, :, 0]
    top, left, bottom, right = visible_box(*shape, spec)
    weights = batch / batch.sum()
    found_y = (weights.sum(axis=1) * (np.arange(96) + 0.5)).sum() / 96
    found_x = (weights.sum(axis=0) * (np.arange(128) + 0.5)).sum() / 128
    # Crops and pads are whole pixels: half of one may be lost.
    assert found_y == pytest.approx(top + 0.55 * (bottom - top), abs=0.012)
    assert found_x == pytest.approx(left + 0.45 * (right - left), abs=0.012)


def test_evened_out_light_takes_a_cast_away_and_leaves_white_light_as_it_is():
    grey = np.repeat(noise(40, 40)[..., :1], 3, axis=2)
    assert imaging.even_out_light(grey) == pytest.approx(grey, abs=0.01)
    warm = grey * np.array([1.0, 0.8, 0.6])
    evened = imaging.even_out_light(warm)
    assert np.ptp(evened.mean(axis=(0, 1))) < 0.05 * evened.mean()
    assert imaging.even_out_light(np.zeros((8, 8, 3), np.uint8)).max() == 0


def test_only_a_network_that_learned_so_reads_evened_out_light():
    warm = (noise(48, 48) * np.array([1.0, 0.8, 0.6])).astype(np.uint8)
    plain, evened = (prepare(warm, InputSpec(24, 24, "crop", colour))[0] for colour in ("as_is", "evened_out"))
    assert evened == pytest.approx(imaging.even_out_light(plain), abs=0.01)
    assert np.abs(evened - plain).max() > 5
