"""Which formats are read. A file is known by its content, whatever its name says; a new format is one line here."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image

from models.decoders import bmp, heif, jpeg, png, tiff, webp
from models.decoders.dicom import signature as dicom
from models.decoders.errors import UnreadableCode, UnreadableImage
from models.frame import Frame


@dataclass(frozen=True)
class FileFormat:
    """`suffixes`: of file names, with the dot. `matches`: whether bytes begin as this format's do. `read`: all pictures
    of such a file. `is_installed`: whether the package that it needs is there."""

    name: str
    suffixes: tuple[str, ...]
    media_type: str
    matches: Callable[[bytes], bool]
    read: Callable[[bytes], tuple[Frame, ...]]
    is_installed: bool = True


JPEG = FileFormat("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), jpeg.MEDIA_TYPE, jpeg.matches, jpeg.read)
PNG = FileFormat("PNG", (".png",), png.MEDIA_TYPE, png.matches, png.read)
FORMATS = (
    # First: its preamble may hold the beginning of another format, often TIFF.
    FileFormat("DICOM", (".dcm", ".dicom"), dicom.MEDIA_TYPE, dicom.matches, dicom.read),
    JPEG,
    PNG,
    FileFormat("TIFF", (".tif", ".tiff"), tiff.MEDIA_TYPE, tiff.matches, tiff.read),
    FileFormat("WebP", (".webp",), webp.MEDIA_TYPE, webp.matches, webp.read),
    FileFormat("HEIC", (".heic", ".heif"), heif.MEDIA_TYPE, heif.matches, heif.read, heif.is_installed()),
    FileFormat("BMP", (".bmp", ".dib"), bmp.MEDIA_TYPE, bmp.matches, bmp.read),
)


def read_file(data: bytes, formats: Sequence[FileFormat] = FORMATS) -> tuple[Frame, ...]:
    """All pictures of a file, in its order.

    Raises UnreadableImage for a file of no such format, and for one that is damaged, incomplete, or beyond a limit.
    """
    if not data:
        raise UnreadableImage(UnreadableCode.EMPTY)
    recognised = next((known for known in formats if known.matches(data)), None)
    if recognised is None:
        raise UnreadableImage(UnreadableCode.UNKNOWN_FORMAT, formats=[known.name for known in formats])
    try:
        with warnings.catch_warnings():
            # Pillow only warns of some oddities (a bomb, broken EXIF): a bomb is refused, the others reach no log.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return recognised.read(data)
    except UnreadableImage:
        raise
    except MemoryError as error:
        raise UnreadableImage(UnreadableCode.DECODER_TOO_LARGE) from error
    except Exception as error:
        # A decoder fed with hostile bytes may raise nearly anything; all of it means the same to the user.
        is_cut = isinstance(error, OSError) and "truncated" in str(error)
        raise UnreadableImage(UnreadableCode.INCOMPLETE if is_cut else UnreadableCode.DAMAGED) from error
