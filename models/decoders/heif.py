"""HEIC and HEIF, as phones write them, by pillow-heif: an optional package (requirements-heif.txt).

libheif turns the picture upright itself (ISO/IEC 23008-12, 6.5.10: irot and imir); EXIF says nothing of it there.
"""

import io
from types import ModuleType

from models.decoders.colour import convert
from models.decoders.errors import UnreadableCode, UnreadableImage
from models.decoders.limits import check_size
from models.decoders.pillow import to_rgb
from models.frame import Facts, Frame

try:
    import pillow_heif
except ImportError:
    pillow_heif = None  # type: ignore[assignment] # an optional package

MEDIA_TYPE = "image/heic"
_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_FILLED_UP = bytes(64)


def is_installed() -> bool:
    """Whether pillow-heif is there."""
    return pillow_heif is not None


def matches(data: bytes) -> bool:
    """Whether these bytes begin as HEIF of HEVC does, which is HEIC; AVIF is none."""
    return data[4:8] == b"ftyp" and data[8:12] in _BRANDS and b"avif" not in data[16:64]


def read(data: bytes) -> tuple[Frame, ...]:
    """The one picture of the file. Raises UnreadableImage, with a code of its own where the package is missing."""
    _check_end(data)
    heif = _package().open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
    if len(heif) > 1:
        raise UnreadableImage(UnreadableCode.SEVERAL_PICTURES)
    check_size(*heif.size)
    info = dict(heif.info)
    pixels, name = convert(to_rgb(heif.to_pillow()), info.get("icc_profile"))
    facts = Facts(
        media_type=MEDIA_TYPE,
        orientation=info.get("original_orientation") or 1,
        bit_depth=info.get("bit_depth", 8),
        photometric="YBR_FULL",
        colour_profile=name,
    )
    return (Frame(pixels, 0, facts),)


def _package() -> ModuleType:
    if pillow_heif is None:
        raise UnreadableImage(UnreadableCode.DECODER_MISSING, format="HEIC", package="pillow-heif")
    return pillow_heif


def _check_end(data: bytes) -> None:
    """Raises UnreadableImage where pictures' data end in zeros: a file that was filled up, which decodes in silence.

    Boxes are those of ISO/IEC 14496-12, 4.2. Data that a box promises and the file lacks, libheif finds itself.
    """
    position = 0
    while position + 8 <= len(data):
        size = int.from_bytes(data[position : position + 4], "big")
        if size == 1:
            size = int.from_bytes(data[position + 8 : position + 16], "big")
        end = position + size if size else len(data)
        if data[position + 4 : position + 8] == b"mdat" and data[max(0, end - 64) : end] == _FILLED_UP:
            raise UnreadableImage(UnreadableCode.INCOMPLETE)
        if end < position + 8:
            return
        position = end
