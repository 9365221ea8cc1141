"""The reports of many studies as one ZIP: which, how named, to whom, and one at a time."""

import io
import re
import zipfile
from pathlib import Path

import pytest
from pypdf import PdfReader
from sqlalchemy import func, select

from app.entities import AuditEvent, Report, Study, User
from app.extensions import db
from app.services import studies
from app.services.report import read_report, zip_reports
from tests.actors import by
from tests.fakes import picture
from tests.pages import PageClient

pytestmark = pytest.mark.usefixtures("networks")

NAME = re.compile(r"\d{8}-\d{6}-(chest|brain)-[0-9a-f]{32}\.pdf")


def send(owner: User, patient: str, task: str = "chest") -> Study:
    """A study of `owner`, analysed."""
    uploads = [studies.Upload(f"{patient}.jpg", picture())]
    study, _ = studies.submit_study(actor=by(owner), task=task, uploads=uploads, patient_name=patient)
    studies.analyse_study(study)
    return study


def download(client: PageClient, **filters: str) -> zipfile.ZipFile:
    """The ZIP of what these filters of the history find."""
    response = client.post("/reports.zip", query_string=filters)
    assert (response.status_code, response.mimetype) == (200, "application/zip"), response.text
    archive = zipfile.ZipFile(io.BytesIO(response.data))
    assert archive.testzip() is None
    return archive


def patients(archive: zipfile.ZipFile) -> list[str]:
    """Whom each report of the ZIP is about, in its order."""
    pages = [PdfReader(io.BytesIO(archive.read(name))).pages[0].extract_text() for name in archive.namelist()]
    return [re.search(r"Patient\s+(\w+)", page)[1] for page in pages]


def refusal(client: PageClient, **filters: str) -> str:
    """The words with which the history says that there is no such ZIP."""
    response = client.post("/reports.zip", query_string=filters)
    assert response.status_code == 303
    page = client.get(response.location).text
    return re.search(r'<p class="notice error" role="status">(.*?)</p>', page)[1]


def events(action: str) -> list[AuditEvent]:
    return list(db.session.scalars(select(AuditEvent).where(AuditEvent.action == action)))


def test_holds_the_report_of_each_study_in_the_order_of_the_history(clinician):
    for patient in ("Ada", "Grace", "Mary"):
        send(clinician.user, patient)
    assert patients(download(clinician)) == ["Mary", "Grace", "Ada"]
    assert patients(download(clinician, sort="oldest")) == ["Ada", "Grace", "Mary"]


def test_names_of_files_are_unique_and_name_no_patient(clinician):
    send(clinician.user, "Ada")
    send(clinician.user, "Ada")
    names = download(clinician).namelist()
    assert len(set(names)) == 2
    assert all(NAME.fullmatch(name) for name in names), names
    keys = set(db.session.scalars(select(Report.key)))
    assert {name.rsplit("-", 1)[-1].removesuffix(".pdf") for name in names} == keys


def test_the_files_are_the_reports_as_issued(clinician):
    send(clinician.user, "Ada")
    archive = download(clinician)
    report = db.session.scalar(select(Report))
    assert archive.read(archive.namelist()[0]) == read_report(report)


def test_the_filter_holds(clinician):
    send(clinician.user, "Ada", task="brain")
    send(clinician.user, "Grace")
    assert patients(download(clinician, task="brain")) == ["Ada"]
    assert patients(download(clinician, q="grace")) == ["Grace"]


def test_a_page_on_its_way_offers_all_that_the_filter_finds(clinician):
    for patient in ("Ada", "Grace", "Mary"):
        send(clinician.user, patient)
    newest = db.session.scalar(select(Study.key).order_by(Study.id.desc()).limit(1))
    page = clinician.get(f"/studies?task=chest&after={newest}").text
    assert "Mary" not in page and 'action="/reports.zip?task=chest"' in page
    assert patients(download(clinician, task="chest", after=newest)) == ["Mary", "Grace", "Ada"]


def test_rights_hold(clinician, sign_in, reviewer):
    other = sign_in()
    send(clinician.user, "Ada")
    send(other.user, "Grace")
    assert patients(download(clinician)) == ["Ada"]
    assert patients(download(other)) == ["Grace"]
    assert patients(download(clinician, user=str(other.user.id))) == ["Ada"]
    assert patients(download(reviewer)) == ["Grace", "Ada"]


