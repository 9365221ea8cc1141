"""The files of an upload: decoded, and made into what is stored of their pictures."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, NamedTuple

import numpy as np
from flask import current_app

import models
from app.entities import Acquisition, Image
from app.errors import RefusedUpload
from app.services.decoders import decode_file
from app.services.text import clean_file_name, clean_line
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
        # What a header tells has columns of its own.
        facts={name: value for name, value in asdict(frame.facts).items() if name != "acquisition"},
        acquisition=_acquisition(frame.facts.acquisition),
    )


def _acquisition(header: Mapping[str, Any]) -> Acquisition | None:
    """The row of what a header told; None where there was none."""
    if not header:
        return None
    told = dict(header)
    row_spacing, column_spacing = told.pop("spacing", (None, None))
    dates = {name: date.fromisoformat(told.pop(name)) for name in ("patient_birth_date", "study_date") if name in told}
    # A decoder answers for a file of a stranger: lines are cleaned as those of a form are.
    words = {name: clean_line(value) if isinstance(value, str) else value for name, value in told.items()}
    return Acquisition(**words, **dates, row_spacing=row_spacing, column_spacing=column_spacing)


# What the row of an image keeps when it is sent again: all that its upload told.
KEPT = ("original_name", "sha256", "byte_size", "width", "height", "media_type", "orientation", "page", "facts")
_OWN = ("id", "created_at", "image_id")


def row_like(image: Image, **changes: Any) -> Image:
    """A new row of an image with all that the upload of this one told, and these changes."""
    header = image.acquisition
    told = [column.name for column in Acquisition.__table__.columns if column.name not in _OWN]
    twin = Acquisition(**{name: getattr(header, name) for name in told}) if header else None
    return Image(**{name: getattr(image, name) for name in KEPT} | changes, acquisition=twin)
