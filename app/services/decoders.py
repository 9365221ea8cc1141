"""The processes in which files of strangers are decoded: for each server process one pool, and one for DICOM."""

import atexit
from contextlib import suppress
from functools import cache

from flask import current_app

import models
from app.errors import NotAvailable, ServerBusy
from models import DecodedFrame, DecoderPool, DecodersBusy, DecodersUnavailable


def decode_file(data: bytes) -> tuple[DecodedFrame, ...]:
    """All pictures of a file, in its order.

    Raises models.UnreadableImage; ServerBusy where no process is free, NotAvailable where none can be started.
    """
    try:
        pool = _dicom_pool if models.is_dicom(data) else _pool
        return pool(current_app.config["DECODERS"]).decode(data)
    except DecodersBusy as busy:
        raise ServerBusy(
            "Too many images are being read at the moment. Nothing was saved; send them again in a moment.",
            busy.retry_after,
        ) from None
    except DecodersUnavailable:
        raise NotAvailable(
            "Images cannot be read on this server now, whatever the file. Nothing was saved; tell an administrator."
        ) from None


def start_decoders() -> None:
    """Start the processes before the first upload needs them, and do not wait until they are ready.

    A system that starts none is in the log: the rest of Lumen works.
    """
    with suppress(DecodersUnavailable):
        _pool(current_app.config["DECODERS"]).start()


def are_available() -> bool:
    """Whether the processes came up when they were last started, as far as is known."""
    return _pool(current_app.config["DECODERS"]).is_available


@cache
def _pool(processes: int) -> DecoderPool:
    pool = DecoderPool(processes)
    atexit.register(pool.close)
    return pool


@cache
def _dicom_pool(processes: int) -> DecoderPool:
    """Its processes start with the first DICOM file: who has none pays no memory for them."""
    pool = DecoderPool(processes, module="models.decoders.dicom.child")
    atexit.register(pool.close)
    return pool
