from datetime import timedelta
from pathlib import Path

from app.entities import Analysis, AuditEvent, Finding, Image, Report, Review, SearchTerm, Study, utc_now
from app.extensions import db
from app.services import studies
from app.services.report import issue_report
from app.services.studies.files import Upload
from tests.actors import by
from tests.fakes import picture


def make_study(owner, reviewer) -> Study:
    uploads = [Upload(f"film{number}.jpg", picture(seed=number)) for number in range(2)]
    study, _ = studies.submit_study(actor=by(owner), task="chest", uploads=uploads, patient_name="Ada")
    studies.analyse_study(study)
    studies.record_review(study=study, agrees=True, correct_label="", comment="", actor=by(reviewer))
    issue_report(study=study, actor=by(owner))
    return study


def files(app) -> set[str]:
    return {path.name for path in Path(app.config["FILES_ROOT"]).rglob("*") if path.is_file()}


def test_removes_rows_and_files_of_what_was_deleted_long_ago(app, networks, make_user):
    owner, reviewer = make_user(), make_user("reviewer")
    kept = make_study(owner, reviewer)
    kept_files = files(app)
    recent, old = make_study(owner, reviewer), make_study(owner, reviewer)
    for study in (recent, old):
        studies.delete_study(study=study, actor=by(owner))
    old.deleted_at = utc_now() - timedelta(days=31)
    db.session.commit()
    old_key, recent_key = old.key, recent.key

    assert studies.purge_studies(deleted_before_days=30, actor=by()) == 1
    assert set(db.session.scalars(db.select(Study.key))) == {kept.key, recent_key}
    assert studies.purge_studies(deleted_before_days=0, actor=by()) == 1

    assert db.session.scalars(db.select(Study.key)).all() == [kept.key]
    counts = {table: db.session.query(table).count() for table in (Image, Analysis, Review, Report)}
    assert counts == {Image: 2, Analysis: 2, Review: 1, Report: 1}
    assert set(db.session.scalars(db.select(SearchTerm.study_id))) == {kept.id}
    assert {finding.analysis.image.study_id for finding in db.session.query(Finding)} == {kept.id}
    assert files(app) == kept_files
    purged = db.select(AuditEvent.object_key).where(AuditEvent.action == "study.purge").order_by(AuditEvent.id)
    assert db.session.scalars(purged).all() == [old_key, recent_key]


def test_finishes_what_an_interrupted_run_left(app, networks, make_user):
    study = make_study(make_user(), make_user("reviewer"))
    study.deleted_at = utc_now() - timedelta(days=40)
    db.session.commit()
    for path in list(Path(app.config["FILES_ROOT"]).rglob("*.jpg")):
        path.unlink()
    assert studies.purge_studies(deleted_before_days=30, actor=by()) == 1
    assert files(app) == set()
