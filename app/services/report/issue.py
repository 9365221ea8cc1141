"""Issues reports and finds them again. A report is a document: once issued, its bytes never change."""

import hashlib
import logging
from datetime import datetime

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import joinedload

import models
from app.entities import Image, Report, Study, User, new_key, utc_now
from app.errors import AppError, NotFound
from app.extensions import db
from app.services import audit, studies
from app.services.actor import Actor
from app.services.report.compose import build_report
from app.services.report.pdf import render_pdf
from app.services.storage import MissingFile, file_store

__all__ = ["DamagedReport", "build_report", "current_report", "get_report", "issue_report", "read_report"]

log = logging.getLogger("lumen")

# Longest side of a printed picture in pixels: about 220 per inch at half the width of the page.
PICTURE_SIDE = 760


class DamagedReport(AppError):
    """The stored file is gone, or no longer what was issued."""

    def __init__(self) -> None:
        super().__init__(
            500,
            "Report damaged",
            "The stored file of this report is missing or was changed, so it is not shown. "
            "Create a new report of the study, and tell the operator of this server.",
        )


def issue_report(*, study: Study, actor: Actor) -> Report:
    """Render the report of a study and store it with its hash.

    Raises StorageFailed, and ValueError for a stored image that was damaged; then nothing is left behind.
    """
    key, issued_at, author = new_key(), utc_now(), actor.require_user()
    data = render_pdf(
        build_report(study), document_id=key, issued_at=issued_at, issued_by=author.name, pictures=_pictures(study)
    )
    name = file_store().put(data, ".pdf")
    try:
        report = Report(
            key=key,
            created_at=issued_at,
            study_id=study.id,
            author_id=author.id,
            sha256=hashlib.sha256(data).hexdigest(),
            byte_size=len(data),
            stored_name=name,
        )
        db.session.add(report)
        audit.record("report.issue", actor=actor, object_key=key, detail=study.key)
        db.session.commit()
    except BaseException:
        db.session.rollback()
        file_store().delete(name)
        raise
    return report


def current_report(*, study: Study, actor: Actor) -> Report:
    """The newest report if nothing was added to the study since; a new one otherwise. Raises as `issue_report`."""
    newest = study.reports[-1] if study.reports else None
    if newest and newest.created_at > _changed_at(study):
        return newest
    return issue_report(study=study, actor=actor)


def get_report(key: str, viewer: User) -> Report:
    """The report of this document id. Raises NotFound unless the viewer may see its study."""
    report = db.session.scalar(select(Report).where(Report.key == key).options(joinedload(Report.study)))
    if report is None:
        raise NotFound()
    studies.get_study(report.study.key, viewer)
    return report


def read_report(report: Report) -> bytes:
    """The PDF as it was issued. Raises DamagedReport if the store holds anything else."""
    try:
        data = file_store().get(report.stored_name)
    except MissingFile:
        data = b""
    if hashlib.sha256(data).hexdigest() != report.sha256:
        log.error("The stored file of report %s is missing or was changed", report.key)
        raise DamagedReport
    return data


def _changed_at(study: Study) -> datetime:
    analyses = (analysis for image in study.images for analysis in image.analyses)
    tried = (moment for image in study.images for moment in (image.claimed_at, image.failed_at) if moment)
    return max([study.created_at, *tried, *(row.created_at for row in (*analyses, *study.reviews))])


def _pictures(study: Study) -> dict[str, tuple[bytes, bytes | None]]:
    """Key of an image -> the picture and its first heatmap laid over it, as printed.

    An image whose file is gone or damaged is left out.
    """
    pictures = {}
    for image in study.images:
        try:
            pixels = models.read_stored(file_store().get(image.stored_name), image.orientation, PICTURE_SIDE)
        except (MissingFile, models.UnreadableImage):
            continue
        original, _ = models.render_view("original", pixels, None, max_side=PICTURE_SIDE)
        pictures[image.key] = (original, _overlay(image, pixels))
    return pictures


def _overlay(image: Image, pixels: np.ndarray) -> bytes | None:
    mapped = image.analysis.mapped_findings if image.analysis else []
    if not mapped:
        return None
    try:
        saliency = models.decode_saliency(file_store().get(mapped[0].saliency_name))
    except MissingFile:
        return None
    return models.render_view("overlay", pixels, saliency, max_side=PICTURE_SIDE)[0]
