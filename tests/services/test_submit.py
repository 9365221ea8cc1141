import hashlib

import numpy as np
import pytest

import models
from app.entities import AuditEvent, Study, User
from app.errors import RefusedUpload, TooManyRequests
from app.extensions import db
from app.services import studies
from app.services.storage import file_store
from app.services.studies.files import Upload
from app.services.studies.submit import submit_study
from app.services.text import clean_file_name, clean_line, clean_text
from tests.actors import by
from tests.fakes import picture
from tests.sending import stored_files

pytestmark = pytest.mark.usefixtures("networks")


@pytest.fixture
def owner(make_user) -> User:
    return make_user()


def receive(owner: User, *files: bytes, **facts) -> Study:
    uploads = [Upload(f"film-{number}.jpg", data) for number, data in enumerate(files)]
    return submit_study(actor=by(owner), task=facts.pop("task", "chest"), uploads=uploads, **facts).study


def test_stores_the_facts_of_the_upload(owner):
    data = picture(kind="PNG", size=(320, 240))
    image = receive(owner, data).images[0]
    assert (image.width, image.height, image.media_type) == (320, 240, "image/png")
    assert image.byte_size == len(data)
    assert image.sha256 == hashlib.sha256(data).hexdigest()
    assert image.position == 0


def test_stores_the_same_pixels(owner):
    data = picture(kind="PNG")
    image = receive(owner, data).images[0]
    stored = file_store().get(image.stored_name)
    assert stored != data
    assert np.array_equal(models.read_stored(stored), models.decode_image(data).pixels)


@pytest.mark.parametrize("task", ["chest", "detect"])
def test_hands_on_what_networks_read_so_that_nothing_is_decoded_twice(task, owner, networks, monkeypatch):
    networks.detected = [CHEST, CHEST]
    sent = [picture(seed=0), picture(seed=1, size=(2600, 2600))]
    read_again = []
    monkeypatch.setattr(models, "read_stored", lambda *args: read_again.append(args))
    received = submit_study(
        actor=by(owner), task=task, uploads=[Upload(f"{n}.jpg", data) for n, data in enumerate(sent)]
    )
    assert [received.pixels[image.stored_name].shape for image in received.study.images] == [
        (240, 320, 3), (1300, 1300, 3),
    ]  # fmt: skip
    small = received.study.images[0]
    assert np.array_equal(received.pixels[small.stored_name], models.decode_image(sent[0]).pixels)
    studies.analyse_study(*received)
    assert read_again == []
    assert received.study.images[0].analysis.outcome == "finding"


def test_waits_to_be_analysed(owner):
    assert receive(owner, picture()).status == "waiting"


def test_keeps_the_order_of_the_images(owner):
    study = receive(owner, picture(seed=1), picture(seed=2), picture(seed=3))
    db.session.expire_all()
    assert [image.original_name for image in study.images] == ["film-0.jpg", "film-1.jpg", "film-2.jpg"]


@pytest.mark.parametrize(
    ("files", "facts", "status", "words"),
    [
        ([], {}, 422, "at least one image"),
        ([b""], {}, 422, "film-0.jpg: The file is empty"),
        ([picture()] * 9, {}, 422, "at most 8 images"),
        ([bytes(16 * 1024 * 1024 + 1)], {}, 413, "larger than 16 MB"),
        ([picture()], {"task": "palm_reading"}, 422, "Choose one of the tasks"),
        ([picture()], {"patient_name": "x" * 121}, 422, "120 characters"),
        ([picture()], {"patient_reference": "x" * 65}, 422, "64 characters"),
        ([picture()], {"note": "x" * 2001}, 422, "2000 characters"),
    ],
)
def test_refusals_name_the_rule_and_leave_nothing(files, facts, status, words, owner):
    with pytest.raises(RefusedUpload, match=words) as refusal:
        receive(owner, *files, **facts)
    assert refusal.value.status == status
    assert db.session.query(Study).count() == 0
    assert stored_files() == set()


def test_a_refusal_is_recorded_by_hash_and_reason(owner):
    with pytest.raises(RefusedUpload):
        submit_study(actor=by(owner, "192.0.2.7"), task="chest", uploads=[Upload("Jane Secret.jpg", b"text")])
    event = db.session.query(AuditEvent).one()
    assert event.action == "study.refuse"
    assert event.detail.startswith(hashlib.sha256(b"text").hexdigest()[:16])
    assert "not a DICOM, JPEG, PNG" in event.detail
    assert "Jane" not in event.detail
    assert event.address == "192.0.2.7"


