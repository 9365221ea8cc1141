"""Colour profiles: read as numbers, written anew, and pixels converted to sRGB."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

import models
from models.decoders.colour import find_profile, find_table
from models.decoders.profile import DISPLAY_P3, Profile, UnfitProfile, read_profile
from tests.bad_files import chunk
from tests.ml.files import framed, save
from tests.ml.pictures import GREY_GAMMA_18, grain, srgb_icc

ADOBE_RGB = Profile(
    ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446)),
    (tuple(round(65535 * (n / 255) ** 2.19921875) for n in range(256)),) * 3,
)


def to_srgb(pixels: np.ndarray, icc: bytes) -> np.ndarray:
    """As Pillow converts with the whole profile."""
    profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    target = ImageCms.createProfile("sRGB")
    options = {"renderingIntent": ImageCms.Intent.RELATIVE_COLORIMETRIC, "outputMode": "RGB"}
    return np.asarray(ImageCms.profileToProfile(Image.fromarray(pixels), profile, target, **options))


@pytest.mark.parametrize("profile", [DISPLAY_P3, ADOBE_RGB], ids=lambda profile: profile.name)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_colours_are_converted_to_srgb(kind, profile):
    options = {"JPEG": {"quality": 98, "subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
    frame = framed(save(grain(), kind, icc_profile=profile.icc, **options))
    plain = framed(save(grain(), kind, **options)).pixels
    assert frame.facts.colour_profile == profile.name
    assert np.abs(frame.pixels.astype(int) - to_srgb(plain, profile.icc)).max() <= 1
    assert np.abs(frame.pixels.astype(int) - plain).max() > 10


def test_greys_stay_grey():
    levels = np.repeat(np.arange(256, dtype=np.uint8)[np.newaxis], 64, axis=0)
    frame = framed(save(Image.fromarray(levels), "PNG", icc_profile=GREY_GAMMA_18.icc))
    assert (frame.pixels == frame.pixels[..., :1]).all()
    assert (np.diff(frame.pixels[0, :, 0].astype(int)) >= 0).all()
    assert frame.pixels[0, 100, 0] > 100, "a gamma of 1.8 is brighter in sRGB"


@pytest.mark.parametrize("profile", [DISPLAY_P3, ADOBE_RGB, GREY_GAMMA_18], ids=lambda profile: profile.name)
def test_a_profile_written_anew_holds_the_same_numbers(profile):
    again = read_profile(profile.icc)
    assert again.curves == profile.curves
    assert again.name == profile.name
    if profile.colorants:
        assert np.abs(np.subtract(again.colorants, profile.colorants)).max() < 1e-4
    assert read_profile(again.icc) == again
    assert ImageCms.getProfileName(ImageCms.ImageCmsProfile(io.BytesIO(profile.icc))).strip() == profile.name


def curve(kind: int, *numbers: float) -> bytes:
    fixed = b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)
    return b"para" + bytes(4) + struct.pack(">HH", kind, 0) + fixed


def with_curves(tag: bytes) -> bytes:
    """Display P3 with this curve for all channels, at the end of the file."""
    icc = DISPLAY_P3.icc
    place = len(icc)
    count = struct.unpack_from(">I", icc, 128)[0]
    changed = bytearray(icc)
    for index in range(count):
        name = icc[132 + 12 * index : 136 + 12 * index]
        if name.endswith(b"TRC"):
            struct.pack_into(">II", changed, 136 + 12 * index, place, len(tag))
    return bytes(changed) + tag


SRGB = [(n / 255) / 12.92 if n / 255 <= 0.04045 else ((n / 255 + 0.055) / 1.055) ** 2.4 for n in range(256)]


@pytest.mark.parametrize(
    ("tag", "wanted"),
    [
        (curve(0, 2.2), [(n / 255) ** 2.2 for n in range(256)]),
        (curve(1, 2.0, 2.0, -1.0), [max(0, 2 * n / 255 - 1) ** 2 for n in range(256)]),
        (curve(2, 2.0, 0.9, 0.0, 0.1), [(0.9 * n / 255) ** 2 + 0.1 for n in range(256)]),
        (curve(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045), SRGB),
        (curve(4, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045, 0.0, 0.0), SRGB),
        (b"curv" + bytes(8), [n / 255 for n in range(256)]),
        (b"curv" + bytes(4) + struct.pack(">IH", 1, 512), [(n / 255) ** 2 for n in range(256)]),
        (b"curv" + bytes(4) + struct.pack(">I3H", 3, 0, 16384, 65535), None),
    ],
    ids=["gamma", "CIE 122", "IEC 61966-3", "sRGB", "sRGB, long", "straight", "one number", "table"],
)
def test_curves_of_every_type(tag, wanted):
    light = np.divide(read_profile(with_curves(tag)).curves[0], 65535)
    if wanted is None:
        assert light[[0, 255]].tolist() == [0, 1]
        assert light[127] == pytest.approx(0.249, abs=0.002)
    else:
        assert np.abs(light - wanted).max() < 2e-4


@pytest.mark.parametrize(
    "icc",
    [
        b"",
        b"icc" * 90,
        DISPLAY_P3.icc[:200],
        DISPLAY_P3.icc.replace(b"rXYZ", b"xXYZ"),
        DISPLAY_P3.icc.replace(b"XYZ \0", b"ABC \0"),
        with_curves(curve(9, 1.0)),
        with_curves(curve(0, -3.0)),
        with_curves(b"curv" + bytes(4) + struct.pack(">I2H", 2, 65535, 0)),
        with_curves(b"curv" + bytes(4) + struct.pack(">I", 4_000_000_000)),
        with_curves(b"text"),
        DISPLAY_P3.icc[:128] + b"\xff\xff\xff\xff" + DISPLAY_P3.icc[132:],
    ],
    ids=range(11),
)
def test_broken_profiles_are_left_out(icc):
    with pytest.raises(UnfitProfile):
        read_profile(icc)
    assert find_profile(icc, "RGB") is None
    assert find_table(icc, "RGB") is None
    assert np.array_equal(framed(save(grain(), "PNG", icc_profile=icc or None)).pixels, grain())


def test_srgb_by_any_name_changes_nothing():
    assert find_profile(srgb_icc(), "RGB") is None
    frame = framed(save(grain(), "PNG", icc_profile=srgb_icc()))
    assert np.array_equal(frame.pixels, grain())


def test_a_profile_for_other_samples_is_left_out():
    assert find_profile(DISPLAY_P3.icc, "GRAY") is None
    assert find_profile(GREY_GAMMA_18.icc, "RGB") is None
    grey = Image.fromarray(grain()[..., 0])
    assert np.array_equal(framed(save(grey, "PNG", icc_profile=DISPLAY_P3.icc)).pixels[..., 0], grain()[..., 0])


def test_display_p3_by_number():
    """cICP, as new phones and browsers write it."""
    data = save(grain(), "PNG")
    by_number = framed(data[:33] + chunk(b"cICP", bytes([12, 13, 0, 1])) + data[33:])
    assert by_number.facts.colour_profile == "Display P3"
    assert np.array_equal(by_number.pixels, framed(save(grain(), "PNG", icc_profile=DISPLAY_P3.icc)).pixels)


def test_a_profile_in_several_parts_of_a_jpeg_and_one_that_is_not_all_there():
    plain = save(grain(), "JPEG")
    icc, half = DISPLAY_P3.icc, len(DISPLAY_P3.icc) // 2

    def part(number: int, content: bytes) -> bytes:
        body = b"ICC_PROFILE\0" + bytes([number, 2]) + content
        return b"\xff\xe2" + struct.pack(">H", len(body) + 2) + body

    whole = plain[:2] + part(2, icc[half:]) + part(1, icc[:half]) + plain[2:]
    assert framed(whole).facts.colour_profile == "Display P3"
    assert models.read_file(plain[:2] + part(2, icc[half:]) + plain[2:])[0].facts.colour_profile == "sRGB"


def table_icc(space: bytes) -> bytes:
    """A version 2 profile of one table from ink or light to grey Lab (ICC.1:2001-04, 6.5.8: lut8Type)."""
    channels = 4 if space == b"CMYK" else 3
    nodes = np.indices((2,) * channels).reshape(channels, -1).T
    light = (1 - nodes).prod(axis=1) if space == b"CMYK" else nodes.mean(axis=1)
    grid = b"".join(bytes([round(255 * value), 128, 128]) for value in light)
    straight = bytes(range(256))
    one = [65536 if row == column else 0 for row in range(3) for column in range(3)]
    lut = b"mft1" + bytes(4) + bytes([channels, 3, 2, 0]) + struct.pack(">9i", *one)
    lut += straight * channels + grid + straight * 3
    header = struct.pack(">I4sI4s4s4s", 144 + len(lut), b"", 0x02400000, b"prtr", space, b"Lab ") + bytes(12) + b"acsp"
    header += bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + struct.pack(">I4sII", 1, b"A2B0", 144, len(lut)) + lut


@pytest.mark.parametrize(("space", "mode"), [(b"CMYK", "CMYK"), (b"RGB ", "RGB")])
@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_a_profile_that_converts_by_a_table_is_applied_and_pixels_are_stored(kind, space, mode):
    icc = table_icc(space)
    frame = framed(save(Image.fromarray(grain()).convert(mode), kind, icc_profile=icc))
    assert frame.facts.colour_profile == f"{mode} by table"
    assert frame.media_type == "image/png"
    assert b"mft1" not in frame.stored
    assert np.ptp(frame.pixels.astype(int), axis=2).max() <= 2, "this profile knows only greys"
    assert np.ptp(frame.pixels) > 60


def test_a_table_for_other_samples_is_left_out():
    assert find_table(table_icc(b"CMYK"), "RGB") is None
    assert find_table(table_icc(b"RGB "), "GRAY") is None
    assert find_table(table_icc(b"RGB ")[:300], "RGB") is None
