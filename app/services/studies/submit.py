"""Takes in a study: checks every file, stores its pictures without loss and without metadata, inserts the rows."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple

import numpy as np
from flask import current_app
from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError

import models
from app.entities import AuditEvent, Study, User, utc_now
from app.errors import NotAvailable, RefusedUpload, ServerBusy, TooManyRequests
from app.extensions import db
from app.services import audit
from app.services.actor import Actor
from app.services.storage import file_store
from app.services.studies import search
from app.services.studies.analyse import available_tasks, unavailable_reasons
from app.services.studies.detect import DETECT, detecting
from app.services.studies.files import Picture, RefusedFile, Upload, read_uploads
from app.services.studies.patient import of_one_patient
from app.services.text import clean_line, clean_text

MAX_NAME = 120
MAX_REFERENCE = 64
MAX_NOTE = 2000
SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png"}


class Received(NamedTuple):
    """A study that waits to be analysed, and by the stored name of an image what networks read of it, uint8 RGB."""

    study: Study
    pixels: dict[str, np.ndarray]


def submit_study(
    *,
    actor: Actor,
    task: str,
    uploads: Sequence[Upload],
    patient_name: str = "",
    patient_reference: str = "",
    note: str = "",
    submission_key: str | None = None,
) -> Received:
    """Store a study of `uploads` for `task`, the actor's, all or nothing; it waits to be analysed.

    `task` is a task's name or DETECT: then the gate detects the one task that reads all these images. Name, reference
    and note have at most MAX_NAME, MAX_REFERENCE and MAX_NOTE characters. The same form (`submission_key`) with the
    same content sent again answers the study that it made the first time.

    Raises RefusedUpload for what is not accepted, TooManyRequests over the quota, ServerBusy when no decoder is free,
    StorageFailed when the disk does not take it.
    """
    owner = actor.require_user()
    check_quota(owner)
    try:
        study = _checked_study(owner, task, uploads, patient_name, patient_reference, note, submission_key)
        if twin := _same_submission(study.submission_key):
            return Received(twin, {})
        pictures = of_one_patient(study, read_uploads(uploads))
        kept = detecting(study, pictures) if task == DETECT else (picture for _, picture in pictures)
        return store_study(study, kept, actor)
    except (RefusedUpload, ServerBusy, NotAvailable) as refusal:
        detail = f"{refusal.sha256[:16]} {refusal.reason}" if isinstance(refusal, RefusedFile) else refusal.message
        audit.record("study.refuse", actor=actor, detail=detail)
        db.session.commit()
        raise


def check_quota(owner: User) -> None:
    """Raises TooManyRequests. Refused uploads count as well: decoding them was work too."""
    since = utc_now() - timedelta(minutes=1)
    # What was deleted counts too; asked so because the index holds deleted studies apart, by the time of that.
    kept_or_deleted_since = or_(Study.deleted_at.is_(None), Study.deleted_at > since)
    sent = select(func.count(Study.id)).where(
        Study.owner_id == owner.id, kept_or_deleted_since, Study.created_at > since
    )
    refused = select(func.count(AuditEvent.id)).where(
        AuditEvent.action == "study.refuse", AuditEvent.account == owner.email, AuditEvent.created_at > since
    )
    limit = current_app.config["UPLOADS_PER_MINUTE"]
    if db.session.scalars(sent).one() + db.session.scalars(refused).one() >= limit:
        raise TooManyRequests(f"At most {limit} uploads a minute are accepted. Wait a minute, then send it again.", 60)


def _checked_study(
    owner: User,
    task: str,
    uploads: Sequence[Upload],
    patient_name: str,
    patient_reference: str,
    note: str,
    submission_key: str | None,
) -> Study:
    if task == DETECT:
        _check_detection()
    else:
        check_task(task)
    _check_files(uploads)
    fields = {
        "patient_name": _checked_length("patient's name", clean_line(patient_name), MAX_NAME),
        "patient_reference": _checked_length("patient's reference", clean_line(patient_reference), MAX_REFERENCE),
        "note": _checked_length("note", clean_text(note), MAX_NOTE),
    }
    key = _content_key(submission_key, owner, task, uploads, fields) if submission_key else None
    return Study(owner_id=owner.id, task=task, submission_key=key, **fields)


def check_task(task: str) -> None:
    """Raises RefusedUpload for a task that there is not, or that cannot be answered now."""
    try:
        models.get_task(task)
    except models.UnknownTask:
        raise RefusedUpload("Choose one of the tasks.") from None
    if reason := unavailable_reasons().get(task):
        raise RefusedUpload(f"This task is not available now. {reason}", 503)


def _check_detection() -> None:
    if not available_tasks():
        raise RefusedUpload("No task is available now. Ask an administrator.", 503)


def _check_files(uploads: Sequence[Upload]) -> None:
    most, largest = current_app.config["MAX_IMAGES_PER_STUDY"], current_app.config["MAX_IMAGE_BYTES"]
    if not uploads:
        raise RefusedUpload("Choose at least one image.")
    if len(uploads) > most:
        raise RefusedUpload(f"A study holds at most {most} images, and these are {len(uploads)}. Send fewer.")
    for upload in uploads:
        if len(upload.data) > largest:
            raise RefusedFile(upload, f"The file is larger than {largest // (1024 * 1024)} MB.", 413)


def _checked_length(what: str, text: str, most: int) -> str:
    if len(text) > most:
        raise RefusedUpload(f"The {what} is longer than {most} characters. Shorten it.")
    return text


def _content_key(submission_key: str, owner: User, task: str, uploads: Sequence[Upload], fields: dict[str, str]) -> str:
    """Covers the content too: a form sent again with other files must not answer with the former patient's study."""
    hashes = [hashlib.sha256(upload.data).hexdigest() for upload in uploads]
    content = json.dumps([submission_key, owner.id, task, hashes, fields], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _same_submission(key: str | None) -> Study | None:
    return db.session.scalar(select(Study).where(Study.submission_key == key)) if key else None


def store_study(study: Study, pictures: Iterable[Picture], actor: Actor) -> Received:
    """Store a new study with these images, all or nothing.

    Answers the study that has the same submission key, if there is one already. Raises StorageFailed, and whatever
    `pictures` raises.
    """
    store, names, submission_key = file_store(), [], study.submission_key
    pixels: dict[str, np.ndarray] = {}
    try:
        for position, picture in enumerate(pictures):
            image = picture.row
            names.append(store.put(picture.data, SUFFIXES[image.media_type]))
            if picture.pixels is not None:
                pixels[names[-1]] = picture.pixels
            image.position, image.stored_name = position, names[-1]
            study.images.append(image)
        study.terms = search.make_terms(study)
        db.session.add(study)
        db.session.flush()
        detail = f"{study.task}, detected by the gate" if study.task_detected else study.task
        audit.record("study.create", actor=actor, object_key=study.key, detail=detail)
        db.session.commit()
    except BaseException as error:
        db.session.rollback()
        for name in names:
            store.delete(name)
        # The twin of a double click may have been inserted since we looked.
        twin = _same_submission(submission_key) if isinstance(error, IntegrityError) else None
        if twin is None:
            raise
        return Received(twin, {})
    return Received(study, pixels)
