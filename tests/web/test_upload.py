"""The upload page: what it offers, what it stores, and that a mistake costs nobody what was typed."""

import re

import pytest

import models
from app.entities import AuditEvent, Study
from app.extensions import db
from models.decoders.limits import MAX_PIXELS
from tests.fakes import picture
from tests.sending import send_study, stored_files, upload

pytestmark = pytest.mark.usefixtures("networks")


def test_offers_every_task_with_what_it_answers_and_for_which_image(clinician):
    page = clinician.get("/upload").text
    for task in models.all_tasks():
        assert f'value="{task.name}"' in page
        assert task.title in page
        assert task.question in page
        assert task.image_kind in page


def test_a_task_without_network_is_shown_disabled_with_the_reason(clinician, networks):
    networks.missing = {"brain": "Its graph is damaged."}
    page = clinician.get("/upload").text
    assert re.search(r'value="brain" required disabled', page)
    assert "Not available: Its graph is damaged." in page
    assert not re.search(r'value="chest" required disabled', page)


def test_a_task_without_network_takes_no_study(clinician, networks):
    networks.missing = {"brain": "Its graph is damaged."}
    response = upload(clinician, picture(), task="brain")
    assert response.status_code == 503
    assert "This task is not available now. Its graph is damaged." in response.text
    assert db.session.query(Study).count() == 0
    assert stored_files() == set()


def test_names_the_limits_that_hold(clinician):
    page = clinician.get("/upload").text
    assert f"{MAX_PIXELS // 1_000_000} megapixels" in page
    assert "up to 16\u00a0MB" in page
    assert "at most 8 images and 64\u00a0MB together" in page


def test_stores_a_study_and_shows_its_result(clinician):
    response = upload(
        clinician, picture(), picture(seed=1), patient_name=" Ada  Example ", patient_reference="R-7", note="one\ntwo"
    )
    study = db.session.query(Study).one()
    assert response.status_code == 303
    assert response.location == f"/studies/{study.key}"
    assert (study.patient_name, study.patient_reference, study.note) == ("Ada Example", "R-7", "one\ntwo")
    assert study.owner_id == clinician.user.id
    assert [image.original_name for image in study.images] == ["film-1.jpg", "film-2.jpg"]
    assert len(stored_files()) == 4  # two images, two heatmaps
    assert clinician.get(response.location).status_code == 200


def test_patient_fields_may_stay_empty(clinician):
    assert send_study(clinician).patient_name == ""


@pytest.mark.parametrize("name", ["Łukasz Żółć", "山田 太郎", "محمد علي", "नीलिमा", "O'Brien-Smith", "Zoë 🦴"])
def test_names_of_any_script_are_kept(name, clinician):
    study = send_study(clinician, patient_name=name)
    assert study.patient_name == name


def test_control_characters_and_direction_overrides_are_dropped(clinician):
    study = send_study(clinician, patient_name="Ada\u202e\0\x1b[31m\tExample")
    assert study.patient_name == "Ada [31m Example"


def test_a_mistake_keeps_what_was_typed_and_says_what_to_do(clinician):
    response = upload(clinician, (b"text", "film.jpg"), task="fracture", patient_name="Ada", note="typed")
    assert response.status_code == 422
    assert 'value="Ada"' in response.text
    assert ">\r\ntyped</textarea>" in response.text or ">\ntyped</textarea>" in response.text
    assert re.search(r'value="fracture" required checked', response.text)
    assert (
        '<a href="#images">film.jpg: The file is not a DICOM, JPEG, PNG, TIFF, WebP, HEIC or BMP image' in response.text
    )
    assert "choose your images again" in response.text


def test_the_task_may_be_left_to_the_gate_and_the_result_says_so(clinician, networks):
    networks.detected = [models.Detection(models.get_task("fracture"))]
    response = upload(clinician, picture(), task="detect")
    assert db.session.query(Study).one().task == "fracture"
    assert "The task was detected from the image: Bone fracture." in clinician.get(response.location).text
    assert "Detected from the image, not chosen by the sender." in clinician.get(response.location).text


def test_a_task_that_is_not_found_is_asked_for_and_what_was_typed_stays(clinician, networks):
    networks.detected = [models.Detection(None, models.Reason(models.ReasonCode.UNCLEAR_MODALITY))]
    response = upload(clinician, (picture(), "scan.jpg"), task="detect", patient_name="Ada")
    assert response.status_code == 422
    assert '<a href="#task">scan.jpg: The type of this image is not clear' in response.text
    assert 'value="Ada"' in response.text
    assert re.search(r'value="detect" required checked', response.text)
    assert db.session.query(Study).count() == 0


def test_without_any_network_no_task_can_be_found_from_the_image(clinician, networks):
    assert 'value="detect"' in clinician.get("/upload").text
    networks.missing = {task.name: "Its graph is damaged." for task in models.all_tasks()}
    assert 'value="detect"' not in clinician.get("/upload").text


def test_each_shown_form_has_a_submission_key_of_its_own(clinician):
    keys = {
        re.search(r'name="submission_key"[^>]*value="([0-9a-f]{32})"', clinician.get("/upload").text)[1] for _ in "ab"
    }
    assert len(keys) == 2


def test_is_for_signed_in_users(client):
    response = client.get("/upload")
    assert response.status_code == 302
    assert "/auth/login" in response.location
    assert client.post("/upload", data={"task": "chest"}).status_code == 302
    assert db.session.query(Study).count() == 0


def test_leaves_one_line_in_the_audit_log_without_patient_data(clinician):
    study = send_study(clinician, patient_name="Ada Example")
    event = db.session.query(AuditEvent).filter_by(action="study.create").one()
    assert (event.object_key, event.account, event.detail) == (study.key, clinician.user.email, "chest")
    assert "Ada" not in " ".join(str(value) for value in vars(event).values())
