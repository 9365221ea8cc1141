"""Files as they come in the field, through page and API: what ../shared/field_cases/README.md expects of each."""

import io
from functools import cache
from pathlib import Path

import pytest

import models
from app.entities import Analysis, Image, Study
from app.extensions import db
from bench.opened import open_gate
from tests.sending import stored_files, upload

FOLDER = Path(__file__).parents[3] / "shared" / "field_cases"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the field cases are not on this machine")

PLAIN, FILM, SRGB = "00_plain.jpg", "00_plain_film.png", "16_the_same_in_srgb.png"
# Each file, the one that it has to be read as, and whether that means equal numbers or the same outcome.
READ_AS = {
    "01_iphone_hdr_gain_map.jpg": (PLAIN, True),
    "02_iso21496_gain_map.jpg": (PLAIN, True),
    "04_mpf_second_picture_dropped.jpg": (PLAIN, True),
    "08_png_text_chunk_wrong_crc.png": (FILM, True),
    "09_png_icc_3MB.png": (FILM, True),
    "11_png_exif_broken.png": (FILM, True),
    "12_png16_rgb_12_bit_data.png": (FILM, False),
    "14_png16_grey_12_bit_one_pixel_65535.png": (FILM, False),
    "16_display_p3.png": (SRGB, True),
}
CUT = ("05_cut_at_60_percent_then_EOI.jpg", "06_zeros_from_60_percent_then_EOI.jpg")
TOLERANCE = 0.02
# The pictures are drawn: held open, the gate lets networks say what they read.
TASKS = {PLAIN: "skin_lesion", FILM: "chest", SRGB: "skin_lesion"}


@pytest.fixture(autouse=True)
def opened_gate():
    with open_gate():
        yield


def bytes_of(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def post_to_api(client, name: str, task: str, headers: dict[str, str]):
    form = {"task": task, "image": (io.BytesIO(bytes_of(name)), name)}
    return client.post("/api/v1/studies", data=form, headers=headers, csrf=False)


@cache
def as_decoded(name: str) -> tuple[str, dict[tuple[str, str], float]]:
    """Outcome and probabilities that the networks give for the one whole picture of a file without faults."""
    (frame,) = models.read_file(bytes_of(name))
    prediction = models.predict(models.get_task(TASKS[name]), models.shrink_to_read(frame.pixels))
    told = {(head.head.key, line.label.key): line.probability for head in prediction.heads for line in head.labels}
    assert told
    return prediction.outcome.value, told


@pytest.mark.parametrize("name", READ_AS)
def test_it_is_read_as_the_plain_picture(name, clinician, bearer):
    plain, is_exact = READ_AS[name]
    outcome, expected = as_decoded(plain)
    assert upload(clinician, (bytes_of(name), name), task=TASKS[plain]).status_code == 303
    assert post_to_api(clinician, name, TASKS[plain], bearer).status_code == 201
    by_page, by_api = db.session.query(Study).order_by(Study.id)
    for study in (by_page, by_api):
        (image,) = study.images
        assert (study.status, study.outcome) == ("done", outcome)
        if is_exact:
            told = {(line.head, line.label): line.probability for line in image.analysis.findings}
            assert told == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize("name", CUT)
def test_a_picture_of_which_a_part_is_missing_is_refused_and_nothing_stays(name, clinician, bearer):
    page, answer = (
        upload(clinician, (bytes_of(name), name), task="chest"),
        post_to_api(clinician, name, "chest", bearer),
    )
    assert (page.status_code, answer.status_code) == (422, 422)
    for words in (page.text, answer.json["error"]["message"]):
        assert f"{name}: The image is incomplete" in words
    assert [db.session.query(kind).count() for kind in (Study, Image, Analysis)] == [0, 0, 0]
    assert stored_files() == set()


def test_every_file_of_the_folder_is_tested():
    known = {PLAIN, FILM, SRGB, *READ_AS, *CUT, "README.md"}
    assert {path.name for path in FOLDER.iterdir()} <= known
