"""Deleting a study hides it; purging removes, for good, what was deleted some time ago."""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import delete, select, update

from app.entities import Acquisition, Analysis, Finding, Image, Report, Review, SearchTerm, Study, User, utc_now
from app.errors import Forbidden
from app.extensions import db
from app.services import audit
from app.services.actor import Actor
from app.services.storage import file_store
from app.services.studies.claim import heatmap_names


def may_delete(study: Study, user: User) -> bool:
    """The sender of a study and administrators may."""
    return user.is_admin or user.id == study.owner_id


def delete_study(*, study: Study, actor: Actor) -> None:
    """Hide the study everywhere; rows and files stay until they are purged. Raises Forbidden."""
    user = actor.require_user()
    if not may_delete(study, user):
        raise Forbidden("Only the user who sent a study, or an administrator, may delete it.")
    study.deleted_at = utc_now()
    study.deleted_by_id = user.id
    audit.record("study.delete", actor=actor, object_key=study.key)
    db.session.commit()


def purge_studies(*, deleted_before_days: int, actor: Actor) -> int:
    """Remove files and rows of studies deleted at least so many days ago; the audit log stays. Returns their number.

    Each study is committed by itself, its files going first: an interrupted run is finished by the next one.
    """
    limit = utc_now() - timedelta(days=deleted_before_days)
    studies = db.session.scalars(select(Study).where(Study.deleted_at <= limit).order_by(Study.id)).all()
    for study in studies:
        for name in _file_names(study):
            file_store().delete(name)
        audit.record("study.purge", actor=actor, object_key=study.key)
        _delete_rows(study.id)
        db.session.commit()
    return len(studies)


def _file_names(study: Study) -> Iterator[str]:
    for image in study.images:
        yield image.stored_name
        yield from heatmap_names(image.claim)
        yield from (finding.saliency_name for analysis in image.analyses for finding in analysis.mapped_findings)
    yield from (report.stored_name for report in study.reports)


def _delete_rows(study_id: int) -> None:
    images = select(Image.id).where(Image.study_id == study_id)
    analyses = select(Analysis.id).where(Analysis.image_id.in_(images))
    db.session.execute(delete(Finding).where(Finding.analysis_id.in_(analyses)))
    for table in (Analysis, Acquisition):
        db.session.execute(delete(table).where(table.image_id.in_(images)))
    for owned in (Image, Review, Report, SearchTerm):
        db.session.execute(delete(owned).where(owned.study_id == study_id))
    db.session.execute(update(Study).where(Study.copied_from_id == study_id).values(copied_from_id=None))
    db.session.execute(delete(Study).where(Study.id == study_id))
