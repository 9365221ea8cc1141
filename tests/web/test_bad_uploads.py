"""What must never get in, by file and by request: BAD_FILES of tests/bad_files.py and requests out of shape."""

import gc
import io
import json
import logging
import resource

import numpy as np
import pytest
from sqlalchemy import func, select

from app.entities import Analysis, Finding, Image, Study
from app.errors import AppError
from app.extensions import db
from app.services import storage
from app.services.studies import submit
from models import Outcome, read_stored
from tests import bad_files
from tests.bad_files import JPEG, PNG
from tests.fakes import picture
from tests.sending import make_study, send_study, stored_files, upload

pytestmark = pytest.mark.usefixtures("networks")


@pytest.fixture(autouse=True)
def no_quota(app):
    app.config["UPLOADS_PER_MINUTE"] = 10_000


def left_behind() -> tuple:
    rows = tuple(db.session.scalar(select(func.count(table.id))) for table in (Study, Image, Analysis, Finding))
    return rows, stored_files()


def assert_invariants(client, response, before, app) -> None:
    """A plain 4xx, nothing kept, nothing told of the inside, and the next request is answered."""
    assert 400 <= response.status_code < 500, (response.status_code, response.text[:500])
    assert left_behind() == before
    for secret in ("Traceback", "site-packages", app.config["FILES_ROOT"], "SELECT ", "Werkzeug", "sqlalchemy"):
        assert secret not in response.text
        assert secret not in str(response.headers)
    assert client.get("/upload").status_code == 200


def assert_refused(client, response, before, app, caplog, name="") -> None:
    """The invariants, and one line in the security log that holds no file name."""
    assert_invariants(client, response, before, app)
    lines = [json.loads(record.message) for record in caplog.records if record.name == "lumen.security"]
    refusals = [line for line in lines if line["action"] == "study.refuse"]
    assert len(refusals) == 1
    assert refusals[0]["account"] == client.user.email
    assert not name or name not in str(refusals)


# Files


