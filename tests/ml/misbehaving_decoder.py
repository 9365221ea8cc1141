"""A decoding process that does what a broken decoder might: all is real but the decoder, which obeys its file."""

import ctypes
import os
import socket
import sys
import time

import numpy as np

from models.decoders import child
from models.decoders.registry import read_file
from models.frame import Facts, Frame


def obey(data: bytes) -> tuple[Frame, ...]:
    """Do what the file says; read any other file."""
    word = data.decode("latin-1")
    if word == "hang":
        time.sleep(600)
    elif word == "compute":
        while True:
            pass
    elif word == "crash":
        ctypes.string_at(0)
    elif word == "end":
        os._exit(3)
    elif word == "babble":
        os.write(1, b"no message at all, and much too long to be one" * 10)
        time.sleep(600)
    elif word == "memory":
        np.ones(3 << 30, np.uint8)
    elif word in OPENERS:
        return _report(OPENERS[word])
    return read_file(data)


OPENERS = {
    "open": lambda: os.open("/etc/hostname", os.O_RDONLY),
    "socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
    "pipe": os.pipe,
    "secret": lambda: os.environ["LUMEN_SECRET_OF_A_TEST"],
}


def _report(opener) -> tuple[Frame, ...]:
    """A frame of white pixels where it could be opened, of black ones where that failed."""
    try:
        opener()
    except (OSError, KeyError):
        return (Frame(np.zeros((32, 32, 3), np.uint8), 0, Facts(media_type="image/png")),)
    return (Frame(np.full((32, 32, 3), 255, np.uint8), 0, Facts(media_type="image/png")),)


if __name__ == "__main__":
    child.read_file = obey
    child.main(int(sys.argv[1]), int(sys.argv[2]))
