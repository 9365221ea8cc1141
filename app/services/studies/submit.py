"""Takes in a study: checks every file, stores its pictures without loss and without metadata, inserts the rows."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import NamedTuple

import numpy as np
from flask import current_app
from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError

import models
from app import wording
from app.entities import AuditEvent, Image, Study, User, utc_now
from app.errors import RefusedUpload, TooManyRequests
from app.extensions import db
from app.services import audit
from app.services.actor import Actor
from app.services.decoders import decode_file
from app.services.storage import file_store
from app.services.studies import search
from app.services.studies.analyse import available_tasks, unavailable_reasons
from app.wording.files import unreadable_text

# Sent instead of a task's name: the gate finds the task from the images.
DETECT = "detect"
MAX_NAME = 120
MAX_REFERENCE = 64
MAX_NOTE = 2000
MAX_FILE_NAME = 255
SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png"}
# Overrides of the writing direction can make a name read as another one.
DIRECTION_CONTROLS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


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


class Received(NamedTuple):
    """A study that waits to be analysed, and by the stored name of an image what networks read of it, uint8 RGB."""

    study: Study
    pixels: dict[str, np.ndarray]


class RefusedFile(RefusedUpload):
    """One file is not accepted. The audit trail takes reason and hash, not the name: names of files name patients."""

    def __init__(self, upload: Upload, reason: str, status: int = 422) -> None:
        super().__init__(f"{clean_file_name(upload.filename)}: {reason}", status)
        self.reason = reason
        self.sha256 = hashlib.sha256(upload.data).hexdigest()


class UnclearTask(RefusedFile):
    """The task was left to the gate, which finds none for this file, or another than for the first."""


def receive_study(
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

    `task` is a task's name or DETECT: then the gate finds the one task that reads all these images. Name, reference and
    note have at most MAX_NAME, MAX_REFERENCE and MAX_NOTE characters; the same form (`submission_key`) with the same
    content sent again answers the study that it made the first time. Raises RefusedUpload for what is not accepted,
    TooManyRequests over the quota, ServerBusy when no decoder is free, StorageFailed when the disk does not take it.
    """
    owner = actor.require_user()
    check_quota(owner)
    try:
        study = _checked_study(owner, task, uploads, patient_name, patient_reference, note, submission_key)
        if found := _same_submission(study.submission_key):
            return Received(found, {})
        pictures = _pictures(uploads)
        kept = _detecting(study, pictures) if task == DETECT else (picture for _, picture in pictures)
        return store_study(study, kept, actor)
    except RefusedUpload as refusal:
        detail = f"{refusal.sha256[:16]} {refusal.reason}" if isinstance(refusal, RefusedFile) else refusal.message
        audit.record("study.refuse", actor=actor, detail=detail)
        db.session.commit()
        raise


def clean_line(text: str) -> str:
    """One line of text: control characters and direction overrides dropped, blanks in a row made one."""
    visible = "".join(" " if unicodedata.category(char) in ("Cc", "Cs") else char for char in text)
    return " ".join(DIRECTION_CONTROLS.sub("", visible).split())


def clean_text(text: str) -> str:
    """Text of several lines, each cleaned as clean_line does."""
    return "\n".join(clean_line(line) for line in text.splitlines()).strip()


def clean_file_name(name: str) -> str:
    """The last part of a file name, one line, cut in the middle to 255 characters; only ever shown, never opened."""
    last = clean_line(name.replace("\\", "/").rsplit("/", 1)[-1]) or "image"
    return last if len(last) <= MAX_FILE_NAME else f"{last[: MAX_FILE_NAME - 21]}…{last[-20:]}"


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


def _detecting(study: Study, pictures: Iterable[tuple[Upload, Picture]]) -> Iterator[Picture]:
    """The same pictures; the study's task is found on the way. Raises UnclearTask, or RefusedUpload."""
    for upload, picture in pictures:
        assert picture.pixels is not None, "of an upload they are at hand"
        _agree(study, upload, _detected(upload, picture.pixels))
        yield picture


def _agree(study: Study, upload: Upload, found: models.Task) -> None:
    """The first image of a study gives it its task, the others have to be for the same."""
    if study.task == DETECT:
        if reason := unavailable_reasons().get(found.name):
            raise RefusedUpload(f"These look like images for {found.title}, which is not available now. {reason}", 503)
        study.task, study.task_detected = found.name, True
    elif study.task != found.name:
        first = models.get_task(study.task)
        raise UnclearTask(
            upload,
            f"It looks like an image for {found.title}, but the first image like one for {first.title}. "
            "Send them as two studies, or choose the task.",
        )


def _detected(upload: Upload, pixels: np.ndarray) -> models.Task:
    try:
        detection = models.detect_task(pixels)
    except models.NetworkUnavailable as error:
        raise RefusedUpload(f"The kind of image cannot be found out now: choose the task. {error}", 503) from None
    if detection.task is None:
        assert detection.reason is not None, "there is one where there is no task"
        raise UnclearTask(upload, wording.reason_text(detection.reason))
    return detection.task


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
        detail = f"{study.task}, found by the gate" if study.task_detected else study.task
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


def _pictures(uploads: Sequence[Upload]) -> Iterator[tuple[Upload, Picture]]:
    """Every picture with the upload that it is of, in their order. Raises RefusedFile, and ServerBusy."""
    count, most = 0, current_app.config["MAX_IMAGES_PER_STUDY"]
    for upload in uploads:
        pictures = _pictures_of(upload)
        count += len(pictures)
        if count > most:
            raise RefusedFile(upload, f"With its pages the study has more than {most} images. Send fewer at once.")
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
