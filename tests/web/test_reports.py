"""Making a report and downloading it."""

import hashlib
import io
from pathlib import Path

import pytest
from pypdf import PdfReader
from sqlalchemy import func, select

from app.entities import AuditEvent, Report, Study
from app.extensions import db
from app.services import studies
from tests.actors import by
from tests.fakes import picture

pytestmark = pytest.mark.usefixtures("networks")


@pytest.fixture
def study(clinician) -> Study:
    """A study of `clinician`, analysed."""
    upload = studies.Upload("jane-doe.jpg", picture())
    study, _ = studies.submit_study(actor=by(clinician.user), task="chest", uploads=[upload], patient_name="Jane Doe")
    studies.analyse_study(study)
    return study


def issue(client, study: Study) -> Report:
    assert client.post(f"/studies/{study.key}/reports").status_code == 303
    return db.session.scalar(select(Report).order_by(Report.id.desc()))


def test_make_leads_back_to_the_result_which_lists_the_report(clinician, study):
    response = clinician.post(f"/studies/{study.key}/reports")
    assert (response.status_code, response.location) == (303, f"/studies/{study.key}")
    report = db.session.scalar(select(Report))
    page = clinician.get(response.location)
    assert "The report was created." in page.text
    assert f"/reports/{report.key}.pdf" in page.text


def test_download_is_what_was_issued(clinician, study):
    report = issue(clinician, study)
    response = clinician.get(f"/reports/{report.key}.pdf")
    assert response.status_code == 200
    assert hashlib.sha256(response.data).hexdigest() == report.sha256
    words = PdfReader(io.BytesIO(response.data)).pages[0].extract_text()
    assert "Jane Doe" in words
    assert report.key in words
    again = clinician.get(f"/reports/{report.key}.pdf")
    assert again.data == response.data


def test_download_headers_keep_the_patient_private(clinician, study):
    headers = clinician.get(f"/reports/{issue(clinician, study).key}.pdf").headers
    report = db.session.scalar(select(Report))
    assert headers["Content-Type"] == "application/pdf"
    assert headers["Content-Disposition"] == f'attachment; filename="lumen-{report.key}.pdf"'
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "sandbox" in headers["Content-Security-Policy"]
    assert not any("Jane" in value for value in headers.values())


def test_each_report_is_kept(clinician, study):
    first, second = issue(clinician, study), issue(clinician, study)
    assert first.key != second.key
    assert clinician.get(f"/reports/{first.key}.pdf").status_code == 200
    assert db.session.scalar(select(func.count(AuditEvent.id)).where(AuditEvent.action == "report.issue")) == 2


def test_others_find_nothing(clinician, study, sign_in, client):
    report = issue(clinician, study)
    stranger = sign_in()
    assert stranger.get(f"/reports/{report.key}.pdf").status_code == 404
    assert stranger.post(f"/studies/{study.key}/reports").status_code == 404
    assert client.get(f"/reports/{report.key}.pdf").status_code == 302
    assert sign_in("reviewer").get(f"/reports/{report.key}.pdf").status_code == 200
    assert db.session.scalar(select(func.count(Report.id))) == 1


@pytest.mark.parametrize("key", ["0" * 32, "1", "..%2F..%2Fsecret_key", "%00", "x" * 500])
def test_unknown_keys_are_not_found(clinician, key):
    assert clinician.get(f"/reports/{key}.pdf").status_code == 404


def test_reports_of_a_deleted_study_are_gone(clinician, study):
    report = issue(clinician, study)
    clinician.post(f"/studies/{study.key}/delete")
    assert clinician.get(f"/reports/{report.key}.pdf").status_code == 404
    assert clinician.post(f"/studies/{study.key}/reports").status_code == 404


def test_a_changed_file_is_not_sent(app, clinician, study):
    report = issue(clinician, study)
    path = Path(app.config["FILES_ROOT"]) / report.stored_name
    path.write_bytes(path.read_bytes() + b"%")
    response = clinician.get(f"/reports/{report.key}.pdf")
    assert response.status_code == 500
    assert "Report damaged" in response.text
    assert response.mimetype == "text/html"


def test_making_a_report_needs_the_form(clinician, study):
    assert clinician.post(f"/studies/{study.key}/reports", csrf=False).status_code == 400
    assert clinician.get(f"/studies/{study.key}/reports").status_code == 405
    assert db.session.scalar(select(func.count(Report.id))) == 0
