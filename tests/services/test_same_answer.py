"""What was stored is what was read: an image analysed again, or a copy of it, gets the same answer, bit for bit.

With the real networks and the gate held open, since the pictures are drawn.
"""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageOps

from app.entities import Study
from app.extensions import db
from app.services import studies
from app.services.storage import file_store
from app.services.studies.submit import submit_study
from bench.opened import open_gate
from models.decoders.profile import DISPLAY_P3
from tests.actors import by
from tests.ml.files import save
from tests.ml.pictures import deep, deep_png, grain, pages

ROWS, COLUMNS = 240, 320


def drawn() -> Image.Image:
    """A new one each time: Pillow keeps in an image how it was saved last."""
    return Image.fromarray(grain(ROWS, COLUMNS))


def turned_jpeg() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return save(drawn(), "JPEG", exif=exif)


KINDS = {
    "JPEG": lambda: save(drawn(), "JPEG", quality=75),
    "progressive JPEG": lambda: save(drawn(), "JPEG", quality=75, progressive=True),
    "grey JPEG": lambda: save(ImageOps.grayscale(drawn()), "JPEG", quality=75),
    "CMYK JPEG": lambda: save(drawn().convert("CMYK"), "JPEG", quality=75),
    "turned JPEG": turned_jpeg,
    "JPEG in Display P3": lambda: save(drawn(), "JPEG", quality=75, icc_profile=DISPLAY_P3.icc),
    "grey PNG": lambda: save(ImageOps.grayscale(drawn()), "PNG"),
    "16-bit PNG": lambda: deep_png(deep(grain(ROWS, COLUMNS)[..., 0])),
    "second page of a TIFF": lambda: pages(ImageOps.mirror(drawn()), drawn()),
}


@pytest.fixture(autouse=True)
def gate():
    with open_gate():
        yield


def answers(study: Study) -> list[list[tuple[str, str, float]]]:
    """Of each image all labels with their probabilities, as they were stored."""
    db.session.expire_all()
    return [
        [(finding.head, finding.label, finding.probability) for finding in image.analysis.findings]
        for image in study.images
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_read_again_from_the_store_it_gets_the_same_answer(kind, make_user):
    actor = by(make_user())
    uploads = [studies.Upload("image", KINDS[kind]())]
    received = submit_study(actor=actor, task="skin_lesion", uploads=uploads)
    studies.analyse_study(*received)  # of what the decoder read
    again, _ = submit_study(actor=actor, task="skin_lesion", uploads=uploads)
    studies.analyse_study(again)  # of the stored file
    assert received.study.outcome and again.outcome
    assert answers(received.study) == answers(again)
    assert answers(again)[-1][0][2] > 0


@pytest.mark.parametrize("kind", KINDS)
def test_another_process_reads_the_same_pixels(kind, make_user):
    """Nothing but the stored file and its orientation goes into what is read."""
    received = submit_study(actor=by(make_user()), task="skin_lesion", uploads=[studies.Upload("image", KINDS[kind]())])
    image = received.study.images[-1]
    path = file_store().root / image.stored_name
    code = (
        "import sys, hashlib, pathlib, models\n"
        "pixels = models.read_stored(pathlib.Path(sys.argv[1]).read_bytes(), int(sys.argv[2]))\n"
        "print(hashlib.sha256(models.shrink_to_read(pixels).tobytes()).hexdigest())"
    )
    command = [sys.executable, "-c", code, str(path), str(image.orientation)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    read = np.ascontiguousarray(received.pixels[image.stored_name])
    assert done.stdout.strip() == _digest(read)


def _digest(pixels: np.ndarray) -> str:
    return hashlib.sha256(pixels.tobytes()).hexdigest()


def test_a_copy_gets_the_same_answer(make_user):
    actor = by(make_user())
    first = submit_study(actor=actor, task="skin_lesion", uploads=[studies.Upload("image", KINDS["turned JPEG"]())])
    studies.analyse_study(*first)
    first.study.images[0].analysis.suggested_task = "injury"
    db.session.commit()
    copy = studies.copy_study(study=first.study, task="injury", actor=actor)
    straight = submit_study(actor=actor, task="injury", uploads=[studies.Upload("image", KINDS["turned JPEG"]())])
    studies.analyse_study(copy)
    studies.analyse_study(*straight)
    assert answers(copy) == answers(straight.study) != []