@pytest.mark.parametrize("case", bad_files.REFUSED)
def test_refuses_what_is_no_whole_image(case, clinician, app, caplog):
    caplog.set_level(logging.INFO, "lumen.security")
    before, memory = left_behind(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    response = upload(clinician, (bad_files.REFUSED[case], "jane_secret.jpg"))
    assert_refused(clinician, response, before, app, caplog, name="jane_secret")
    assert response.status_code == 422
    assert "jane_secret.jpg: " in response.text
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 100 * 1024  # KiB


@pytest.mark.parametrize("case", bad_files.ACCEPTED)
def test_converts_every_mode_of_every_format(case, clinician):
    study = send_study_of(clinician, bad_files.ACCEPTED[case])
    assert stored_pixels(study).shape == (study.images[0].height, study.images[0].width, 3)
    assert study.outcome == "finding"


def stored_pixels(study: Study) -> np.ndarray:
    """What is read of the first image's file, uint8 RGB [h, w, 3]."""
    image = study.images[0]
    return read_stored(storage.file_store().get(image.stored_name), image.orientation)


def send_study_of(client, data: bytes) -> Study:
    assert upload(client, data).status_code == 303
    return db.session.scalars(select(Study).order_by(Study.id.desc())).first()


@pytest.mark.parametrize("original", [JPEG, PNG], ids=["jpeg", "png"])
def test_flipped_bytes_are_refused_or_read_as_a_whole_picture(original, clinician, app):
    """U04: few seeds through the page; tests of models.decode_image try many more."""
    for seed in range(12):
        before = left_behind()
        response = upload(clinician, bad_files.flipped(original, seed))
        if response.status_code == 303:
            assert len(stored_files()) > len(before[1])
        else:
            assert_invariants(clinician, response, before, app)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_all_orientations_are_one_picture(kind, clinician):
    """U18: read upright, so that prediction and heatmap are the same for all eight."""
    pictures = []
    for orientation in range(1, 9):
        study = send_study_of(clinician, bad_files.turned(orientation, kind))
        pictures.append(stored_pixels(study).astype(int))
    worst = max(abs(pixels - pictures[0]).max() for pixels in pictures)
    assert worst <= (0 if kind == "PNG" else 6)


def test_metadata_is_dropped_everywhere(clinician, caplog):
    """U19: neither in the store, nor in a served view, nor on a page, nor in a log."""
    caplog.set_level(logging.INFO)
    data = bad_files.talkative_jpeg()
    assert b"Jane Secret" in data
    study = send_study_of(clinician, data)
    kept = [path.read_bytes() for path in stored_files()]
    served = clinician.get(f"/studies/{study.key}/images/{study.images[0].key}/original").data
    page = clinician.get(f"/studies/{study.key}").data
    for copy in (*kept, served, page, caplog.text.encode()):
        assert b"Jane Secret" not in copy
        assert b"DROP TABLE" not in copy
        assert b"Exif" not in copy


def test_an_image_that_the_gate_refuses_gets_no_finding(clinician, networks):
    """U23, U24: blank pictures and pictures of another kind."""
    networks.outcome = Outcome.NOT_ASSESSED
    study = send_study_of(clinician, picture())
    assert (study.outcome, study.lead_label, study.lead_probability) == ("not_assessed", "", None)
    assert study.images[0].analysis.findings == []
    assert "This does not look like" in clinician.get(f"/studies/{study.key}").text


def test_warns_of_names_in_the_pixels(clinician):
    assert "text in the picture" in clinician.get("/upload").text


def test_one_bad_file_of_several_refuses_all(clinician, app, caplog):
    caplog.set_level(logging.INFO, "lumen.security")
    before = left_behind()
    response = upload(clinician, (picture(), "good.jpg"), (b"no picture", "bad.png"), (picture(seed=2), "fine.jpg"))
    assert_refused(clinician, response, before, app, caplog)
    assert "bad.png: The file is not a DICOM, JPEG, PNG, TIFF, WebP, HEIC or BMP image" in response.text


# Requests


def test_a_body_above_the_limit_is_413(clinician, app):
    """H01: refused by its declared length."""
    app.config["MAX_CONTENT_LENGTH"] = 1024 * 1024
    before = left_behind()
    response = upload(clinician, b"\xff\xd8\xff" + bytes(1024 * 1024))
    assert response.status_code == 413
    assert "1 MB" in response.text
    assert_invariants(clinician, response, before, app)


# Werkzeug leaves the file that it was reading to the garbage collector, which says so.
@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
def test_a_body_without_length_is_measured_while_it_is_read(clinician, app):
    """H01: chunked transfer, as gunicorn hands it over."""
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024
    before = left_behind()
    body = (
        b"--x\r\nContent-Disposition: form-data; name=images; filename=a.jpg\r\n\r\n"
        + bytes(200_000)
        + b"\r\n--x--\r\n"
    )
    response = clinician.open(
        "/upload",
        method="POST",
        input_stream=io.BytesIO(body),
        content_type="multipart/form-data; boundary=x",
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    )
    gc.collect()
    assert response.status_code == 413
    assert_invariants(clinician, response, before, app)


@pytest.mark.parametrize("length", ["10", "99999999", "-1", "abc"])
def test_a_lying_length_does_no_harm(length, clinician, app):
    """H01: the form cannot be read whole, so its token is missing."""
    before = left_behind()
    body = b"--x\r\nContent-Disposition: form-data; name=task\r\n\r\nchest\r\n--x--\r\n"
    response = clinician.open(
        "/upload",
        method="POST",
        input_stream=io.BytesIO(body),
        content_type="multipart/form-data; boundary=x",
        environ_overrides={"CONTENT_LENGTH": length},
    )
    assert_invariants(clinician, response, before, app)


def test_a_file_above_16_mb_is_413_and_names_the_limit(clinician, app, caplog):
    caplog.set_level(logging.INFO, "lumen.security")
    before = left_behind()
    response = upload(clinician, (JPEG + bytes(17 * 1024 * 1024), "big.jpg"), patient_name="Ada Example")
    assert response.status_code == 413
    assert "big.jpg: The file is larger than 16 MB." in response.text
    assert 'value="Ada Example"' in response.text
    assert_refused(clinician, response, before, app, caplog)


def test_more_than_eight_images_are_refused(clinician, app, caplog):
    caplog.set_level(logging.INFO, "lumen.security")
    before = left_behind()
    response = upload(clinician, *[picture(size=(64, 64), seed=seed) for seed in range(9)])
    assert "at most 8 images" in response.text
    assert_refused(clinician, response, before, app, caplog)


@pytest.mark.parametrize(
    "data",
    [
        {"task": "chest"},
        {"task": "chest", "images": "text instead of a file"},
        {"task": "chest", "images": (io.BytesIO(b""), "")},
        {"images": (io.BytesIO(JPEG), "film.jpg")},
        {"task": "../../etc", "images": (io.BytesIO(JPEG), "film.jpg")},
        {"task": "", "images": (io.BytesIO(JPEG), "film.jpg")},
        {"task": "chest", "images": (io.BytesIO(JPEG), "film.jpg"), "patient_name": "x" * 121},
        {"task": "chest", "images": (io.BytesIO(JPEG), "film.jpg"), "note": "x" * 2001},
    ],
    ids=["no file", "text", "no name", "no task", "odd task", "empty task", "long name", "long note"],
)
def test_forms_out_of_shape_are_422(data, clinician, app):
    """H03"""
    before = left_behind()
    response = clinician.post("/upload", data=dict(data), content_type="multipart/form-data")
    assert response.status_code == 422
    assert_invariants(clinician, response, before, app)


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded"])
def test_other_encodings_are_refused(content_type, clinician, app):
    """H03"""
    before = left_behind()
    response = clinician.post("/upload", data=b'{"task": "chest"}', content_type=content_type)
    assert_invariants(clinician, response, before, app)


def test_a_missing_token_is_refused(clinician, app):
    before = left_behind()
    response = clinician.post("/upload", data={"task": "chest", "images": (io.BytesIO(JPEG), "film.jpg")}, csrf=False)
    assert response.status_code == 400
    assert_invariants(clinician, response, before, app)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("/etc/shadow.jpg", "shadow.jpg"),
        ("%2e%2e/x.jpg", "x.jpg"),
        ("x.php%00.jpg", "x.php%00.jpg"),
        (".htaccess", ".htaccess"),
        ("-rf", "-rf"),
        ("CON", "CON"),
        ("NUL.png", "NUL.png"),
        ("a/b", "b"),
        ("..", ".."),
        ("\U0001f9b4 knee.jpg", "\U0001f9b4 knee.jpg"),
        ("gpj.\u202efdp", "gpj.fdp"),
        ("ä" * 300 + ".jpg", "ä" * 234 + "…" + "ä" * 16 + ".jpg"),
        ("<script>alert(1)<script>.jpg", "<script>alert(1)<script>.jpg"),
    ],
)
def test_file_names_are_only_shown(name, shown, clinician):
    """H04: the stored name is our own, whatever the file was called."""
    assert upload(clinician, (JPEG, name)).status_code == 303
    image = db.session.query(Image).one()
    assert image.original_name == shown
    assert storage.NAME.fullmatch(image.stored_name)
    page = clinician.get(f"/studies/{image.study.key}").text
    assert "<script>alert" not in page
    served = clinician.get(f"/studies/{image.study.key}/images/{image.key}/original")
    assert served.headers["Content-Disposition"] == 'inline; filename="lumen-original.jpeg"'


