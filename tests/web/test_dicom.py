"""DICOM files as a clinician sends them: the patient fills in, the header speaks, nothing else of the file is kept."""

import json

import numpy as np
import pytest

import models
from app.entities import Acquisition, AuditEvent, Image, Study
from app.extensions import db
from app.services import studies
from app.services.storage import file_store
from models import Header, Reason, ReasonCode
from tests.actors import by
from tests.ml.dicom_files import dicom_file, grey_samples
from tests.sending import stored_files, upload

pytestmark = pytest.mark.usefixtures("networks")
SAMPLES = grey_samples()


def film(**elements) -> bytes:
    return dicom_file(SAMPLES, bits=12, **elements)


def send(clinician, *files: bytes, **fields: str) -> Study:
    response = upload(clinician, *((data, f"IM{number:04}") for number, data in enumerate(files)), **fields)
    assert response.status_code == 303, response.text
    return db.session.query(Study).filter_by(key=response.location.rsplit("/", 1)[-1]).one()


def refused(clinician, *files: bytes, **fields: str) -> str:
    """The page that refuses these files, after a look at what was left behind."""
    response = upload(clinician, *((data, f"IM{number:04}") for number, data in enumerate(files)), **fields)
    assert response.status_code == 422
    assert db.session.query(Study).count() == db.session.query(Acquisition).count() == 0
    assert stored_files() == set()
    return response.text


def test_the_upload_page_takes_dicom(clinician):
    page = clinician.get("/upload").text
    assert "application/dicom,.dcm" in page
    assert "DICOM" in page


def test_what_is_stored_is_the_picture_as_the_standard_shows_it(clinician):
    study = send(clinician, film(WindowCenter=2000, WindowWidth=1500, PhotometricInterpretation="MONOCHROME1"))
    (image,) = study.images
    (frame,) = models.read_file(film(WindowCenter=2000, WindowWidth=1500, PhotometricInterpretation="MONOCHROME1"))
    assert (models.read_stored(file_store().get(image.stored_name), image.orientation) == frame.pixels).all()
    assert (image.original_name, image.width, image.height) == ("IM0000", 128, 96)
    assert image.facts["media_type"] == "application/dicom"


def test_the_patient_is_filled_in_from_the_header(clinician):
    study = send(clinician, film(PatientName="Doe^Jane", PatientID="P-17"))
    assert (study.patient_name, study.patient_reference) == ("Doe, Jane", "P-17")
    found = clinician.get("/studies?q=doe").text
    assert study.key in found, "the search finds the patient"


def test_what_was_typed_stays_and_a_difference_is_told(clinician):
    study = send(clinician, film(), patient_name="Somebody Else", patient_reference="P-1")
    assert study.patient_name == "Somebody Else"
    page = clinician.get(f"/studies/{study.key}").text
    assert "names the patient differently" in page
    alike = send(clinician, film(PatientName="Doe^Jane"), patient_name="Doe, Jane", patient_reference="P-1")
    assert "names the patient differently" not in clinician.get(f"/studies/{alike.key}").text


def test_images_of_two_patients_are_no_study(clinician):
    page = refused(clinician, film(PatientID="P-1"), film(PatientID="P-2"))
    assert "IM0001: Its header names another patient than the images before it." in page
    by_name = refused(clinician, film(PatientID=None), film(PatientID=None, PatientName="Roe^Richard"))
    assert "names another patient" in by_name
    assert len(send(clinician, film(), film(PatientID=None), film(PatientName=None)).images) == 3


def test_the_page_says_what_the_file_says(clinician):
    study = send(
        clinician,
        film(
            BodyPartExamined="CHEST", ViewPosition="PA", ImageLaterality="L", StudyDate="20240229",
            PatientBirthDate="19690723", PatientSex="F", Manufacturer="ACME", ManufacturerModelName="Ray 2",
            AccessionNumber="A-17", BurnedInAnnotation="YES", InstitutionName="St. Elsewhere",
        ),
    )  # fmt: skip
    page = clinician.get(f"/studies/{study.key}").text
    for words in (
        "Doe, Jane, P-1, born 1969-07-23, female", "a radiograph", "chest", "back to front (PA)", "left", "2024-02-29",
        "ACME Ray 2", "A-17", "text is burned into the picture",
    ):  # fmt: skip
        assert words in page
    assert "St. Elsewhere" not in page


