"""Sends an image that the gate refused as odd again, put right, as a new study for the same task.

Only what can be put right without loss: a turned image upright, an inverted one the usual way round, two pictures in
one each by itself. The study that was refused stays as it is.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import models
from app.entities import Image, Study
from app.errors import RefusedUpload
from app.services import audit
from app.services.actor import Actor
from app.services.storage import MissingFile, file_store
from app.services.studies.copy import copy_of
from app.services.studies.files import Picture, row_like
from app.services.studies.submit import check_quota, check_task, store_study

# Longest name in the column of images.
MAX_FILE_NAME = 255
# Label of the head `turned` -> quarters clockwise that put it right.
QUARTERS = {"left": 1, "upside_down": 2, "right": 3}
PARTS = {"beside": ("left half", "right half"), "above": ("upper half", "lower half")}


@dataclass(frozen=True)
class Remedy:
    """What can be done about a refused image: `code` is the ReasonCode; `copy` the study made so, None before that."""

    image: Image
    code: str
    copy: Study | None


def list_remedies(study: Study) -> list[Remedy]:
    """The images of a study that can be sent again put right, in their order."""
    refused = [image for image in study.images if image.analysis and image.analysis.reason_code in _REMEDIES]
    return [Remedy(image, image.analysis.reason_code, _find_copy(image)) for image in refused if image.analysis]


def send_righted(*, study: Study, image: Image, actor: Actor) -> Study:
    """A new study, of the same sender and patient, of this image put right; it waits to be analysed.

    Asked again this answers the study that it made, unless that was deleted. Raises RefusedUpload for an image of which
    nothing can be put right, TooManyRequests over the quota, and StorageFailed.
    """
    remedy = next((one for one in list_remedies(study) if one.image.id == image.id), None)
    if remedy is None:
        raise RefusedUpload("There is nothing to put right in this image. Upload it again.")
    if remedy.copy:
        return remedy.copy
    check_quota(actor.require_user())
    check_task(study.task)
    audit.record("study.right", actor=actor, object_key=study.key, detail=f"{image.key} {remedy.code}")
    copy = copy_of(study, task=study.task, submission_key=_submission_key(image))
    return store_study(copy, _pictures(image, remedy.code), actor).study


def _copies(image: Image) -> list[Study]:
    """The studies for the same task that were made of this image, deleted ones too."""
    return [
        copy
        for copy in image.study.copies
        if copy.task == image.study.task and any(one.sha256 == image.sha256 for one in copy.images)
    ]


def _find_copy(image: Image) -> Study | None:
    return next((copy for copy in _copies(image) if copy.deleted_at is None), None)


def _submission_key(image: Image) -> str:
    """The same for both requests of a double click; another one once the study that they made was deleted."""
    return hashlib.sha256(f"{image.key} righted {len(_copies(image))}".encode()).hexdigest()


def _pictures(image: Image, code: str) -> Iterator[Picture]:
    try:
        data = file_store().get(image.stored_name)
        yield from _REMEDIES[code](image, data)
    except MissingFile:
        raise RefusedUpload("The stored file of the image is missing. Upload the image again.") from None
    except models.UnreadableImage:
        raise RefusedUpload("The stored file of the image is damaged. Upload the image again.") from None


def _upright(image: Image, data: bytes) -> Iterator[Picture]:
    """The very file, read in another orientation."""
    quarters = QUARTERS[_reason_values(image)["turned"]]
    row = row_like(image, orientation=models.turn_clockwise(image.orientation, quarters))
    if quarters % 2:
        row.width, row.height = image.height, image.width
    yield Picture(row, data)


def _usual_way_round(image: Image, data: bytes) -> Iterator[Picture]:
    pixels = 255 - models.read_stored(data, image.orientation)
    yield Picture(row_like(image, media_type="image/png", orientation=1), models.encode_image(pixels, "image/png"))


def _each_by_itself(image: Image, data: bytes) -> Iterator[Picture]:
    layout = _reason_values(image)["layout"]
    halves = models.split_pictures(models.read_stored(data, image.orientation), layout)
    for pixels, part in zip(halves, PARTS[layout], strict=True):
        row = row_like(image, media_type="image/png", orientation=1, height=pixels.shape[0], width=pixels.shape[1])
        row.original_name = f"{image.original_name[: MAX_FILE_NAME - len(part) - 2]}, {part}"
        yield Picture(row, models.encode_image(pixels, "image/png"))


def _reason_values(image: Image) -> dict[str, Any]:
    assert image.analysis is not None, "a remedy is of a refused image"
    return image.analysis.reason_values


_REMEDIES: dict[str, Callable[[Image, bytes], Iterator[Picture]]] = {
    models.ReasonCode.TURNED: _upright,
    models.ReasonCode.INVERTED: _usual_way_round,
    models.ReasonCode.TWO_PICTURES: _each_by_itself,
}