@pytest.mark.parametrize("content_type", ["text/html", "image/svg+xml", "application/x-php", ""])
def test_the_declared_type_is_ignored(content_type, clinician):
    """H05"""
    file = (io.BytesIO(PNG), "film.png", content_type)
    assert clinician.post("/upload", data={"task": "chest", "images": file}).status_code == 303
    image = db.session.query(Image).one()
    assert image.media_type == "image/png"


@pytest.mark.parametrize("folder", ["/static/uploads/", "/files/", "/static/files/", "/uploads/", "/instance/files/"])
def test_stored_files_have_no_address(folder, clinician):
    """H06"""
    image = send_study(clinician).images[0]
    assert clinician.get(folder).status_code == 404
    assert clinician.get(folder + image.stored_name).status_code == 404


def test_the_quota_answers_429_and_when_to_come_back(clinician, app):
    """H08: refused uploads count too."""
    app.config["UPLOADS_PER_MINUTE"] = 3
    assert upload(clinician, picture()).status_code == 303
    assert upload(clinician, b"no picture").status_code == 422
    assert upload(clinician, picture(seed=1)).status_code == 303
    before = left_behind()
    response = upload(clinician, picture(seed=2))
    assert response.status_code == 429
    assert response.headers["Retry-After"] == "60"
    assert_invariants(clinician, response, before, app)