def test_the_largest_file_that_is_accepted_may_be_16_mb(owner):
    data = picture()
    assert receive(owner, data + bytes(16 * 1024 * 1024 - len(data))).status == "waiting"


def test_too_many_in_a_minute(owner, app):
    app.config["UPLOADS_PER_MINUTE"] = 1
    receive(owner, picture())
    with pytest.raises(TooManyRequests, match="At most 1 uploads a minute") as refusal:
        receive(owner, picture(seed=1))
    assert refusal.value.retry_after == 60


def test_the_same_submission_is_one_study(owner):
    first = receive(owner, picture(), submission_key="k", note="n")
    assert receive(owner, picture(), submission_key="k", note="n").id == first.id
    assert receive(owner, picture(), submission_key="k", note="other").id != first.id
    assert receive(owner, picture(), submission_key="k", note="n", task="injury").id != first.id
    assert receive(owner, picture(), submission_key="other", note="n").id != first.id
    assert receive(owner, picture(), note="n").id != receive(owner, picture(), note="n").id


# The task left to the gate


CHEST, BRAIN = (models.Detection(models.get_task(name)) for name in ("chest", "brain"))
UNCLEAR = models.Detection(None, models.Reason(models.ReasonCode.UNCLEAR_MODALITY))


def test_the_gate_finds_the_task(owner, networks):
    networks.detected = [CHEST, CHEST]
    study = receive(owner, picture(), picture(seed=1), task="detect")
    assert (study.task, study.task_detected) == ("chest", True)
    assert db.session.query(AuditEvent).one().detail == "chest, detected by the gate"


def test_the_gate_is_not_asked_again_about_a_form_that_was_sent_before(owner, networks):
    networks.detected = [CHEST]
    first = receive(owner, picture(), task="detect", submission_key="k")
    assert receive(owner, picture(), task="detect", submission_key="k").id == first.id


@pytest.mark.parametrize(
    ("detected", "missing", "status", "words"),
    [
        ([CHEST, UNCLEAR], {}, 422, "film-1.jpg: The type of this image is not clear"),
        ([BRAIN, CHEST], {}, 422, "film-1.jpg: .* for Chest X-ray, but the first image looks like one for Brain MRI"),
        ([BRAIN, BRAIN], {"brain": "No graph."}, 503, "for Brain MRI, which is not available now. No graph."),
        ([models.NetworkUnavailable("No gate.")], {}, 503, "choose the task. No gate."),
        ([], {task.name: "No gate." for task in models.all_tasks()}, 503, "No task is available now"),
    ],
)
def test_without_one_task_for_all_images_nothing_is_stored(detected, missing, status, words, owner, networks):
    networks.detected, networks.missing = detected, missing
    with pytest.raises(RefusedUpload, match=words) as refusal:
        receive(owner, picture(), picture(seed=1), task="detect")
    assert refusal.value.status == status
    assert db.session.query(Study).count() == 0
    assert stored_files() == set()


def test_a_damaged_file_is_told_before_its_task(owner, networks):
    networks.detected = [CHEST]
    with pytest.raises(RefusedUpload, match="The file is not a DICOM, JPEG, PNG"):
        receive(owner, b"text", task="detect")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("film.jpg", "film.jpg"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\x", "x"),
        ("C:\\Users\\Jane\\x.png", "x.png"),
        ("two\r\nlines.jpg", "two lines.jpg"),
        ("nul\0.jpg", "nul .jpg"),
        ("gpj.\u202efdp", "gpj.fdp"),
        ('a"; filename="b.html', 'a"; filename="b.html'),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("", "image"),
        ("a/", "image"),
        ("\t\n", "image"),
    ],
)
def test_file_names_become_one_printable_line(name, shown):
    assert clean_file_name(name) == shown


def test_long_file_names_keep_their_end():
    name = clean_file_name("x" * 400 + ".jpeg")
    assert len(name) == 255
    assert name.endswith(".jpeg")


def test_text_keeps_its_lines_and_joiners():
    assert clean_text(" one \r\n\ttwo\x07 \n\n") == "one\ntwo"
    assert clean_line("نمی\u200cخواهم") == "نمی\u200cخواهم"
