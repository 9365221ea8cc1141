"""Real networks give the same numbers bit for bit: for an upload, for its stored file, and for a copy of that."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import models
from app.entities import Study
from app.extensions import db
from app.services import studies
from app.services.studies.copy import _pictures
from app.services.studies.submit import store_study
from tests.actors import by
from tests.conftest import DATABASE_URL
from tests.ml.labelled import needs_labelled_images, sample
from tests.ml.sent import every_sent_kind, opened
from tests.sending import forget, upload

ROOT = Path(__file__).parents[2]
pytestmark = [needs_labelled_images, pytest.mark.slow]

Numbers = dict[tuple[str, int], list[tuple[str, str, float]]]


@pytest.fixture
def database_url(tmp_path) -> str:
    """A file, or a server: the process that reads only the store opens it too."""
    (tmp_path / "instance").mkdir()
    return f"sqlite:///{tmp_path / 'instance' / 'lumen.db'}" if DATABASE_URL.startswith("sqlite") else DATABASE_URL


def picture_of(name: str, mode: str):
    """An image of the test set that its task's gate lets pass."""
    task = models.get_task(name)
    for example in sample(task, "test", 5):
        data = example.path.read_bytes()
        if models.predict(task, models.decode_image(data).pixels).heads:
            return opened(data, mode)
    raise AssertionError(f"the gate refuses five of five images of {name}")


@pytest.fixture
def sent(clinician) -> list[Study]:
    """Two studies: of the skin in colour, of the chest in grey."""
    kinds = every_sent_kind(picture_of("skin_lesion", "RGB"), picture_of("chest", "L"))
    files = {"skin_lesion": [], "chest": []}
    for name, data in kinds.items():
        files["skin_lesion" if name.endswith(".jpg") else "chest"].append((data, name))
    for task, named in files.items():
        response = upload(clinician, *named, task=task)
        assert response.status_code == 303, response.text
    found = db.session.query(Study).order_by(Study.id).all()
    assert [study.status for study in found] == ["done", "done"]
    return found


def numbers(study: Study) -> Numbers:
    """(File name, page) -> what was found in it; fails for an image without any number."""
    db.session.refresh(study)
    told = {}
    for image in study.images:
        findings = sorted((line.head, line.label, line.probability) for line in image.analysis.findings)
        assert findings, f"the gate refuses {image.original_name}: nothing is compared"
        told[image.original_name, image.page] = findings
    return told


def copy_of(study: Study) -> Study:
    """The same stored bytes under another study; the gate offers no other task for these."""
    copy = Study(owner_id=study.owner_id, task=study.task, copied_from_id=study.id)
    return store_study(copy, _pictures(study.images), by(study.owner)).study


def analyse_in_a_fresh_process(tmp_path: Path, url: str) -> str:
    """`flask analyse`, which knows nothing of the uploads but database and store."""
    environment = os.environ | {
        "LUMEN_INSTANCE": str(tmp_path / "instance"),
        "LUMEN_FILES": str(tmp_path / "files"),
        "DATABASE_URL": url,
    }
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "analyse"]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout


def test_the_store_a_copy_and_a_fresh_process_say_what_the_upload_said(sent, tmp_path, database_url):
    first = [numbers(study) for study in sent]
    assert {name for told in first for name in told} == {
        *((name, 0) for name in ("baseline.jpg", "progressive.jpg", "cmyk.jpg", "turned.jpg", "display_p3.jpg")),
        *((name, 0) for name in ("grey.png", "deep.png")),
        *(("pages.tif", page) for page in (1, 2)),
    }
    for study in sent:
        forget(*study.images)
        studies.analyse_study(study)
    assert [numbers(study) for study in sent] == first

    for study in sent:
        forget(*study.images)
    copies = [copy_of(study) for study in sent]
    told = analyse_in_a_fresh_process(tmp_path, database_url)
    assert told == "Analysed 18 of 18 images; 0 failed.\n"
    assert [numbers(study) for study in sent] == first
    assert [numbers(copy) for copy in copies] == first


def test_pictures_without_loss_are_one_picture_in_every_file(sent):
    """The same grey picture as an 8-bit PNG and as the second page of a TIFF."""
    told = numbers(sent[1])
    assert told["grey.png", 0] == told["pages.tif", 2]
