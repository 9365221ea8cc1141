"""More than eight bits become eight by one rule, in every format."""

import numpy as np
import pytest
from PIL import Image

from models.decoders.window import window_samples
from tests.ml.files import framed, save
from tests.ml.pictures import deep_png, grain, hand_tiff

FILM = grain()[..., 0]  # 0 to 255
TWELVE = (FILM.astype(np.uint16) << 4) + 300


def test_the_window_goes_from_the_low_to_the_high_percentile():
    ramp = np.repeat(np.arange(10_000, dtype=np.uint16)[np.newaxis], 32, axis=0)
    shown = window_samples(ramp)[0].astype(int)
    assert (shown[:50] == 0).all()
    assert (shown[-50:] == 255).all()
    assert shown[5_000] == pytest.approx(127.5, abs=0.5)
    assert (np.diff(shown) >= 0).all()


@pytest.mark.parametrize("value", [0, 65_535])
def test_a_dead_or_hot_pixel_changes_no_other(value):
    broken = TWELVE.copy()
    broken[40, 40] = value
    difference = np.abs(window_samples(broken).astype(int) - window_samples(TWELVE))
    difference[40, 40] = 0
    assert difference.max() <= 1


@pytest.mark.parametrize("label", [4_095 + 3_000, 20_000, 65_535])
def test_a_saturated_label_changes_no_other_pixel(label):
    marked = TWELVE.copy()
    marked[4:24, 4:44] = label  # 4 % of the picture
    shown, plain = window_samples(marked).astype(int), window_samples(TWELVE).astype(int)
    shown[4:24, 4:44] = plain[4:24, 4:44]
    assert np.abs(shown - plain).max() <= 6
    assert (window_samples(marked)[4:24, 4:44] == 255).all()


def test_what_is_bright_in_much_of_a_picture_is_no_label():
    half = TWELVE.copy()
    half[:60] = 30_000
    assert window_samples(half)[70:].max() < 60


def test_transparent_pixels_do_not_count():
    alpha = np.full(FILM.shape, 65_535, np.uint16)
    alpha[:, :40] = 0
    samples = TWELVE.copy()
    samples[:, :40] = 65_535
    clear = framed(deep_png(np.dstack([samples, alpha]))).pixels
    assert not clear[:, :40].any(), "transparent is black"
    assert np.array_equal(clear[:, 40:, 0], framed(deep_png(TWELVE[:, 40:])).pixels[..., 0])


def test_a_picture_that_is_all_transparent_is_black():
    assert not framed(deep_png(np.dstack([TWELVE, np.zeros_like(TWELVE)]))).pixels.any()


def test_colours_keep_their_order():
    colours = np.stack([TWELVE, TWELVE // 2, TWELVE // 4], axis=-1)
    shown = framed(deep_png(colours)).pixels.astype(int)
    assert (shown[..., 0] >= shown[..., 1]).all()
    assert (shown[..., 1] >= shown[..., 2]).all()


@pytest.mark.parametrize("kind", ["grey", "rgb", "tiff"])
def test_every_format_is_windowed_alike(kind):
    data = {
        "grey": deep_png(TWELVE),
        "rgb": deep_png(np.dstack([TWELVE] * 3)),
        "tiff": save(Image.fromarray(TWELVE), "TIFF"),
    }[kind]
    assert np.array_equal(framed(data).pixels, framed(deep_png(TWELVE)).pixels)


def test_the_same_film_in_eight_and_twelve_bits_differs_by_the_window_alone():
    """A straight line leads from one to the other: no grey level is lost between the percentiles."""
    shown = framed(deep_png(TWELVE)).pixels[..., 0].astype(float)
    inside = (shown > 0) & (shown < 255)
    slope, start = np.polyfit(FILM[inside], shown[inside], 1)
    assert np.abs(shown[inside] - (slope * FILM[inside] + start)).max() <= 1
    assert 1 <= slope < 1.1


def test_floats_and_negative_numbers_are_windowed_too():
    values = (FILM.astype(np.float32) - 100) / 7
    shown = framed(save(Image.fromarray(values), "TIFF")).pixels[..., 0].astype(int)
    assert np.abs(shown - framed(deep_png(FILM.astype(np.uint16))).pixels[..., 0]).max() <= 1
    signed = Image.fromarray(FILM.astype(np.int32) - 1000)
    assert np.abs(framed(save(signed, "TIFF")).pixels[..., 0].astype(int) - shown).max() <= 1


def test_one_value_alone_is_black():
    assert not framed(hand_tiff({})).pixels.any()
    assert not window_samples(np.full((40, 40), 900, np.uint16)).any()
