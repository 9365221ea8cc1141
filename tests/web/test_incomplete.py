"""A study with an image that is not done: it says so before anything else, and each image can be tried again."""

import csv
import io
import re
from pathlib import Path

import pytest
from flask import current_app
from pypdf import PdfReader

from app.entities import Analysis, AuditEvent, Image, Review, Study
from app.extensions import db
from app.services.accounts import tokens
from app.services.report import current_report, read_report
from app.services.studies.state import settle
from models import Outcome
from tests.actors import by
from tests.sending import forget, send_study, stored_files

HEADLINE = "1 of 2 images could not be analysed: no result for the study"
BUTTON = "Try image 2 again"


@pytest.fixture
def study(networks, clinician) -> Study:
    """A study of two images, of which the second one failed."""
    networks.failing = (2,)
    return send_study(clinician, images=2, patient_name="Ada Example")


def page_of(client, study: Study) -> str:
    return client.get(f"/studies/{study.key}").text


def retry(client, image: Image, **options):
    return client.post(f"/studies/{image.study.key}/images/{image.key}/analyse", **options)


def words_of(report) -> str:
    return PdfReader(io.BytesIO(read_report(report))).pages[0].extract_text()


def test_the_page_says_first_that_there_is_no_result(study, clinician):
    page = page_of(clinician, study)
    verdict = page[page.index('class="verdict') : page.index("</section>")]
    assert "Incomplete: <" in verdict and HEADLINE in verdict
    assert "is-failed" in verdict and "is-no-finding" not in verdict and "is-finding" not in verdict
    assert "pneumonia" not in verdict.lower()
    assert page.index(HEADLINE) < page.index("Likely pneumonia")


def test_each_image_says_what_became_of_it(study, clinician):
    page = page_of(clinician, study)
    first, second = page.split('id="image-2"')[0].split('id="image-1"')[1], page.split('id="image-2"')[1]
    assert "Likely pneumonia (probability 0.90)" in first and "Try image" not in first
    assert "This image could not be analysed" in second and BUTTON in second
    assert "has been logged. Try again; if it fails again" in second


def test_one_image_is_tried_again_by_itself(study, clinician, networks):
    response = retry(clinician, study.images[1])
    assert (response.status_code, response.location) == (303, f"/studies/{study.key}#image-2")
    page = page_of(clinician, study)
    assert "Finding: <" in page and HEADLINE not in page and BUTTON not in page
    assert networks.calls == 3
    assert [len(image.analyses) for image in study.images] == [1, 1]
    assert (study.status, study.outcome, study.lead_label) == ("done", "finding", "pneumonia")
    event = db.session.query(AuditEvent).filter_by(action="study.retry").one()
    assert (event.user_id, event.object_key, event.detail) == (clinician.user.id, study.key, study.images[1].key)


def test_what_fails_again_says_so_again(study, clinician, networks):
    networks.failing = (3,)
    retry(clinician, study.images[1])
    assert HEADLINE in page_of(clinician, study)
    assert db.session.query(Analysis).count() == 1


def test_the_study_is_tried_again_where_it_is_not_done(study, clinician, networks):
    assert clinician.post(f"/studies/{study.key}/analyse").status_code == 303
    assert networks.calls == 3
    assert (study.status, study.outcome) == ("done", "finding")


def test_an_image_that_is_done_stays_as_it_is(study, clinician, networks):
    assert retry(clinician, study.images[0]).status_code == 303
    assert networks.calls == 2
    assert study.status == "incomplete"


def test_nobody_else_tries_it_again_and_nobody_without_the_form(study, clinician, sign_in, networks):
    assert retry(sign_in(), study.images[1]).status_code == 404
    assert retry(clinician, study.images[1], csrf=False).status_code == 400
    assert clinician.post(f"/studies/{study.key}/images/{'0' * 32}/analyse").status_code == 404
    assert networks.calls == 2


def test_an_image_that_is_being_analysed_holds_the_result_back(study, clinician):
    study.images[1].status = "running"
    settle(study.images[1].id)
    db.session.commit()
    page = page_of(clinician, study)
    assert "Being analysed: <" in page and "The images are being analysed: 1 of 2 images are done" in page
    assert 'http-equiv="refresh"' in page
    assert "This image is being analysed" in page


def test_there_is_nothing_to_review_yet(study, reviewer, networks):
    page = page_of(reviewer, study)
    assert "can be reviewed once all its images have been analysed" in page and 'name="agrees"' not in page
    response = reviewer.post(f"/studies/{study.key}/review", data={"agrees": "yes"})
    assert response.status_code == 422
    assert db.session.query(Review).count() == 0
    retry(reviewer, study.images[1])
    assert reviewer.post(f"/studies/{study.key}/review", data={"agrees": "yes"}).status_code == 303


