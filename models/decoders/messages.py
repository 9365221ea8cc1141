"""What a pool and its decoding processes say to each other over pipes: a JSON header, then raw bytes.

Nothing is unpickled: who breaks into a decoder can send wrong pixels of the picture that broke it, and no code.
"""

import json
import struct
from collections.abc import Callable, Sequence
from typing import Any

_MAX_HEADER = 1 << 20
_MAX_BYTES = 1 << 30
_LENGTHS = struct.Struct(">IQ")  # of the header and of all bytes behind it

Message = tuple[dict[str, Any], memoryview]


class BrokenMessage(ValueError):
    """These bytes are no message."""


def pack(header: dict[str, Any], parts: Sequence[bytes | memoryview]) -> list[bytes | memoryview]:
    """The pieces to write one after another; the header has to tell how long each part is."""
    words = json.dumps(header).encode("ascii")
    return [_LENGTHS.pack(len(words), sum(len(part) for part in parts)) + words, *parts]


def read(fill: Callable[[memoryview], None]) -> Message:
    """One message, from a function that fills a buffer with the next bytes.

    Raises BrokenMessage for bytes that are none, and whatever `fill` raises.
    """
    lengths = bytearray(_LENGTHS.size)
    fill(memoryview(lengths))
    header_length, length = _LENGTHS.unpack(lengths)
    if header_length > _MAX_HEADER or length > _MAX_BYTES:
        raise BrokenMessage("It is too long")
    words, body = bytearray(header_length), bytearray(length)
    fill(memoryview(words))
    fill(memoryview(body))
    try:
        header = json.loads(words)
    except ValueError as error:
        raise BrokenMessage("Its header is no JSON") from error
    if not isinstance(header, dict):
        raise BrokenMessage("Its header is no object")
    return header, memoryview(body)
