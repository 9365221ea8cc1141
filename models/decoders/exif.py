"""The one field of EXIF that changes how a picture is seen, read without trust in any of the others."""

import re
import struct

_ORIENTATION = 0x0112
_SHORT = 3
_MAX_FIELDS = 1_000
_IN_XMP = re.compile(rb"tiff:Orientation(?:=[\"']|>)([1-8])[\"'<]")


def read_orientation(exif: bytes) -> int:
    """1 to 8 from an EXIF block (a TIFF header and its first directory); 1 where it is missing or broken."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None or len(exif) < 8:
        return 1
    (start,) = struct.unpack(f"{order}I", exif[4:8])
    (count,) = _unpack(f"{order}H", exif, start) or (0,)
    for index in range(min(count, _MAX_FIELDS)):
        tag, kind, values, value = _unpack(f"{order}HHIH2x", exif, start + 2 + 12 * index) or (0, 0, 0, 0)
        if (tag, kind, values) == (_ORIENTATION, _SHORT, 1):
            return value if 1 <= value <= 8 else 1
    return 1


def read_xmp_orientation(xmp: bytes) -> int:
    """1 to 8 from an XMP packet, which some programs write instead of EXIF; 1 where it has none."""
    match = _IN_XMP.search(xmp)
    return int(match[1]) if match else 1


def _unpack(form: str, data: bytes, start: int) -> tuple[int, ...]:
    """The numbers that stand there; none where the data ends before."""
    return struct.unpack_from(form, data, start) if start + struct.calcsize(form) <= len(data) else ()
