"""Image files built by code, good ones and bad ones, and what every refusal must look like."""

import io
import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

import models
from app.wording.files import unreadable_text
from tests.bad_files import PNG_SIGNATURE, chunk


def scene(height: int = 48, width: int = 64) -> np.ndarray:
    """A picture that looks different from every side: uint8 RGB [height, width, 3]."""
    rows, columns = np.mgrid[0:height, 0:width]
    red, green = 255 * columns / (width - 1), 255 * rows / (height - 1)
    return np.stack([red, green, 255 - (red + green) / 2], axis=-1).astype(np.uint8)


def noise(height: int = 48, width: int = 64, seed: int = 0) -> np.ndarray:
    """Uint8 RGB noise [height, width, 3]: nothing of it can be compressed away."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def save(image: Image.Image | np.ndarray, kind: str, **options) -> bytes:
    """The picture as a file of this kind, by Pillow."""
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def png(width: int, height: int, *, depth: int = 8, colour: int = 2, rows: bytes = b"", extra: bytes = b"") -> bytes:
    """A PNG file by hand: the header may claim any size, whatever `rows` (filter byte and samples each) hold."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return PNG_SIGNATURE + header + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def assert_sentence(message: str) -> None:
    """Words that a user may read: one or more sentences, without paths, types or memory addresses."""
    assert re.fullmatch(r"[A-Z][^\n]{15,250}\.", message), message
    assert not re.search(r"Traceback|Error\b|0x[0-9a-f]{4}|<class|/home|/tmp|site-packages", message), message


def refusal(data: bytes) -> str:
    """The sentence with which `decode_image` refuses these bytes; fails when it takes them."""
    with pytest.raises(models.UnreadableImage) as caught:
        models.decode_image(data)
    sentence = unreadable_text(caught.value.code, caught.value.values)
    assert_sentence(sentence)
    return sentence


def refused(data: bytes) -> models.UnreadableCode:
    """The code with which `read_file` refuses these bytes; fails when it takes them."""
    with pytest.raises(models.UnreadableImage) as caught:
        models.read_file(data)
    assert_sentence(unreadable_text(caught.value.code, caught.value.values))
    return caught.value.code


def framed(data: bytes) -> models.Frame:
    """The one frame of a file; what it stores gives its pixels again, bit for bit."""
    (frame,) = models.read_file(data)
    assert frame.pixels.dtype == np.uint8
    assert frame.pixels.shape[2:] == (3,)
    assert np.array_equal(models.read_stored(frame.stored, frame.stored_orientation), frame.pixels)
    return frame
