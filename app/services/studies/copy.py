"""Sends stored images again, as a new study for the task that the gate offered for them."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.entities import Image, Study
from app.errors import RefusedUpload
from app.services import audit
from app.services.actor import Actor
from app.services.storage import MissingFile, file_store
from app.services.studies.files import Picture, row_like
from app.services.studies.submit import check_quota, check_task, store_study


@dataclass(frozen=True)
class Offer:
    """A task that the gate offered for some images of a study; `copy` is the study made of them, None before that."""

    task: str
    images: tuple[Image, ...]
    copy: Study | None


def list_offers(study: Study) -> list[Offer]:
    """What else images of this study may be sent for, in the order of the images."""
    offered: dict[str, list[Image]] = {}
    for image in study.images:
        if image.analysis and image.analysis.suggested_task:
            offered.setdefault(image.analysis.suggested_task, []).append(image)
    copies = {copy.task: copy for copy in study.copies if copy.deleted_at is None}
    return [Offer(task, tuple(images), copies.get(task)) for task, images in offered.items()]


def copy_study(*, study: Study, task: str, actor: Actor) -> Study:
    """A new study, of the same sender and patient, of those images that the gate offered for `task`.

    It waits to be analysed. Asked again this answers the study that it made, unless that was deleted. Raises
    RefusedUpload without such an offer or when the task is not available, TooManyRequests over the quota, and
    StorageFailed.
    """
    offer = next((offer for offer in list_offers(study) if offer.task == task), None)
    if offer is None:
        raise RefusedUpload("No image of this study fits that task. Upload the image again for it.")
    if offer.copy:
        return offer.copy
    check_quota(actor.require_user())
    check_task(task)
    audit.record("study.copy", actor=actor, object_key=study.key, detail=task)
    copy = copy_of(study, task=task, submission_key=_submission_key(study, task))
    return store_study(copy, _pictures(offer.images), actor).study


def copy_of(study: Study, *, task: str, submission_key: str) -> Study:
    """A new study for `task`, of the same sender and patient, still without images and not stored."""
    return Study(
        owner_id=study.owner_id,
        submission_key=submission_key,
        copied_from_id=study.id,
        task=task,
        patient_name=study.patient_name,
        patient_reference=study.patient_reference,
        note=study.note,
    )


def _submission_key(study: Study, task: str) -> str:
    """The same for both requests of a double click; another one once the copy that they made was deleted."""
    earlier = sum(copy.task == task for copy in study.copies)
    return hashlib.sha256(f"{study.key} {task} {earlier}".encode()).hexdigest()


def _pictures(images: Sequence[Image]) -> Iterator[Picture]:
    for image in images:
        try:
            data = file_store().get(image.stored_name)
        except MissingFile:
            raise RefusedUpload("The stored file of an image is missing. Upload the image again.") from None
        yield Picture(row_like(image), data)
