"""Studies for tests: sent through the upload page, or put straight into the database."""

import io
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from flask import current_app
from sqlalchemy import delete
from werkzeug.test import TestResponse

from app.entities import Analysis, Finding, Image, ImageStatus, Study, StudyStatus, User, utc_now
from app.extensions import db
from app.services.studies import search
from app.services.studies.state import settle
from tests.fakes import picture
from tests.pages import PageClient


def upload(client: PageClient, *files: bytes | tuple[bytes, str], task: str = "chest", **fields: str) -> TestResponse:
    """What the upload page answers to these files (bytes, or bytes and name) of one study."""
    named = [file if isinstance(file, tuple) else (file, f"film-{number}.jpg") for number, file in enumerate(files, 1)]
    images = [(io.BytesIO(data), name) for data, name in named]
    response = client.post("/upload", data={"task": task, "images": images, **fields})
    # The test client keeps large bodies in temporary files, and leaves them open.
    response.request.environ["wsgi.input"].close()
    return response


def send_study(client: PageClient, *, images: int = 1, **fields: str) -> Study:
    """A study of `images` pictures, sent and analysed."""
    response = upload(client, *(picture(seed=number) for number in range(images)), **fields)
    assert response.status_code == 303, response.text
    return db.session.query(Study).filter_by(key=response.location.rsplit("/", 1)[-1]).one()


IMAGE_STATUSES = {
    StudyStatus.WAITING: ImageStatus.RECEIVED,
    StudyStatus.RUNNING: ImageStatus.RUNNING,
    StudyStatus.DONE: ImageStatus.DONE,
    StudyStatus.INCOMPLETE: ImageStatus.FAILED,
}
ANSWER = {"outcome": "finding", "lead_label": "pneumonia", "lead_probability": 0.8}


def make_study(owner: User, *, file_names: Iterable[str] = ("film.jpg",), at: datetime | None = None, **facts) -> Study:
    """The rows of a study without any file, for lists; of a status other than done it has no answer."""
    status = facts.setdefault("status", StudyStatus.DONE)
    values = {"task": "chest"} | (ANSWER if status == StudyStatus.DONE else {}) | facts
    study = Study(owner_id=owner.id, created_at=at or utc_now(), **values)
    for position, name in enumerate(file_names):
        study.images.append(
            Image(
                position=position,
                original_name=name,
                sha256="0" * 64,
                byte_size=1,
                width=1,
                height=1,
                media_type="image/png",
                stored_name=f"00/{position:032x}.png",
                status=IMAGE_STATUSES[status],
            )
        )
    study.terms = search.make_terms(study)
    db.session.add(study)
    db.session.commit()
    return study


def forget(*images: Image) -> None:
    """Let these be as if they had just been received."""
    for image in images:
        for analysis in image.analyses:
            db.session.execute(delete(Finding).where(Finding.analysis_id == analysis.id))
            db.session.execute(delete(Analysis).where(Analysis.id == analysis.id))
        image.status = ImageStatus.RECEIVED
        db.session.flush()
        settle(image.id)
    db.session.commit()


def stored_files() -> set[Path]:
    """Every file in the application's store, also partial ones."""
    return {path for path in Path(current_app.config["FILES_ROOT"]).rglob("*") if path.is_file()}
