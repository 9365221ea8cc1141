"""The files of an upload: decoded, and made into what is stored of their pictures."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
from flask import current_app

import models
from app.entities import Image
from app.errors import RefusedUpload
from app.services.decoders import decode_file
from app.services.text import clean_file_name
from app.wording.files import unreadable_text


@dataclass(frozen=True)
class Upload:
    """One file as it came: the sender's name for it, and its bytes."""

    filename: str
    data: bytes


class Picture(NamedTuple):
    """The row of an image, the bytes to store, and what networks read of them where that is at hand, uint8 RGB."""

    row: Image
    data: bytes
    pixels: np.ndarray | None = None


class RefusedFile(RefusedUpload):
    """One file is not accepted. The audit trail takes reason and hash, not the name: names of files name patients."""

    def __init__(self, upload: Upload, reason: str, status: int = 422) -> None:
        super().__init__(f"{clean_file_name(upload.filename)}: {reason}", status)
        self.reason = reason
        self.sha256 = hashlib.sha256(upload.data).hexdigest()


def read_uploads(uploads: Sequence[Upload]) -> Iterator[tuple[Upload, Picture]]:
    """Every picture with the upload that it is of, in their order. Raises RefusedFile, and ServerBusy."""
    count, most = 0, current_app.config["MAX_IMAGES_PER_STUDY"]
    for upload in uploads:
        pictures = _pictures_of(upload)
        count += len(pictures)
        if count > most:
            raise RefusedFile(upload, f"With its pages, the study has more than {most} images. Send fewer at once.")
        yield from ((upload, picture) for picture in pictures)


def _pictures_of(upload: Upload) -> list[Picture]:
    try:
        frames = decode_file(upload.data)
    except models.UnreadableImage as error:
        raise RefusedFile(upload, unreadable_text(error.code, error.values)) from None
    digest = hashlib.sha256(upload.data).hexdigest()
    return [Picture(_row(upload, digest, frame, len(frames)), frame.stored, frame.pixels) for frame in frames]


def _row(upload: Upload, digest: str, frame: models.DecodedFrame, pages: int) -> Image:
    return Image(
        original_name=clean_file_name(upload.filename),
        sha256=digest,
        byte_size=len(upload.data),
        width=frame.width,
        height=frame.height,
        media_type=frame.media_type,
        orientation=frame.orientation,
        page=frame.position + 1 if pages > 1 else 0,
        facts=asdict(frame.facts),
    )
