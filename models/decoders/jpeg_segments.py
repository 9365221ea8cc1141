"""A JPEG file taken apart and put together again with nothing but its picture (ITU-T T.81, annex B).

Kept are the frame, its scans, and of the tables those that scans use; what libjpeg looks at in APP0 and APP14 to tell
the colour space is written anew. Everything else goes, as do all bytes between and behind: EXIF, comments, thumbnails,
second pictures, fill bytes. What a scan's data hold is judged by the decoder, which refuses what is not whole.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from models.decoders.errors import UnreadableCode, UnreadableImage
from models.decoders.limits import (
    MAX_JPEG_SCANS,
    MAX_JPEG_SEGMENTS,
    MAX_METADATA_BYTES,
    check_count,
    check_size,
)

_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
_DHT, _SOS, _DQT, _DRI, _APP0, _APP1, _APP2, _APP14 = 0xC4, 0xDA, 0xDB, 0xDD, 0xE0, 0xE1, 0xE2, 0xEE
# Baseline, extended sequential and progressive, all with Huffman codes.
_READ_FRAMES = (0xC0, 0xC1, 0xC2)
_PROGRESSIVE = 0xC2
_OTHER_FRAMES = {
    **dict.fromkeys((0xC3, 0xC7, 0xCB, 0xCF), "lossless"),
    **dict.fromkeys((0xC5, 0xC6, 0xCD, 0xCE), "hierarchical"),
    **dict.fromkeys((0xC9, 0xCA), "arithmetic coding"),
}
_ALONE = (0x01, *range(0xD0, 0xD8))  # markers without a segment
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_FILL = re.compile(rb"\xff\xff+")
_JFIF = b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"


@dataclass
class JpegParts:
    """What was read. `marker`, `frame`: of the SOF segment and its content. `body`: segments and scans to keep."""

    exif: bytes = b""
    xmp: bytes = b""
    icc_parts: dict[int, bytes] = field(default_factory=dict)
    has_jfif: bool = False
    adobe_transform: int | None = None
    marker: int = 0
    frame: bytes = b""
    body: list[bytes] = field(default_factory=list)

    @property
    def components(self) -> int:
        """How many channels the picture has: 1, 3 or 4."""
        return self.frame[5]

    @property
    def icc(self) -> bytes | None:
        """The parts of the profile that there are, in their order; None without any."""
        return b"".join(self.icc_parts[n] for n in sorted(self.icc_parts)) or None

    def assemble(self, icc: bytes | None = None) -> bytes:
        """The clean file, with this profile in it, which fits one segment."""
        head = [_SOI]
        if self.has_jfif and self.components != 4:
            head.append(segment(_APP0, _JFIF))
        elif self.adobe_transform is not None:
            head.append(segment(_APP14, b"Adobe" + struct.pack(">HHHB", 100, 0, 0, self.adobe_transform)))
        if icc:
            head.append(segment(_APP2, b"ICC_PROFILE\0\x01\x01" + icc))
        return b"".join([*head, *self.body, _EOI])


def segment(marker: int, content: bytes) -> bytes:
    """A segment: marker (the byte after 0xFF), length, and at most 65,533 bytes of content."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def read_parts(data: bytes) -> JpegParts:
    """The parts of the first picture in a JPEG file; all that follows its end is not looked at.

    Raises UnreadableImage for a kind of JPEG that is not read, for one that is cut off or lacks scans, and for one of
    too many segments or scans, before anything is decoded.
    """
    parts, tables, scans = JpegParts(), _Tables(), _Scans()
    for marker, content, scan in _segments(data):
        if marker in _OTHER_FRAMES:
            raise UnreadableImage(UnreadableCode.UNSUPPORTED_KIND, format="JPEG", kind=_OTHER_FRAMES[marker])
        if marker in _READ_FRAMES:
            _read_frame(parts, marker, content)
        elif marker == _SOS:
            if not parts.frame:
                raise UnreadableImage(UnreadableCode.DAMAGED)
            scans.add(parts, content)
            parts.body += [*tables.needed(parts, content), segment(_SOS, content), scan]
        elif marker in (_DQT, _DHT, _DRI):
            tables.read(marker, content)
        else:
            _read_application(parts, marker, content)
    scans.check_complete(parts)
    return parts