def test_deleted_studies_are_left_out(clinician):
    study = send(clinician.user, "Ada")
    send(clinician.user, "Grace")
    clinician.post(f"/studies/{study.key}/delete")
    assert patients(download(clinician)) == ["Grace"]


def test_each_report_and_the_download_stand_in_the_audit_log(clinician):
    studies = [send(clinician.user, patient) for patient in ("Ada", "Grace")]
    download(clinician)
    assert {event.detail for event in events("report.issue")} == {study.key for study in studies}
    (export,) = events("report.export")
    assert (export.user_id, export.detail, export.address) == (clinician.user.id, "2 studies", "127.0.0.1")


def test_a_report_that_is_still_right_is_not_made_again(clinician):
    send(clinician.user, "Ada")
    first = download(clinician)
    assert download(clinician).namelist() == first.namelist()
    assert db.session.scalar(select(func.count(Report.id))) == 1


def test_too_many_studies_are_refused_with_the_limit(clinician, monkeypatch):
    monkeypatch.setattr("app.services.report.bundle.MAX_STUDIES", 1)
    send(clinician.user, "Ada")
    assert patients(download(clinician)) == ["Ada"]
    send(clinician.user, "Grace")
    words = refusal(clinician, task="chest")
    assert "at most 1 studies" in words
    assert "Narrow the search" in words
    assert len(events("report.export")) == 1


def test_a_refusal_keeps_the_filter(clinician):
    response = clinician.post("/reports.zip?q=nobody&sort=oldest")
    assert response.location == "/studies?q=nobody&sort=oldest"


def test_without_a_study_there_is_nothing_to_download(clinician):
    assert "No study matches" in refusal(clinician)
    assert "Export reports" not in clinician.get("/studies").text


def test_a_damaged_report_does_not_cost_the_others_theirs(app, clinician):
    for patient in ("Ada", "Grace", "Mary"):
        send(clinician.user, patient)
    download(clinician)
    damaged = db.session.scalar(select(Report).order_by(Report.id))
    (Path(app.config["FILES_ROOT"]) / damaged.stored_name).unlink()
    archive = download(clinician)
    *names, last = archive.namelist()
    assert len(names) == 2
    assert last == "not-included.txt"
    words = archive.read(last).decode()
    assert words.startswith(f"Study {damaged.study.key}: ")
    assert "missing or was changed" in words


def test_a_study_deleted_meanwhile_is_named(clinician):
    keys = [send(clinician.user, patient).key for patient in ("Ada", "Grace")]
    clinician.post(f"/studies/{keys[0]}/delete")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(zip_reports(keys=keys, actor=by(clinician.user)))))
    assert NAME.fullmatch(archive.namelist()[0])
    assert archive.read("not-included.txt").decode().startswith(f"Study {keys[0]}: There is nothing")


def test_each_report_is_sent_before_the_next_is_made(clinician):
    keys = [send(clinician.user, patient).key for patient in ("Ada", "Grace", "Mary")]
    portions = zip_reports(keys=keys, actor=by(clinician.user))
    for made in (1, 2, 3):
        assert next(portions).startswith(b"PK\x03\x04")
        assert db.session.scalar(select(func.count(Report.id))) == made
    assert next(portions).startswith(b"PK\x01\x02")  # the list of contents
    assert next(portions, None) is None


def test_headers_keep_the_patients_private(clinician):
    send(clinician.user, "Ada")
    headers = clinician.post("/reports.zip?q=Ada").headers
    assert re.fullmatch(r'attachment; filename="lumen-reports-\d{8}\.zip"', headers["Content-Disposition"])
    assert headers["Cache-Control"] == "no-store"
    assert not any("Ada" in value for value in headers.values())


def test_the_history_offers_it_with_its_filter(clinician):
    send(clinician.user, "Ada")
    page = clinician.get("/studies?task=chest").text
    assert 'action="/reports.zip?task=chest"' in page
    assert "Export reports" in page


def test_it_needs_the_form_and_somebody_signed_in(clinician, client):
    send(clinician.user, "Ada")
    assert clinician.post("/reports.zip", csrf=False).status_code == 400
    assert clinician.get("/reports.zip").status_code == 405
    assert client.post("/reports.zip").status_code == 302
    assert db.session.scalar(select(func.count(Report.id))) == 0
