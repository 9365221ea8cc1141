"""The processes in which files of strangers are decoded: one pool for each server process."""

import atexit
from functools import cache

from flask import current_app

from app.errors import ServerBusy
from models import DecodedFrame, DecoderPool, DecodersBusy


def decode_file(data: bytes) -> tuple[DecodedFrame, ...]:
    """All pictures of a file, in its order. Raises models.UnreadableImage, and ServerBusy where no process is free."""
    try:
        return _pool(current_app.config["DECODERS"]).decode(data)
    except DecodersBusy as busy:
        raise ServerBusy(
            "Too many images are being read at the moment. Nothing was saved; send them again in a moment.",
            busy.retry_after,
        ) from None


def start_decoders() -> None:
    """Start the processes before the first upload needs them, and do not wait until they are ready."""
    _pool(current_app.config["DECODERS"]).start()


@cache
def _pool(processes: int) -> DecoderPool:
    pool = DecoderPool(processes)
    atexit.register(pool.close)
    return pool