def _segments(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Marker, content, and for a scan its data, of each segment up to the first end of image."""
    position, scans = 2, 0
    for count in range(len(data)):
        check_count(count, MAX_JPEG_SEGMENTS, "segments")
        start = data.find(b"\xff", position)
        filled = _FILL.match(data, start) if start >= 0 else None
        place = filled.end() if filled else start + 1
        if start < 0 or place >= len(data):
            break
        marker, position = data[place], place + 1
        if marker == _EOI[1]:
            return
        if marker == 0 or marker in _ALONE:
            continue
        length = int.from_bytes(data[position : position + 2], "big")
        content, position = data[position + 2 : position + length], position + length
        if length < 2 or marker == _SOI[1]:
            raise UnreadableImage(UnreadableCode.DAMAGED)
        if position > len(data):
            break
        scan = b""
        if marker == _SOS:
            scans += 1
            check_count(scans, MAX_JPEG_SCANS, "scans")
            end = _END_OF_SCAN.search(data, position)
            if end is None:
                break
            scan = _FILL.sub(b"\xff", data[position : end.start()].rstrip(b"\xff"))
            position = end.start()
        yield marker, content, scan
    raise UnreadableImage(UnreadableCode.INCOMPLETE)


def _read_frame(parts: JpegParts, marker: int, content: bytes) -> None:
    if parts.frame or len(content) < 6 or len(content) != 6 + 3 * content[5]:
        raise UnreadableImage(UnreadableCode.DAMAGED)
    depth, height, width, components = struct.unpack(">BHHB", content[:6])
    if depth != 8:
        raise UnreadableImage(UnreadableCode.UNSUPPORTED_KIND, format="JPEG", kind=f"{depth} bits")
    if components not in (1, 3, 4):
        raise UnreadableImage(UnreadableCode.UNSUPPORTED_KIND, format="JPEG", kind=f"{components} channels")
    check_size(width, height)
    parts.marker, parts.frame = marker, content


def _read_application(parts: JpegParts, marker: int, content: bytes) -> None:
    """What changes how the picture is seen: orientation, colour space and profile."""
    if marker == _APP0 and content.startswith(b"JFIF\0") and len(content) >= 14:
        parts.has_jfif = True
    elif marker == _APP14 and content.startswith(b"Adobe") and len(content) >= 12:
        # An unknown one is read as the usual one, as libjpeg does.
        parts.adobe_transform = content[11] if content[11] <= 2 else 1
    elif marker == _APP1 and content.startswith(b"Exif\0\0"):
        parts.exif = parts.exif or content[6:]
    elif marker == _APP1 and content.startswith(b"http://ns.adobe.com/xap/1.0/\0"):
        parts.xmp = parts.xmp or content[29:]
    elif (
        marker == _APP2
        and content.startswith(b"ICC_PROFILE\0")
        and len(content) > 14
        and sum(map(len, parts.icc_parts.values())) <= MAX_METADATA_BYTES
    ):
        parts.icc_parts.setdefault(content[12], content[14:])


class _Tables:
    """Tables as the file gives them, and which of them the clean file has so far."""

    def __init__(self) -> None:
        self.defined: dict[tuple[int, int], bytes] = {}
        self.written: dict[tuple[int, int], bytes] = {}
        self.begun: set[int] = set()  # components that had a scan, and with it their table of quantisation

    def read(self, marker: int, content: bytes) -> None:
        """Take one DQT, DHT or DRI segment apart into its tables."""
        if marker == _DRI:
            self.defined[_DRI, 0] = content
        while content and marker != _DRI:
            size = 1 + 64 * (1 + (content[0] >> 4)) if marker == _DQT else 17 + sum(content[1:17])
            if size > len(content):
                raise UnreadableImage(UnreadableCode.DAMAGED)
            key = content[0] & 0x0F if marker == _DQT else content[0]
            self.defined[marker, key], content = content[:size], content[size:]

    def needed(self, parts: JpegParts, header: bytes) -> Iterator[bytes]:
        """Segments that have to stand before the scan with this header, which the clean file has not yet."""
        quantisation = {parts.frame[6 + 3 * n]: parts.frame[8 + 3 * n] for n in range(parts.components)}
        components = list(zip(header[1 : 1 + 2 * header[0] : 2], header[2 : 2 + 2 * header[0] : 2], strict=True))
        keys = [(_DQT, quantisation[name]) for name, _ in components if name not in self.begun]
        keys += [(_DHT, key) for _, codes in components for key in (codes >> 4, 0x10 | codes & 0x0F)]
        for key in dict.fromkeys([*keys, (_DRI, 0)]):
            if self.defined.get(key) != self.written.get(key):
                self.written[key] = self.defined[key]
                yield segment(key[0], self.defined[key])
        if not self.begun:
            yield segment(parts.marker, parts.frame)
        self.begun |= {name for name, _ in components}


class _Scans:
    """Which coefficients the scans have brought, and to how many bits: a decoder shows a coarse picture without a word
    where the last scans are missing."""

    def __init__(self) -> None:
        self.missing_bits: dict[int, list[int]] = {}

    def add(self, parts: JpegParts, header: bytes) -> None:
        """Note a scan by its header (T.81, B.2.3)."""
        names = {parts.frame[6 + 3 * n] for n in range(parts.components)}
        count = header[0] if header else 0
        chosen = header[1 : 1 + 2 * count : 2]
        if not 1 <= count <= 4 or len(header) != 4 + 2 * count or not set(chosen) <= names:
            raise UnreadableImage(UnreadableCode.DAMAGED)
        first, last, bits = header[-3:]
        if parts.marker != _PROGRESSIVE:
            first, last, bits = 0, 63, 0
        if first > last or last > 63:
            raise UnreadableImage(UnreadableCode.DAMAGED)
        for name in chosen:
            missing = self.missing_bits.setdefault(name, [16] * 64)
            missing[first : last + 1] = [bits & 0x0F] * (last - first + 1)

    def check_complete(self, parts: JpegParts) -> None:
        """Raises UnreadableImage unless every component has all coefficients with all bits."""
        names = {parts.frame[6 + 3 * n] for n in range(parts.components)} if parts.frame else {-1}
        if any(any(self.missing_bits.get(name, [16])) for name in names):
            raise UnreadableImage(UnreadableCode.INCOMPLETE)
