"""The directories of a TIFF file (TIFF 6.0, section 2), read without decoding anything."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from models.decoders.errors import UnreadableCode, UnreadableImage
from models.decoders.limits import MAX_FRAMES, MAX_METADATA_BYTES, MAX_TIFF_STRIPS

_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
BIG_TIFF = (b"II+\0", b"MM\0+")
_FORMATS = {1: "B", 3: "H", 4: "I", 7: "B"}  # of a field's type: BYTE, SHORT, LONG, UNDEFINED
_REDUCED, _MASK = 1, 4  # bits of NewSubfileType
_MAX_DIRECTORIES = 2 * MAX_FRAMES  # a preview beside each page


class Tag(IntEnum):
    """Fields that are looked at, by their numbers."""

    NEW_SUBFILE_TYPE = 254
    WIDTH = 256
    HEIGHT = 257
    BITS_PER_SAMPLE = 258
    COMPRESSION = 259
    PHOTOMETRIC = 262
    STRIP_OFFSETS = 273
    ORIENTATION = 274
    SAMPLES_PER_PIXEL = 277
    STRIP_BYTE_COUNTS = 279
    TILE_OFFSETS = 324
    TILE_BYTE_COUNTS = 325
    SAMPLE_FORMAT = 339
    JPEG_TABLES = 347
    ICC_PROFILE = 34675


_READ = frozenset(Tag)


@dataclass(frozen=True)
class Directory:
    """One picture of the file. `index`: of its directory in the file. `fields`: tag -> its values."""

    index: int
    fields: dict[int, tuple[int, ...]]

    def first(self, tag: Tag, default: int) -> int:
        """The first value of a field; `default` where there is no such field."""
        return self.fields.get(tag, (default,))[0]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels; 0 where the file does not say."""
        return self.first(Tag.WIDTH, 0), self.first(Tag.HEIGHT, 0)

    @property
    def is_picture(self) -> bool:
        """Whether it is no preview and no mask of another one."""
        return not self.first(Tag.NEW_SUBFILE_TYPE, 0) & (_REDUCED | _MASK)

    @property
    def parts(self) -> list[tuple[int, int]]:
        """Offset and length, in bytes, of each strip or tile. Raises ValueError where their numbers differ."""
        offsets = self.fields.get(Tag.STRIP_OFFSETS) or self.fields.get(Tag.TILE_OFFSETS, ())
        lengths = self.fields.get(Tag.STRIP_BYTE_COUNTS) or self.fields.get(Tag.TILE_BYTE_COUNTS, ())
        return list(zip(offsets, lengths, strict=True))


def read_directories(data: bytes) -> list[Directory]:
    """The pictures of the file. Raises UnreadableImage where a directory or a strip lies outside of the file, where
    directories go round in a circle, and for too many of them."""
    directories = [directory for directory in _chain(data) if directory.is_picture]
    for directory in directories:
        if not directory.parts or any(not length or start + length > len(data) for start, length in directory.parts):
            raise UnreadableImage(UnreadableCode.INCOMPLETE)
    return directories


def _chain(data: bytes) -> Iterator[Directory]:
    if data[:4] in BIG_TIFF:
        raise UnreadableImage(UnreadableCode.UNSUPPORTED_KIND, format="TIFF", kind="BigTIFF")
    order = _ORDERS[data[:4]]
    seen: set[int] = set()
    start = _unpack(data, f"{order}I", 4)[0]
    while start:
        if start in seen:
            raise UnreadableImage(UnreadableCode.DAMAGED)
        if len(seen) >= _MAX_DIRECTORIES:
            raise UnreadableImage(UnreadableCode.TOO_MANY_FRAMES, limit=MAX_FRAMES)
        count = _unpack(data, f"{order}H", start)[0]
        yield Directory(len(seen), dict(_fields(data, order, start + 2, count)))
        seen.add(start)
        start = _unpack(data, f"{order}I", start + 2 + 12 * count)[0]


def _fields(data: bytes, order: str, start: int, count: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    for place in range(start, start + 12 * count, 12):
        tag, kind, values = _unpack(data, f"{order}HHI", place)
        if tag not in _READ or kind not in _FORMATS or not values:
            continue
        if values > (MAX_METADATA_BYTES if tag in (Tag.ICC_PROFILE, Tag.JPEG_TABLES) else MAX_TIFF_STRIPS):
            raise UnreadableImage(UnreadableCode.TOO_MANY_PARTS, part="strips", limit=MAX_TIFF_STRIPS)
        form = f"{order}{values}{_FORMATS[kind]}"
        fits = struct.calcsize(form) <= 4
        yield tag, _unpack(data, form, place + 8 if fits else _unpack(data, f"{order}I", place + 8)[0])


def _unpack(data: bytes, form: str, start: int) -> tuple[int, ...]:
    if start + struct.calcsize(form) > len(data):
        raise UnreadableImage(UnreadableCode.INCOMPLETE)
    return struct.unpack_from(form, data, start)
