"""Real kinds of file, sent as a user sends them: they get what the folder's README expects of them."""

from pathlib import Path

import pytest

from app.entities import Study
from app.extensions import db
from models.training.manifest import datasets_root
from tests.sending import stored_files, upload

FOLDER = datasets_root().parent / "field_cases"
PLAIN, FILM, SRGB = "00_plain.jpg", "00_plain_film.png", "16_the_same_in_srgb.png"
ALIKE = {
    "01_iphone_hdr_gain_map.jpg": PLAIN,
    "02_iso21496_gain_map.jpg": PLAIN,
    "04_mpf_second_picture_dropped.jpg": PLAIN,
    "08_png_text_chunk_wrong_crc.png": FILM,
    "09_png_icc_3MB.png": FILM,
    "11_png_exif_broken.png": FILM,
    "12_png16_rgb_12_bit_data.png": FILM,
    "14_png16_grey_12_bit_one_pixel_65535.png": FILM,
    "16_display_p3.png": SRGB,
}
INCOMPLETE = ("05_cut_at_60_percent_then_EOI.jpg", "06_zeros_from_60_percent_then_EOI.jpg")

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the field cases are not on this machine (LUMEN_DATASETS)")


def send(client, name: str, task: str) -> Study:
    response = upload(client, (Path(FOLDER, name).read_bytes(), name), task=task)
    assert response.status_code == 303, response.text
    return db.session.query(Study).filter_by(key=response.location.rsplit("/", 1)[-1]).one()


def told(study: Study) -> tuple:
    """Outcome, reason, and all labels with their probabilities."""
    analysis = study.images[0].analysis
    probabilities = {(finding.head, finding.label): finding.probability for finding in analysis.findings}
    return study.status, study.outcome, analysis.reason_code, probabilities


@pytest.mark.parametrize("name", ALIKE)
def test_is_answered_as_the_plain_file(name, clinician):
    task = "chest" if ALIKE[name] == FILM else "skin_lesion"
    status, outcome, reason, answers = told(send(clinician, name, task))
    assert (status, outcome, reason) == told(send(clinician, ALIKE[name], task))[:3]
    assert status == "done"
    assert answers == pytest.approx(told(send(clinician, ALIKE[name], task))[3], abs=0.02)


@pytest.mark.parametrize("name", INCOMPLETE)
def test_an_incomplete_picture_is_refused(name, clinician):
    before = stored_files()
    response = upload(clinician, (Path(FOLDER, name).read_bytes(), name), task="skin_lesion")
    assert response.status_code == 422
    assert "The image is incomplete" in response.text
    assert (db.session.query(Study).count(), stored_files()) == (0, before)
