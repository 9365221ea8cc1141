"""The states of a study, which follow from its images: computed here alone, and stored for the history."""

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import selectinload

import models
from app.entities import Analysis, Image, ImageStatus, Study, StudyStatus
from app.extensions import db

# Of several images the first of these decides the study.
ORDER = (
    models.Outcome.FINDING,
    models.Outcome.INCONCLUSIVE,
    models.Outcome.NO_FINDING,
    models.Outcome.NOT_ASSESSED,
)


def status_of(images: Collection[str]) -> StudyStatus:
    """The status of a study, by those of its images: running while one is, else waiting while one is to be analysed,
    else incomplete if one has failed, else done.
    """
    if ImageStatus.RUNNING in images:
        return StudyStatus.RUNNING
    if ImageStatus.RECEIVED in images:
        return StudyStatus.WAITING
    return StudyStatus.INCOMPLETE if ImageStatus.FAILED in images else StudyStatus.DONE


def lead_analysis(study: Study) -> Analysis | None:
    """The analysis of the image that decides the study's outcome; None while an image of the study is not done."""
    return _lead(study.images)


def settle(image_id: int) -> None:
    """Store what the study of this image amounts to now: status, outcome, label and probability.

    Called in the transaction that has changed the image, before anything else is read in it: the study's row is locked
    first, so that of two images that are finished at once the second one's transaction sees the first one's.
    """
    db.session.flush()
    fresh = {"populate_existing": True}
    study = db.session.scalars(
        select(Study).join(Study.images).where(Image.id == image_id).with_for_update(), execution_options=fresh
    ).one()
    images = db.session.scalars(
        select(Image).where(Image.study_id == study.id).options(selectinload(Image.analyses)), execution_options=fresh
    ).all()
    lead = _lead(images)
    study.status = status_of([image.status for image in images])
    study.outcome = lead.outcome if lead else ""
    study.lead_label = lead.lead_label if lead else ""
    study.lead_probability = lead.lead_probability if lead else None


def _lead(images: Sequence[Image]) -> Analysis | None:
    if status_of([image.status for image in images]) != StudyStatus.DONE:
        return None
    return _first(image.analysis for image in images if image.analysis)


def _first(analyses: Iterable[Analysis]) -> Analysis | None:
    """The analysis that decides; None of none. Of equal ones it is the first image's."""
    return min(
        analyses,
        key=lambda analysis: (ORDER.index(models.Outcome(analysis.outcome)), -(analysis.lead_probability or 0.0)),
        default=None,
    )
