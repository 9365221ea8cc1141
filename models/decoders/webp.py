"""WebP: lossy and lossless, one picture (RFC 9649)."""

import struct
from dataclasses import dataclass, field

from models.decoders.colour import convert
from models.decoders.errors import UnreadableCode, UnreadableImage
from models.decoders.exif import read_orientation, read_xmp_orientation
from models.decoders.limits import MAX_WEBP_CHUNKS, check_count, check_size
from models.decoders.pillow import open_image, to_rgb
from models.decoders.turn import turn_upright
from models.frame import Facts, Frame

MEDIA_TYPE = "image/webp"
_BITSTREAMS = (b"VP8 ", b"VP8L")
_HAS_ALPHA = 0x10
# Compressed data end in so many zeros only where a file was filled up.
_FILLED_UP = bytes(64)


@dataclass
class _Parts:
    chunks: dict[bytes, bytes] = field(default_factory=dict)

    def assemble(self) -> bytes:
        """A file of the picture alone, with its alpha."""
        names = [name for name in (b"VP8X", b"ALPH", *_BITSTREAMS) if name in self.chunks]
        body = b"WEBP" + b"".join(_chunk(name, self.chunks[name]) for name in names)
        return b"RIFF" + struct.pack("<I", len(body)) + body


def _chunk(name: bytes, content: bytes) -> bytes:
    if name == b"VP8X":
        content = bytes([content[0] & _HAS_ALPHA]) + content[1:]
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def matches(data: bytes) -> bool:
    """Whether these bytes begin as a WebP file does."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def read(data: bytes) -> tuple[Frame, ...]:
    """The one picture of the file. Raises UnreadableImage."""
    parts = _read_parts(data)
    with open_image(parts.assemble(), "WEBP") as image:
        check_size(*image.size)
        pixels = to_rgb(image)
    pixels, name = convert(pixels, parts.chunks.get(b"ICCP"))
    exif = parts.chunks.get(b"EXIF", b"").removeprefix(b"Exif\0\0")
    orientation = read_orientation(exif) if exif else read_xmp_orientation(parts.chunks.get(b"XMP ", b""))
    facts = Facts(media_type=MEDIA_TYPE, orientation=orientation, colour_profile=name)
    return (Frame(turn_upright(pixels, orientation), 0, facts),)


def _read_parts(data: bytes) -> _Parts:
    parts, position = _Parts(), 12
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise UnreadableImage(UnreadableCode.INCOMPLETE)
    for count in range(len(data)):
        if position + 8 > end:
            break
        check_count(count, MAX_WEBP_CHUNKS, "chunks")
        name, length = struct.unpack_from("<4sI", data, position)
        if position + 8 + length > end:
            raise UnreadableImage(UnreadableCode.INCOMPLETE)
        parts.chunks.setdefault(name, data[position + 8 : position + 8 + length])
        position += 8 + length + length % 2
    if b"ANIM" in parts.chunks or b"ANMF" in parts.chunks:
        raise UnreadableImage(UnreadableCode.SEVERAL_PICTURES)
    bitstream = next((parts.chunks[name] for name in _BITSTREAMS if name in parts.chunks), b"")
    if not bitstream or bitstream.endswith(_FILLED_UP):
        raise UnreadableImage(UnreadableCode.INCOMPLETE)
    return parts
