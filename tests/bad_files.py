"""Files that an upload page must withstand, built by code."""

import io
import random
import struct
import zlib

import numpy as np
from PIL import Image

from tests.fakes import picture

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG = picture(kind="JPEG")
PNG = picture(kind="PNG")


def encoded(kind: str, *, mode: str = "RGB", size: tuple[int, int] = (64, 48), **options) -> bytes:
    """A small picture in any format that Pillow writes."""
    file = io.BytesIO()
    with Image.open(io.BytesIO(PNG)) as image:
        image.convert("RGB").resize(size).convert(mode).save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes, *, crc: int | None = None) -> bytes:
    check = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def header(width: int, height: int, depth: int = 1, colour: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


def one_bit_png(width: int, height: int, *, rows: int | None = None) -> bytes:
    """A black 1-bit PNG: megapixels in a few bytes. `rows` cuts the data short of what the header promises."""
    line = b"\0" * (1 + (width + 7) // 8)
    data = zlib.compress(line * (height if rows is None else rows), 9)
    return PNG_SIGNATURE + header(width, height) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def animated_png() -> bytes:
    frames = [Image.new("RGB", (64, 64), (shade, 0, 0)) for shade in (0, 120, 240)]
    file = io.BytesIO()
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
    return file.getvalue()


def multi_picture_jpeg() -> bytes:
    frames = [Image.new("RGB", (64, 64), (shade, 0, 0)) for shade in (0, 240)]
    file = io.BytesIO()
    frames[0].save(file, "MPO", save_all=True, append_images=frames[1:])
    return file.getvalue()


def flipped(data: bytes, seed: int) -> bytes:
    """The file with eight random bytes changed."""
    rng, changed = random.Random(seed), bytearray(data)
    for _ in range(8):
        changed[rng.randrange(len(changed))] ^= rng.randrange(1, 256)
    return bytes(changed)


def turned(orientation: int, kind: str) -> bytes:
    """One and the same upright picture, stored turned and with the EXIF orientation that turns it back."""
    pixels = np.asarray(Image.open(io.BytesIO(PNG)).convert("RGB"))
    undo = {
        1: lambda p: p,
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.transpose(1, 0, 2),
        6: lambda p: np.rot90(p, 1),
        7: lambda p: p[::-1, ::-1].transpose(1, 0, 2),
        8: lambda p: np.rot90(p, -1),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    options = {"quality": 98, "subsampling": 0} if kind == "JPEG" else {}
    Image.fromarray(np.ascontiguousarray(undo[orientation](pixels))).save(file, kind, exif=exif, **options)
    return file.getvalue()


def talkative_jpeg() -> bytes:
    """A JPEG whose metadata name a patient and a place, and hold a script and a large comment."""
    exif = Image.Exif()
    exif[0x010E] = "<script>alert('Jane Secret')</script>"
    exif[0x013B] = "'; DROP TABLE studies; --"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0)})
    file = io.BytesIO()
    with Image.open(io.BytesIO(JPEG)) as image:
        image.save(file, "JPEG", exif=exif, comment=b"Jane Secret " * 5000)
    return file.getvalue()


# What is refused by its content, whatever it is called: id of the case -> bytes.
REFUSED = {
    "U01 empty": b"",
    "U02 one byte": b"\xff",
    "U02 png signature alone": PNG_SIGNATURE,
    "U02 jpeg start alone": b"\xff\xd8",
    **{f"U03 jpeg cut at {share} %": JPEG[: len(JPEG) * share // 100] for share in (10, 50, 99)},
    **{f"U03 png cut at {share} %": PNG[: len(PNG) * share // 100] for share in (10, 50, 99)},
    "U05 html": b"<!doctype html><script>alert(1)</script>",
    "U05 text": b"Patient: Jane Secret\n" * 50,
    "U06 svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><foreignObject/></svg>',
    **{f"U07 {kind}": encoded(kind) for kind in ("EPS", "JPEG2000", "ICO", "GIF", "AVIF", "PDF")},
    "U07 PSD": b"8BPS\0\1" + b"\0" * 6 + struct.pack(">HIIHH", 3, 64, 64, 8, 3) + b"\0" * 400,
    "U07 FITS": b"SIMPLE  =                    T".ljust(2880),
    "U08 postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n(/etc/passwd) (r) file\n",
    "U10 bomb": one_bit_png(50_000, 50_000, rows=2000),
    "U11 above the warning of Pillow": one_bit_png(9500, 9500),
    "U11 above the error of Pillow": one_bit_png(9999, 19_000, rows=100),
    "U11 above 40 megapixels": one_bit_png(6400, 6400),
    "U12 strip": one_bit_png(65_500, 1),
    "U12 upright strip": one_bit_png(1, 65_500),
    "U12 1 x 1": encoded("PNG", size=(1, 1)),
    "U12 2 x 2": encoded("PNG", size=(2, 2)),
    "U12 31 x 31": encoded("PNG", size=(31, 31)),
    "U14 wrong crc": PNG_SIGNATURE + header(64, 64) + chunk(b"IDAT", zlib.compress(b"\0" * 576), crc=1),
    "U14 no data": PNG_SIGNATURE + header(64, 64) + chunk(b"IEND", b""),
    "U14 no end": PNG[:-12],
    "U14 0 x 0": PNG_SIGNATURE + header(0, 0) + chunk(b"IEND", b""),
    "U14 2^31 wide": PNG_SIGNATURE + header(2**31 - 1, 2**31 - 1) + chunk(b"IEND", b""),
    "U15 animation": animated_png(),
    "U15 animated gif": encoded("GIF", save_all=True, append_images=[Image.new("RGB", (64, 48))]),
}

# What is accepted, by a documented conversion.
ACCEPTED = {
    "U21 mode 1": encoded("PNG", mode="1"),
    "U21 mode L": encoded("PNG", mode="L"),
    "U21 mode LA": encoded("PNG", mode="LA"),
    "U21 mode P": encoded("PNG", mode="P", transparency=0),
    "U21 mode I;16": encoded("PNG", mode="I;16"),
    "U21 mode RGBA": encoded("PNG", mode="RGBA"),
    "U21 mode CMYK": encoded("JPEG", mode="CMYK"),
    "U15 second picture behind a jpeg": multi_picture_jpeg(),
    "U21 grey jpeg": encoded("JPEG", mode="L"),
    **{f"U07 {kind} called jpg": encoded(kind) for kind in ("TIFF", "WEBP", "BMP")},
    "U25 heavy compression": encoded("JPEG", size=(320, 240), quality=5),
}
