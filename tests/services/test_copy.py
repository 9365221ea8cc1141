"""Stored images sent again for the task that the gate offered."""

import pytest

from app.entities import AuditEvent, Study, utc_now
from app.errors import RefusedUpload, TooManyRequests
from app.extensions import db
from app.services import studies
from app.services.storage import file_store
from app.services.studies.files import Upload
from app.services.studies.submit import submit_study
from models import Outcome
from tests.actors import by
from tests.fakes import picture
from tests.sending import stored_files


@pytest.fixture
def owner(make_user):
    return make_user()


@pytest.fixture
def refused(networks, owner) -> Study:
    """Two images sent for the chest, of which the second looks like one of the skin."""
    networks.outcome, networks.suggested = Outcome.NOT_ASSESSED, "skin_lesion"
    uploads = [Upload("film.jpg", picture()), Upload("mole.png", picture(kind="PNG", seed=1))]
    study, _ = submit_study(actor=by(owner), task="chest", uploads=uploads, patient_name="Ada", note="left arm")
    studies.analyse_study(study)
    study.images[0].analysis.suggested_task = ""
    db.session.commit()
    return study


def copy_of(study: Study, who=None, task: str = "skin_lesion") -> Study:
    return studies.copy_study(study=study, task=task, actor=by(who or study.owner))


def test_a_copy_holds_the_images_that_fit_and_the_facts_of_the_patient(refused, owner):
    copy = copy_of(refused)
    assert (copy.task, copy.status, copy.outcome, copy.owner) == ("skin_lesion", "waiting", "", owner)
    assert (copy.patient_name, copy.note, copy.copied_from) == ("Ada", "left arm", refused)
    (image,) = copy.images
    source = refused.images[1]
    assert (image.original_name, image.sha256, image.media_type) == ("mole.png", source.sha256, "image/png")
    assert image.stored_name != source.stored_name
    assert file_store().get(image.stored_name) == file_store().get(source.stored_name)


def test_a_reviewer_makes_it_for_the_sender_and_the_audit_log_tells(refused, owner, make_user):
    reviewer = make_user("reviewer")
    copy = copy_of(refused, who=reviewer)
    assert copy.owner == owner
    events = db.session.query(AuditEvent).filter_by(user_id=reviewer.id).order_by(AuditEvent.id)
    told = [(event.action, event.object_key, event.detail) for event in events]
    assert told == [("study.copy", refused.key, "skin_lesion"), ("study.create", copy.key, "skin_lesion")]


def test_asking_again_answers_the_same_copy_until_that_is_deleted(refused, owner):
    first = copy_of(refused)
    assert copy_of(refused) is first
    studies.delete_study(study=first, actor=by(owner))
    assert copy_of(refused) is not first


def test_two_requests_at_once_make_one_copy(refused, monkeypatch):
    """Neither sees the other's copy when it looks; the second one to insert finds it by its submission key."""
    first = copy_of(refused)
    files = stored_files()
    offer = studies.Offer("skin_lesion", (refused.images[1],), None)
    monkeypatch.setattr("app.services.studies.copy.list_offers", lambda study: [offer])
    monkeypatch.setattr("app.services.studies.copy._submission_key", lambda study, task: first.submission_key)
    assert copy_of(refused) is first
    assert stored_files() == files


def test_what_the_gate_did_not_offer_is_refused(refused):
    with pytest.raises(RefusedUpload, match="No image of this study"):
        copy_of(refused, task="brain")


def test_a_missing_file_leaves_nothing_behind(refused):
    file_store().delete(refused.images[1].stored_name)
    files = stored_files()
    with pytest.raises(RefusedUpload, match="missing"):
        copy_of(refused)
    assert stored_files() == files
    assert db.session.query(Study).count() == 1


def test_copies_count_as_uploads(app, refused):
    app.config["UPLOADS_PER_MINUTE"] = 1
    with pytest.raises(TooManyRequests):
        copy_of(refused)


@pytest.mark.parametrize("purged", ["source", "copy"])
def test_source_and_copy_are_purged_apart(purged, refused, owner):
    copy = copy_of(refused)
    gone, kept = (refused, copy) if purged == "source" else (copy, refused)
    gone.deleted_at = utc_now()
    db.session.commit()
    assert studies.purge_studies(deleted_before_days=0, actor=by()) == 1
    db.session.expire_all()
    assert db.session.query(Study).all() == [kept]
    assert (kept.copied_from, kept.copies) == (None, [])
    assert all(file_store().get(image.stored_name) for image in kept.images)
