"""Files of every format that is read, built by code, and parts to build attacks from."""

import io
import struct
import zipfile
import zlib
from functools import cache

import cv2
import numpy as np
import pillow_heif
from PIL import Image, ImageCms

from models.decoders.profile import DISPLAY_P3, Profile
from tests.bad_files import PNG_SIGNATURE, chunk
from tests.ml.files import save, scene

GREY_GAMMA_18 = Profile((), (tuple(round(65535 * (n / 255) ** 1.8) for n in range(256)),))


@cache
def grain(height: int = 120, width: int = 160) -> np.ndarray:
    """A picture with detail everywhere: uint8 RGB [height, width, 3]."""
    noise = np.random.default_rng(3).normal(0, 12, (height, width, 3))
    return np.clip(scene(height, width) + noise, 0, 255).astype(np.uint8)


def deep_png(samples: np.ndarray, extra: bytes = b"") -> bytes:
    """A 16-bit PNG of uint16 samples [h, w] or [h, w, 1 to 4]."""
    height, width, channels = (*samples.shape, 1)[:3]
    header = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    body = chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return PNG_SIGNATURE + body


def deep(pixels: np.ndarray) -> np.ndarray:
    """uint8 -> uint16 on the whole range of 16 bits."""
    return pixels.astype(np.uint16) * 257


def pages(*images: Image.Image, **options) -> bytes:
    return save(images[0], "TIFF", save_all=True, append_images=images[1:], **options)


def srgb_icc() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("smuggled.txt", "smuggled " * 40)
    return file.getvalue()


def deep_tiff(samples: np.ndarray, orientation: int = 1) -> bytes:
    """A 16-bit TIFF of uint16 RGB or RGBA samples, stored as they are, whatever the orientation says."""
    order = cv2.COLOR_RGBA2BGRA if samples.shape[2] == 4 else cv2.COLOR_RGB2BGR
    data = cv2.imencode(".tiff", cv2.cvtColor(samples, order))[1].tobytes()
    start = struct.unpack("<I", data[4:8])[0]
    count = struct.unpack_from("<H", data, start)[0]
    directory = data[start + 2 : start + 2 + 12 * count] + struct.pack("<HHII", 274, 3, 1, orientation)
    # The same directory once more behind the pixels, with the orientation in it, in order of tags.
    fields = [directory[n : n + 12] for n in range(0, len(directory), 12)]
    fields.sort(key=lambda field: struct.unpack("<H", field[:2]))
    ending = struct.pack("<H", len(fields)) + b"".join(fields) + bytes(4)
    return data[:4] + struct.pack("<I", len(data)) + data[8:] + ending


def hand_tiff(*pages: dict[int, int], next_of_last: int = 0) -> bytes:
    """A TIFF of grey pages, 64 x 48 pixels of the shade that is a page's number; `pages`: fields to add or change."""
    data = b"II*\0" + struct.pack("<I", 8)
    for number, changes in enumerate(pages):
        fields = {256: 64, 257: 48, 258: 8, 259: 1, 262: 1, 273: 0, 277: 1, 278: 48, 279: 64 * 48} | changes
        pixels = len(data) + 2 + 12 * len(fields) + 4
        fields[273] = fields[273] or pixels
        following = pixels + 64 * 48 if number + 1 < len(pages) else next_of_last
        entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(fields.items()))
        data += (
            struct.pack("<H", len(fields)) + entries + struct.pack("<I", following) + bytes([number % 256]) * 64 * 48
        )
    return data


def heif(*pictures: np.ndarray, **options) -> bytes:
    """A HEIC of one picture or several."""
    file, heif_file = io.BytesIO(), pillow_heif.HeifFile()
    for picture in pictures:
        heif_file.add_from_pillow(Image.fromarray(picture))
    heif_file.save(file, **options)
    return file.getvalue()


@cache
def every_kind() -> dict[str, bytes]:
    """Name -> one file of each kind that is read, all of the same picture, some of it in grey."""
    colour = Image.fromarray(grain())
    grey, clear = colour.convert("L"), colour.convert("RGBA")
    clear.putalpha(Image.fromarray(grain()[..., 0]))
    p3 = DISPLAY_P3.icc
    return {
        "jpeg": save(colour, "JPEG", quality=75),
        "jpeg 4:4:4": save(colour, "JPEG", quality=90, subsampling=0),
        "jpeg 4:2:2, odd size": save(colour.crop((0, 0, 133, 97)), "JPEG", subsampling=1),
        "jpeg progressive": save(colour, "JPEG", progressive=True),
        "jpeg optimised": save(colour, "JPEG", optimize=True),
        "jpeg with restarts": save(colour, "JPEG", restart_marker_blocks=2),
        "jpeg grey": save(grey, "JPEG"),
        "jpeg grey progressive": save(grey, "JPEG", progressive=True),
        "jpeg cmyk": save(colour.convert("CMYK"), "JPEG"),
        "jpeg rgb": save(colour, "JPEG", keep_rgb=True),
        "jpeg display p3": save(colour, "JPEG", icc_profile=p3),
        "jpeg srgb profile": save(colour, "JPEG", icc_profile=srgb_icc()),
        "jpeg grey profile": save(grey, "JPEG", icc_profile=GREY_GAMMA_18.icc),
        "png": save(colour, "PNG"),
        "png grey": save(grey, "PNG"),
        "png bilevel": save(grey.convert("1"), "PNG"),
        "png grey and alpha": save(clear.convert("LA"), "PNG"),
        "png rgba": save(clear, "PNG"),
        "png palette": save(colour.quantize(16), "PNG", transparency=3),
        "png display p3": save(colour, "PNG", icc_profile=p3),
        "png 16 bits grey": deep_png(deep(grain()[..., 0])),
        "png 16 bits grey and alpha": deep_png(deep(grain()[..., :2])),
        "png 16 bits": deep_png(deep(grain())),
        "png 16 bits rgba": deep_png(deep(np.dstack([grain(), grain()[..., 0]]))),
        "webp": save(colour, "WEBP", quality=80),
        "webp lossless": save(colour, "WEBP", lossless=True),
        "webp alpha": save(clear, "WEBP"),
        "webp display p3": save(colour, "WEBP", icc_profile=p3),
        "tiff": save(colour, "TIFF"),
        "tiff lzw": save(colour, "TIFF", compression="tiff_lzw"),
        "tiff deflate": save(colour, "TIFF", compression="tiff_deflate"),
        "tiff jpeg": save(colour, "TIFF", compression="jpeg"),
        "tiff grey": save(grey, "TIFF"),
        "tiff fax": save(grey.convert("1"), "TIFF", compression="group4"),
        "tiff cmyk": save(colour.convert("CMYK"), "TIFF"),
        "tiff palette": save(colour.quantize(16), "TIFF"),
        "tiff 16 bits grey": save(Image.fromarray(deep(grain()[..., 0])), "TIFF", compression="tiff_lzw"),
        "tiff 16 bits": deep_tiff(deep(grain())),
        "tiff 16 bits rgba": deep_tiff(deep(np.dstack([grain(), grain()[..., 0]]))),
        "tiff float": save(Image.fromarray(grain()[..., 0].astype(np.float32)), "TIFF"),
        "tiff display p3": save(colour, "TIFF", icc_profile=p3),
        "bmp": save(colour, "BMP"),
        "bmp grey": save(grey, "BMP"),
        "bmp palette": save(colour.quantize(16), "BMP"),
        "heic": heif(grain(), quality=80),
    }