def test_the_history_shows_and_finds_it_by_its_status(study, clinician):
    send_study(clinician, patient_name="Whole")
    for address in ("/studies", "/studies?status=incomplete"):
        row = re.search(r"<tr>(?:(?!</tr>).)*Ada Example.*?</tr>", clinician.get(address).text, re.DOTALL).group()
        assert "Incomplete" in row and "Pneumonia" not in row
    page = clinician.get("/studies?status=incomplete").text
    assert "1 study found" in page and "Whole" not in page and "Status: Incomplete" in page
    assert "Ada Example" not in clinician.get("/studies?outcome=finding").text
    assert "Ada Example" not in clinician.get("/studies?status=done").text


def test_the_table_has_its_status_and_no_outcome(study, clinician):
    rows = list(csv.DictReader(io.StringIO(clinician.get("/studies.csv").text.lstrip("\ufeff"))))
    assert [(row["status"], row["outcome"], row["label"], row["probability"]) for row in rows] == [
        ("incomplete", "", "", "")
    ]


def test_programs_are_told(study, client, clinician):
    _, token = tokens.create_token(user=clinician.user, name="script", actor=by(clinician.user))
    headers = {"Authorization": f"Bearer {token}"}
    answer = client.get(f"/api/v1/studies/{study.key}", headers=headers).json
    assert (answer["status"], answer["headline"]) == ("incomplete", HEADLINE)
    assert (answer["outcome"], answer["label"], answer["probability"]) == (None, None, None)
    assert (answer["findings"], answer["heads"], answer["timings_ms"]) == ([], [], {})
    assert [(image["status"], image["outcome"]) for image in answer["images"]] == [
        ("done", "finding"),
        ("failed", None),
    ]
    assert answer["images"][0]["findings"] and not answer["images"][1]["findings"]
    listed = client.get("/api/v1/studies?status=incomplete", headers=headers).json["items"]
    assert [(item["status"], item["outcome"]) for item in listed] == [("incomplete", None)]


def test_the_report_says_so_first_and_a_new_one_follows(study, clinician):
    incomplete = current_report(study=study, actor=by(clinician.user))
    words = words_of(incomplete)
    assert words.index(HEADLINE) < words.index("Likely pneumonia")
    assert current_report(study=study, actor=by(clinician.user)).key == incomplete.key
    retry(clinician, study.images[1])
    db.session.rollback()
    whole = current_report(study=study, actor=by(clinician.user))
    assert whole.key != incomplete.key and HEADLINE not in words_of(whole)


def test_a_file_that_is_away_is_told_everywhere_and_tried_again_when_it_is_back(study, clinician, networks):
    networks.outcome = Outcome.NO_FINDING
    forget(study.images[0])
    file = Path(current_app.config["FILES_ROOT"]) / study.images[1].stored_name
    away = file.rename(file.with_suffix(".away"))
    clinician.post(f"/studies/{study.key}/analyse")
    page = page_of(clinician, study)
    assert page.index(HEADLINE) < page.index('id="image-1"')
    assert "No finding" in page and "verdict is-no-finding" not in page
    assert "stored file" in page[page.index('id="image-2"') :] and BUTTON in page
    words = words_of(current_report(study=study, actor=by(clinician.user)))
    assert words.index(HEADLINE) < words.index("(probability 0.90)")
    _, token = tokens.create_token(user=clinician.user, name="script", actor=by(clinician.user))
    answer = clinician.get(f"/api/v1/studies/{study.key}", headers={"Authorization": f"Bearer {token}"}).json
    assert (answer["status"], answer["outcome"], answer["headline"]) == ("incomplete", None, HEADLINE)
    away.rename(file)
    assert retry(clinician, study.images[1]).status_code == 303
    page = page_of(clinician, study)
    assert HEADLINE not in page and "verdict is-no-finding" in page
    assert (study.status, study.outcome) == ("done", "no_finding")


def test_the_failure_leaves_no_heatmap(study):
    assert len(stored_files()) == 3  # two images, the heatmap of the first


def test_nothing_is_green_until_every_image_is_done(networks, clinician):
    networks.outcome, networks.failing = Outcome.NO_FINDING, (2,)
    study = send_study(clinician, images=2)
    page = page_of(clinician, study)
    assert "No finding" in page and "is-no-finding" not in page
    retry(clinician, study.images[1])
    assert "is-no-finding" in page_of(clinician, study)
