"""TIFF: one page or several, 8 bits and more. Each page is a frame; previews and masks are not.

Pillow decodes, but for colour of 16 bits, which it would cut: that OpenCV decodes. Both turn a page upright.
"""

import cv2
import numpy as np
import simplejpeg
from PIL import Image

from models.decoders.colour import convert, find_table, table_name, to_srgb
from models.decoders.errors import UnreadableCode, UnreadableImage
from models.decoders.limits import check_frames
from models.decoders.pillow import open_image, to_rgb
from models.decoders.samples import lay_on_black
from models.decoders.tiff_directory import BIG_TIFF, Directory, Tag, read_directories
from models.decoders.window import window_samples
from models.frame import Facts, Frame

MEDIA_TYPE = "image/tiff"
_WHITE_IS_ZERO, _RGB = 0, 2
_PHOTOMETRIC = {0: "MONOCHROME1", 1: "MONOCHROME2", 2: "RGB", 3: "PALETTE COLOR", 5: "CMYK", 6: "YBR_FULL"}
_OLD_JPEG, _JPEG = 6, 7


def matches(data: bytes) -> bool:
    """Whether these bytes begin as a TIFF does, BigTIFF too."""
    return data[:4] in (b"II*\0", b"MM\0*", *BIG_TIFF)


def read(data: bytes) -> tuple[Frame, ...]:
    """All pages of the file. Raises UnreadableImage."""
    directories = read_directories(data)
    check_frames([directory.size for directory in directories])
    for directory in directories:
        _check_jpeg(data, directory)
    with open_image(data, "TIFF") as image:
        return tuple(_read_page(data, image, directory, n) for n, directory in enumerate(directories))


def _read_page(data: bytes, image: Image.Image, directory: Directory, position: int) -> Frame:
    if directory.first(Tag.BITS_PER_SAMPLE, 1) == 16 and directory.first(Tag.SAMPLES_PER_PIXEL, 1) > 1:
        pixels, profile = convert(_decode_sixteen(data, directory), _icc(directory))
    else:
        pixels, profile = _decode_page(image, directory)
    orientation = directory.first(Tag.ORIENTATION, 1)
    orientation = orientation if 1 <= orientation <= 8 else 1
    facts = Facts(
        media_type=MEDIA_TYPE,
        orientation=orientation,
        bit_depth=directory.first(Tag.BITS_PER_SAMPLE, 1),
        photometric=_PHOTOMETRIC.get(directory.first(Tag.PHOTOMETRIC, 1), "RGB"),
        colour_profile=profile,
    )
    return Frame(pixels, position, facts)


def _icc(directory: Directory) -> bytes | None:
    return bytes(directory.fields.get(Tag.ICC_PROFILE, ())) or None


def _decode_page(image: Image.Image, directory: Directory) -> tuple[np.ndarray, str]:
    """uint8 RGB [h, w, 3] and the name of the space that they were in."""
    image.seek(directory.index)
    if image.mode == "CMYK" and (table := find_table(_icc(directory), "CMYK")):
        return to_srgb(np.asarray(image), table, "CMYK"), table_name("CMYK")
    is_deep = image.mode.startswith("I") or image.mode == "F"
    pixels = to_rgb(image)
    if is_deep and directory.first(Tag.PHOTOMETRIC, 1) == _WHITE_IS_ZERO:
        # Pillow turns black and white for 8 bits and less only.
        pixels = 255 - pixels
    return convert(pixels, _icc(directory), "GRAY" if directory.first(Tag.SAMPLES_PER_PIXEL, 1) < 3 else "RGB")


def _decode_sixteen(data: bytes, directory: Directory) -> np.ndarray:
    if directory.first(Tag.PHOTOMETRIC, 1) != _RGB:
        raise UnreadableImage(UnreadableCode.UNSUPPORTED_KIND, format="TIFF", kind="16 bits, neither grey nor RGB")
    page = (directory.index, directory.index + 1)
    is_read, pages = cv2.imdecodemulti(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED, range=page)
    samples: np.ndarray = pages[0] if is_read else np.empty(0)
    if samples.dtype != np.uint16 or samples.ndim != 3 or sorted(samples.shape[:2]) != sorted(directory.size):
        raise UnreadableImage(UnreadableCode.DAMAGED)
    alpha = samples[..., 3] if samples.shape[2] == 4 else None
    colours = samples[..., 2::-1]
    return lay_on_black(window_samples(colours, None if alpha is None else alpha > 0), alpha)


def _check_jpeg(data: bytes, directory: Directory) -> None:
    """Raises UnreadableImage where a strip or tile that is a JPEG is not whole: libtiff says nothing of it."""
    compression = directory.first(Tag.COMPRESSION, 1)
    if compression == _OLD_JPEG:
        raise UnreadableImage(UnreadableCode.UNSUPPORTED_KIND, format="TIFF", kind="old JPEG")
    if compression != _JPEG:
        return
    tables = bytes(directory.fields.get(Tag.JPEG_TABLES, ()))[:-2] or b"\xff\xd8"
    for start, length in directory.parts:
        try:
            simplejpeg.decode_jpeg(tables + data[start + 2 : start + length], "GRAY", strict=True)
        except ValueError as error:
            raise UnreadableImage(UnreadableCode.INCOMPLETE) from error
