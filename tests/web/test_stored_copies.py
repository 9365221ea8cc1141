"""What a JPEG carries beside its picture is in no file of the store and in none that is served."""

import io

import pytest
from PIL import Image as Picture

from app.entities import Study
from app.extensions import db
from app.services.storage import file_store
from tests.fakes import picture
from tests.ml.pictures import zipped
from tests.sending import stored_files, upload

pytestmark = pytest.mark.usefixtures("networks")

PHP, HTML = b"<?php system($_GET['smuggled']); ?>", b"<!doctype html><script>alert('smuggled')</script>"
APPENDED = {"zip": zipped(), "html": HTML, "php": PHP, "second jpeg": picture(seed=9)}
VIEWS = ("original", "heatmap", "edges", "hybrid", "overlay")


def scan_of(data: bytes) -> bytes:
    """From the start of the first scan to the end of the picture."""
    return data[data.index(b"\xff\xda") : data.index(b"\xff\xd9", data.index(b"\xff\xda")) + 2]


def talkative() -> bytes:
    """A JPEG with a place, a name, a comment and, in its EXIF, a thumbnail: a JPEG of its own."""
    exif = Picture.Exif()
    exif[0x010E] = "Jane Secret"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 29: "2026:01:31"})
    thumbnail = picture(size=(32, 32), seed=5)
    block = exif.tobytes() + thumbnail
    file = io.BytesIO()
    Picture.open(io.BytesIO(picture(size=(320, 240)))).save(
        file, "JPEG", exif=block, comment=b"Jane Secret", quality=75
    )
    data = file.getvalue()
    assert thumbnail in data and b"2026:01:31" in data and data.count(b"Jane Secret") == 2
    return data


def smuggled() -> list[bytes]:
    """What must be nowhere."""
    thumbnail, second = picture(size=(32, 32), seed=5), picture(seed=9)
    words = [b"Jane Secret", b"2026:01:31", b"Exif", b"PK\x03\x04", b"smuggled", b"<?php", b"<script>alert"]
    return [*words, scan_of(thumbnail), scan_of(second)]


@pytest.mark.parametrize("name", APPENDED)
def test_nothing_but_the_picture_is_stored_or_served(name, clinician):
    data = talkative() + APPENDED[name]
    assert upload(clinician, (data, "film.jpg")).status_code == 303
    study = db.session.query(Study).one()
    (image,) = study.images
    address = f"/studies/{study.key}/images/{image.key}"
    served = [clinician.get(f"{address}/{view}") for view in VIEWS]
    assert all(answer.status_code == 200 for answer in served), [answer.status_code for answer in served]
    copies = [*(path.read_bytes() for path in stored_files()), *(answer.data for answer in served)]
    copies.append(clinician.get(f"/studies/{study.key}").data)
    for copy in copies:
        assert not [part for part in smuggled() if part in copy]


@pytest.mark.parametrize("name", APPENDED)
def test_the_entropy_coded_scan_is_stored_byte_for_byte(name, clinician):
    data = talkative()
    scan = data[data.rindex(b"\xff\xda") :]
    assert scan.endswith(b"\xff\xd9")
    upload(clinician, (data + APPENDED[name], "film.jpg"))
    (image,) = db.session.query(Study).one().images
    assert file_store().get(image.stored_name).endswith(scan)