def test_the_quota_of_one_user_does_not_stop_another(clinician, sign_in, app):
    app.config["UPLOADS_PER_MINUTE"] = 1
    make_study(clinician.user)
    assert upload(clinician, picture()).status_code == 429
    assert upload(sign_in(), picture()).status_code == 303


def test_the_same_form_sent_twice_is_one_study(clinician, networks):
    """H09: double click, or a repeated POST."""
    first = upload(clinician, picture(), submission_key="k1", patient_name="Ada")
    files = stored_files()
    second = upload(clinician, picture(), submission_key="k1", patient_name="Ada")
    assert first.location == second.location
    assert db.session.query(Study).count() == 1
    assert stored_files() == files
    assert networks.calls == 1


def test_the_same_form_with_another_image_is_another_study(clinician):
    """H09: the Back button must never answer with the former patient's result."""
    first = upload(clinician, picture(seed=1), submission_key="k1")
    second = upload(clinician, picture(seed=2), submission_key="k1")
    assert first.location != second.location
    assert db.session.query(Study).count() == 2


def test_the_key_of_another_user_opens_nothing(clinician, sign_in):
    first = upload(clinician, picture(), submission_key="k1")
    second = upload(sign_in(), picture(), submission_key="k1")
    assert second.status_code == 303
    assert first.location != second.location


def test_twins_in_the_same_moment_are_one_study(clinician, monkeypatch):
    """H09: both have looked for the other before either was inserted."""
    first = upload(clinician, picture(), submission_key="k1")
    files, looks = stored_files(), []
    found = submit._same_submission
    monkeypatch.setattr(submit, "_same_submission", lambda key: found(key) if looks else looks.append(key))
    second = upload(clinician, picture(), submission_key="k1")
    assert first.location == second.location
    assert db.session.query(Study).count() == 1
    assert stored_files() == files


def test_an_unwritable_store_is_503_and_leaves_nothing(clinician, app, tmp_path):
    """H10"""
    (tmp_path / "no-folder").write_text("a file where the folder should be")
    before = left_behind()
    app.config["FILES_ROOT"] = str(tmp_path / "no-folder")
    response = upload(clinician, picture())
    assert response.status_code == 503
    assert "cannot store files" in response.text
    assert str(tmp_path) not in response.text
    assert left_behind()[0] == before[0]


def test_a_disk_that_fills_up_halfway_leaves_no_orphan(clinician, app, monkeypatch):
    """H10: the second of two files does not fit any more."""
    before, written = left_behind(), []

    def fill(handle):
        written.append(handle)
        if len(written) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage.os, "fsync", fill)
    response = upload(clinician, picture(), picture(seed=2))
    assert response.status_code == 503
    assert left_behind() == before
    monkeypatch.undo()
    assert clinician.get("/upload").status_code == 200


def test_a_database_that_fails_leaves_no_file(clinician, monkeypatch):
    def fail(*_args, **_kwargs):
        raise AppError(503, "Not available", "The database does not answer.")

    before = left_behind()
    monkeypatch.setattr(submit.audit, "record", fail)
    assert upload(clinician, picture()).status_code == 503
    assert left_behind() == before


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE"])
@pytest.mark.parametrize("path", ["/upload", "/studies", "/studies/{key}/delete", "/studies/{key}/review"])
def test_other_methods_are_405(method, path, clinician, app):
    """H13"""
    study = send_study(clinician)
    before = left_behind()
    headers = {"X-CSRFToken": clinician.csrf_token(), "X-HTTP-Method-Override": "POST"}
    response = clinician.open(path.format(key=study.key), method=method, headers=headers)
    assert response.status_code == 405
    assert_invariants(clinician, response, before, app)


@pytest.mark.parametrize("path", ["delete", "review", "analyse"])
def test_get_does_not_write(path, clinician):
    """H13"""
    study = send_study(clinician)
    assert clinician.get(f"/studies/{study.key}/{path}").status_code == 405
    assert clinician.head(f"/studies/{study.key}/{path}").status_code == 405
    assert clinician.get(f"/studies/{study.key}").status_code == 200
