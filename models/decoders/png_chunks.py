"""A PNG file taken apart: the chunks that its pixels need, and of the others what changes how they are seen.

Every other chunk is left out before a decoder sees it, broken or not: a wrong checksum in a comment says nothing of the
pixels (PNG specification, third edition, 5.4 and 13.2).
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from models.decoders.errors import UnreadableCode, UnreadableImage
from models.decoders.limits import MAX_METADATA_BYTES, MAX_PNG_CHUNKS, MAX_PNG_OTHER_CHUNKS, check_count, check_size

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Depths that a colour type may have (11.2.1, table 12).
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_DISPLAY_P3 = b"\x0c\x0d\x00\x01"  # of cICP: primaries of SMPTE EG 432-1, curve of sRGB, full range (ITU-T H.273)
_XMP = b"XML:com.adobe.xmp\0\0\0\0\0"


@dataclass
class PngParts:
    """`header`: content of IHDR. `image_data`: chunks of compressed rows. `icc`: inflated."""

    header: bytes = b""
    palette: bytes = b""
    transparency: bytes = b""
    image_data: list[bytes] = field(default_factory=list)
    has_end: bool = False
    frames: int = 1
    exif: bytes = b""
    xmp: bytes = b""
    icc: bytes | None = None
    is_srgb: bool = False
    is_display_p3: bool = False

    @property
    def depth(self) -> int:
        """Bits of one sample: 1, 2, 4, 8 or 16."""
        return self.header[8]

    @property
    def colour_type(self) -> int:
        """0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGB with alpha."""
        return self.header[9]

    def assemble(self) -> bytes:
        """A file of the chunks that pixels need."""
        chunks = [(b"IHDR", self.header), (b"PLTE", self.palette), (b"tRNS", self.transparency)]
        chunks = [(name, content) for name, content in chunks if content]
        chunks += [(b"IDAT", content) for content in self.image_data]
        return SIGNATURE + b"".join(_chunk(name, content) for name, content in [*chunks, (b"IEND", b"")])


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def read_parts(data: bytes) -> PngParts:
    """The parts of a PNG file; what follows its end is not looked at.

    Raises UnreadableImage where a chunk that pixels need is missing, broken or cut off, for an animation, and for a
    file of too many chunks, before anything is decoded.
    """
    parts = PngParts()
    for name, content, is_sound in _chunks(data):
        is_critical = not name[0] & 0x20
        if is_critical and not is_sound:
            raise UnreadableImage(UnreadableCode.DAMAGED)
        if not parts.header and name != b"IHDR":
            raise UnreadableImage(UnreadableCode.DAMAGED)
        if is_critical:
            _read_critical(parts, name, content)
        elif is_sound and len(content) <= MAX_METADATA_BYTES:
            _read_ancillary(parts, name, content)
        if parts.has_end:
            break
    if not parts.has_end or not parts.image_data:
        raise UnreadableImage(UnreadableCode.INCOMPLETE)
    if parts.frames != 1:
        raise UnreadableImage(UnreadableCode.SEVERAL_PICTURES)
    return parts


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    """Name, content and whether the checksum is right, of each chunk that is there in full."""
    position, others = len(SIGNATURE), 0
    for count in range(len(data)):
        if position + 12 > len(data):
            return
        length, name = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if end > len(data):
            return
        others += name != b"IDAT"
        check_count(others, MAX_PNG_OTHER_CHUNKS, "chunks")
        check_count(count, MAX_PNG_CHUNKS, "chunks")
        content = data[position + 8 : end - 4]
        yield name, content, zlib.crc32(content, zlib.crc32(name)) == int.from_bytes(data[end - 4 : end], "big")
        position = end


def _read_critical(parts: PngParts, name: bytes, content: bytes) -> None:
    if name == b"IHDR" and not parts.header:
        parts.header = _checked_header(content)
    elif name == b"PLTE" and not parts.palette and not parts.image_data:
        parts.palette = content
    elif name == b"IDAT":
        parts.image_data.append(content)
    elif name == b"IEND":
        parts.has_end = True
    elif name == b"CgBI":
        raise UnreadableImage(UnreadableCode.UNSUPPORTED_KIND, format="PNG", kind="Apple CgBI")
    else:
        raise UnreadableImage(UnreadableCode.DAMAGED)


def _checked_header(content: bytes) -> bytes:
    if len(content) != 13:
        raise UnreadableImage(UnreadableCode.DAMAGED)
    width, height, depth, colour, method, filters, interlace = struct.unpack(">IIBBBBB", content)
    check_size(width, height)
    if depth not in _DEPTHS.get(colour, ()) or method or filters or interlace > 1:
        raise UnreadableImage(UnreadableCode.DAMAGED)
    return content


def _read_ancillary(parts: PngParts, name: bytes, content: bytes) -> None:
    match name:
        case b"tRNS" if not parts.image_data:
            parts.transparency = content
        case b"acTL" if len(content) == 8 and not parts.image_data:
            parts.frames = int.from_bytes(content[:4], "big")
        case b"eXIf":
            parts.exif = content
        case b"iTXt" if content.startswith(_XMP):
            parts.xmp = content[len(_XMP) :]
        case b"iCCP":
            parts.icc = _inflated_profile(content)
        case b"sRGB":
            parts.is_srgb = True
        case b"cICP":
            parts.is_display_p3 = content == _DISPLAY_P3


def _inflated_profile(content: bytes) -> bytes | None:
    """The profile of an iCCP chunk; None where it is broken or too large."""
    packed = content.partition(b"\0")[2][1:]
    inflater = zlib.decompressobj()
    try:
        icc = inflater.decompress(packed, MAX_METADATA_BYTES)
    except zlib.error:
        return None
    return icc if inflater.eof else None
