"""Images that the gate refused as odd, sent again put right."""

import numpy as np
import pytest

import models
from app.entities import AuditEvent, Study
from app.errors import RefusedUpload, TooManyRequests
from app.extensions import db
from app.services import studies
from app.services.storage import file_store
from app.services.studies.files import Upload
from app.services.studies.submit import submit_study
from models import Outcome, Reason, ReasonCode
from tests.actors import by
from tests.fakes import picture
from tests.sending import stored_files

TURNED, INVERTED = Reason(ReasonCode.TURNED, {"turned": "left"}), Reason(ReasonCode.INVERTED)


@pytest.fixture
def owner(make_user):
    return make_user()


def refused(networks, owner, reason: Reason, kind: str = "JPEG", size: tuple[int, int] = (320, 240)) -> Study:
    networks.outcome, networks.reason = Outcome.NOT_ASSESSED, reason
    uploads = [Upload(f"film.{kind.lower()}", picture(kind=kind, size=size))]
    study, _ = submit_study(actor=by(owner), task="chest", uploads=uploads, patient_name="Ada", note="cough")
    studies.analyse_study(study)
    db.session.refresh(study)
    return study


def righted(study: Study, who=None) -> Study:
    return studies.send_righted(study=study, image=study.images[0], actor=by(who or study.owner))


def pixels_of(image) -> np.ndarray:
    return models.read_stored(file_store().get(image.stored_name), image.orientation)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize(("turned", "quarters"), [("left", 3), ("upside_down", 2), ("right", 1)])
def test_a_turned_image_is_sent_upright_without_loss(networks, owner, kind, turned, quarters):
    study = refused(networks, owner, Reason(ReasonCode.TURNED, {"turned": turned}), kind)
    (image,) = righted(study).images
    upright = pixels_of(image)
    assert np.array_equal(upright, np.rot90(pixels_of(study.images[0]), quarters))
    assert (image.height, image.width) == upright.shape[:2]
    assert file_store().get(image.stored_name) == file_store().get(study.images[0].stored_name)


def test_an_inverted_image_is_sent_the_usual_way_round(networks, owner):
    study = refused(networks, owner, INVERTED)
    (image,) = righted(study).images
    assert np.array_equal(pixels_of(image), 255 - pixels_of(study.images[0]))
    assert (image.media_type, image.width, image.height) == ("image/png", 320, 240)


@pytest.mark.parametrize(
    ("layout", "axis", "names"),
    [("beside", 1, ["left half", "right half"]), ("above", 0, ["upper half", "lower half"])],
)
def test_two_pictures_are_sent_each_by_itself(networks, owner, layout, axis, names):
    study = refused(networks, owner, Reason(ReasonCode.TWO_PICTURES, {"layout": layout}))
    copy = righted(study)
    assert [image.original_name for image in copy.images] == [f"film.jpeg, {name}" for name in names]
    assert [image.position for image in copy.images] == [0, 1]
    halves = [pixels_of(image) for image in copy.images]
    assert np.array_equal(np.concatenate(halves, axis=axis), pixels_of(study.images[0]))
    assert [(image.height, image.width) for image in copy.images] == [half.shape[:2] for half in halves]


def test_the_new_study_is_the_patients_and_the_audit_log_tells_who_made_it(networks, owner, make_user):
    study, reviewer = refused(networks, owner, TURNED), make_user("reviewer")
    copy = righted(study, who=reviewer)
    assert (copy.task, copy.owner, copy.status) == ("chest", owner, "waiting")
    assert (copy.patient_name, copy.note, copy.copied_from) == ("Ada", "cough", study)
    events = db.session.query(AuditEvent).filter_by(user_id=reviewer.id).order_by(AuditEvent.id)
    assert [(event.action, event.object_key, event.detail) for event in events] == [
        ("study.right", study.key, f"{study.images[0].key} turned"),
        ("study.create", copy.key, "chest"),
    ]


def test_asking_again_answers_the_same_study_until_that_is_deleted(networks, owner):
    study = refused(networks, owner, TURNED)
    first = righted(study)
    assert righted(study) is first
    assert [remedy.copy for remedy in studies.list_remedies(study)] == [first]
    studies.delete_study(study=first, actor=by(owner))
    assert righted(study) is not first


def test_what_cannot_be_put_right_is_refused(networks, owner):
    study = refused(networks, owner, Reason(ReasonCode.DRAWN_ON))
    assert studies.list_remedies(study) == []
    with pytest.raises(RefusedUpload, match="nothing to put right"):
        righted(study)


@pytest.mark.parametrize("reason", [TURNED, INVERTED])
def test_a_missing_file_leaves_nothing_behind(networks, owner, reason):
    study = refused(networks, owner, reason)
    file_store().delete(study.images[0].stored_name)
    files = stored_files()
    with pytest.raises(RefusedUpload, match="missing"):
        righted(study)
    assert stored_files() == files
    assert db.session.query(Study).count() == 1


def test_a_damaged_file_is_told(networks, owner):
    study = refused(networks, owner, INVERTED, "PNG")
    store, image = file_store(), study.images[0]
    image.stored_name = store.put(b"no picture", ".png")
    db.session.commit()
    with pytest.raises(RefusedUpload, match="damaged"):
        righted(study)


def test_they_count_as_uploads(app, networks, owner):
    study = refused(networks, owner, TURNED)
    app.config["UPLOADS_PER_MINUTE"] = 1
    with pytest.raises(TooManyRequests):
        righted(study)


def test_a_name_that_fills_its_column_gives_way_to_the_half(networks, owner):
    study = refused(networks, owner, Reason(ReasonCode.TWO_PICTURES, {"layout": "beside"}))
    study.images[0].original_name = "n" * 255
    db.session.commit()
    names = [image.original_name for image in righted(study).images]
    assert [len(name) for name in names] == [255, 255]
    assert names[1].endswith("n, right half")