def test_of_the_header_only_the_columns_are_kept(clinician):
    study = send(clinician, film(InstitutionName="St. Elsewhere", PixelSpacing=[0.2, 0.3]))
    (image,) = study.images
    assert (image.acquisition.modality, image.acquisition.patient_id) == ("DX", "P-1")
    assert (image.acquisition.row_spacing, image.acquisition.column_spacing) == (0.2, 0.3)
    assert "Doe" not in json.dumps(image.facts)
    stored = b"".join(file_store().get(name) for name in (image.stored_name,))
    assert b"Doe" not in stored
    assert b"Elsewhere" not in stored
    logged = " ".join(event.detail for event in db.session.query(AuditEvent))
    assert "Doe" not in logged


def test_names_are_shown_and_never_run(clinician):
    name = "<script>alert(1)</script>^\u202eevil"
    study = send(clinician, film(SpecificCharacterSet="ISO_IR 192", PatientName=name, PatientID="=cmd()|calc"))
    page = clinician.get(f"/studies/{study.key}").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;, evil" in page
    assert "\u202e" not in page
    assert "'=cmd()" in clinician.get("/studies.csv").text


def test_the_header_is_handed_to_the_networks_for_retries_too(clinician, networks):
    networks.failing = {1}
    study = send(clinician, film(BodyPartExamined="CHEST", ViewPosition="PA"))
    clinician.post(f"/studies/{study.key}/analyse")
    assert networks.headers == [Header("DX", "CHEST", "PA")] * 2


def test_a_header_that_contradicts_the_task_is_the_reason_in_words(clinician, networks):
    networks.outcome = models.Outcome.NOT_ASSESSED
    networks.reason = Reason(ReasonCode.HEADER_MODALITY, {"expected": "chest_xray", "modality": "CT"})
    study = send(clinician, film(Modality="CT"))
    page = clinician.get(f"/studies/{study.key}").text
    assert "header says that this is a CT, not a chest X-ray" in page


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (film(Modality="SR", PixelData=None), "holds no picture but a structured report"),
        (film(Modality="DX", SOPClassUID="1.2.840.10008.1.3.10"), "This is a DICOMDIR"),
        (film(Rows=60_000, Columns=60_000), "more than 40 megapixels"),
        (film()[:-500], "incomplete"),
        (film(NumberOfFrames=10_000), "more than 32 pages"),
    ],
    ids=["report", "dicomdir", "huge", "cut", "frames"],
)
def test_what_is_no_picture_is_told_and_leaves_nothing(clinician, data, words):
    assert words in refused(clinician, data)


def test_a_file_of_several_frames_is_a_study_of_several_images(clinician):
    study = send(clinician, dicom_file(np.stack([SAMPLES] * 3), bits=12))
    assert [image.page for image in study.images] == [1, 2, 3]
    assert len({image.acquisition.id for image in study.images}) == 3


def test_the_report_and_the_api_tell_the_same(clinician, bearer):
    study = send(clinician, film(BodyPartExamined="CHEST", BurnedInAnnotation="YES"))
    response = clinician.get(f"/api/v1/studies/{study.key}", headers=bearer)
    (image,) = response.json["images"]
    assert image["header"]["body_part"] == "chest"
    assert any("burned into the picture" in sentence for sentence in image["notices"])
    assert clinician.post(f"/studies/{study.key}/reports").status_code == 303


def test_a_copy_keeps_the_header(clinician, networks):
    networks.outcome, networks.suggested = models.Outcome.NOT_ASSESSED, "fracture"
    study = send(clinician, film(BodyPartExamined="HAND"))
    response = clinician.post(f"/studies/{study.key}/analyse-as/fracture")
    copy = db.session.query(Study).filter_by(key=response.location.rsplit("/", 1)[-1]).one()
    assert copy.images[0].acquisition.body_part == "HAND"
    assert networks.headers[-1].body_part == "HAND"
    assert db.session.query(Image).count() == db.session.query(Acquisition).count() == 2


def test_purging_a_study_takes_its_headers_with_it(clinician):
    study = send(clinician, film())
    studies.delete_study(study=study, actor=by(clinician.user))
    assert studies.purge_studies(deleted_before_days=0, actor=by()) == 1
    assert db.session.query(Acquisition).count() == 0
