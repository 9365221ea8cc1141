"""The decoding process: python -m models.decoders.child MEMORY_BYTES CPU_SECONDS

Reads a file from its standard input, writes the frames to its standard output, and again, until the input ends. So it
ends with the server that started it, also when that is killed.
"""

import io
import os
import sys
from dataclasses import asdict
from typing import Any

import cv2
import numpy as np
from PIL import Image

from models.decoders import messages
from models.decoders.confine import allow_cpu, confine
from models.decoders.errors import UnreadableCode, UnreadableImage
from models.decoders.registry import read_file
from models.frame import Frame
from models.imaging import shrink_to_read


def main(memory_bytes: int, cpu_seconds: int) -> None:
    """Answer until the input ends, with this much address space, and processor time for each file."""
    # Without a buffer: what the parent waits for must not wait here.
    requests, answers = io.FileIO(sys.stdin.fileno(), closefd=False), io.FileIO(sys.stdout.fileno(), "w", closefd=False)
    # What Pillow would import when it meets a format: later no file can be opened.
    Image.init()
    cv2.setNumThreads(1)
    # The server's log, up to here: nothing that a file makes a decoder say comes into it.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    confine(memory_bytes)
    _write(answers, messages.pack({"ready": True}, []))
    while True:
        try:
            _, data = messages.read(lambda buffer: _fill(requests, buffer))
        except EOFError:
            return
        allow_cpu(cpu_seconds)
        _write(answers, _answer(data))


def _answer(data: memoryview) -> list[bytes | memoryview]:
    try:
        frames = read_file(bytes(data))
        described = [_describe(frame) for frame in frames]
        return messages.pack(
            {"frames": [header for header, _ in described]}, [part for _, parts in described for part in parts]
        )
    except UnreadableImage as error:
        return messages.pack({"code": error.code, "values": error.values}, [])
    except MemoryError:
        return messages.pack({"code": UnreadableCode.DECODER_TOO_LARGE, "values": {}}, [])


def _describe(frame: Frame) -> tuple[dict[str, Any], list[bytes | memoryview]]:
    """A frame as header and bytes: its stored file, and its pixels as networks read them."""
    height, width = frame.pixels.shape[:2]
    pixels = shrink_to_read(frame.pixels)
    header = {
        "facts": asdict(frame.facts),
        "position": frame.position,
        "media_type": frame.media_type,
        "orientation": frame.stored_orientation,
        "size": [width, height],
        "stored_bytes": len(frame.stored),
        "read_size": [pixels.shape[1], pixels.shape[0]],
    }
    return header, [frame.stored, np.ascontiguousarray(pixels).data.cast("B")]


def _fill(file: io.RawIOBase, buffer: memoryview) -> None:
    """Read until the buffer is full. Raises EOFError where the input ends."""
    while buffer:
        count = file.readinto(buffer)
        if not count:
            raise EOFError
        buffer = buffer[count:]


def _write(file: io.RawIOBase, pieces: list[bytes | memoryview]) -> None:
    for piece in pieces:
        left = memoryview(piece)
        while left:
            left = left[file.write(left) :]


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
