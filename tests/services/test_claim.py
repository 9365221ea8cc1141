"""An image is analysed once, whoever is asked to and however often, and finished if they die."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest

import models
from app.entities import Analysis, Image, ImageStatus, Study, utc_now
from app.extensions import db
from app.services import studies
from app.services.storage import file_store
from app.services.studies import claim
from app.services.studies.files import Upload
from app.services.studies.submit import submit_study
from models import Outcome
from tests.actors import by
from tests.conftest import DATABASE_URL
from tests.fakes import picture
from tests.sending import make_study, stored_files

ROOT = Path(__file__).parents[2]
WAIT = 20  # seconds, before a test gives up
# A worker that is killed when it has stored the first of two heatmaps.
WORKER = """
import sys, time
import models
from app.services import studies
from app.services.storage import FileStore
from models import Outcome
from tests.conftest import make_app
from tests.fakes import FakeNetworks

put = FileStore.put

def put_and_hang(*args):
    put(*args)
    print("hangs", flush=True)
    time.sleep(60)

models.predict = FakeNetworks(outcome=Outcome.INCONCLUSIVE).predict
FileStore.put = put_and_hang
with make_app(sys.argv[1], sys.argv[2]).app_context():
    studies.analyse(int(sys.argv[3]))
"""


@pytest.fixture
def database_url(tmp_path) -> str:
    return f"sqlite:///{tmp_path / 'lumen.db'}" if DATABASE_URL.startswith("sqlite") else DATABASE_URL


@pytest.fixture
def study(networks, make_user) -> Study:
    """A study of two images that waits to be analysed."""
    uploads = [Upload(f"{number}.jpg", picture(seed=number)) for number in range(2)]
    return submit_study(actor=by(make_user()), task="chest", uploads=uploads).study


@pytest.fixture
def image(study) -> Image:
    return study.images[0]


def analyse_at_once(app, image_ids: list[int]) -> list[ImageStatus | None]:
    """What each call answers, all in threads of their own."""

    def analyse(image_id: int) -> ImageStatus | None:
        with app.app_context():
            return studies.analyse(image_id)

    db.session.rollback()
    with ThreadPoolExecutor(len(image_ids)) as threads:
        return list(threads.map(analyse, image_ids, timeout=WAIT))


def run_out(image: Image) -> None:
    """Let the claim on this image be as old as that of somebody dead."""
    image.claimed_at = utc_now() - claim.LASTS - timedelta(seconds=1)
    db.session.commit()


def heatmaps(image: Image) -> set[Path]:
    return {file_store().root / finding.saliency_name for finding in image.analysis.mapped_findings}


def files_of(study: Study) -> set[Path]:
    """Every file that belongs to the study."""
    images = {file_store().root / image.stored_name for image in study.images}
    return images.union(*(heatmaps(image) for image in study.images if image.analysis))


def test_an_image_passes_through_its_states(study, image, monkeypatch):
    assert (image.status, study.status, study.outcome) == ("received", "waiting", "")
    predict, seen = models.predict, []

    def look(task, *read):
        assert not db.session().in_transaction()
        seen.append(db.session.execute(db.select(Image.status, Study.status).join(Image.study)).first())
        db.session.rollback()
        return predict(task, *read)

    monkeypatch.setattr(models, "predict", look)
    assert studies.analyse(image.id) is ImageStatus.DONE
    assert [tuple(row) for row in seen] == [("running", "running")]
    assert (image.status, image.claim, image.claimed_at) == ("done", "", None)
    assert (study.status, study.outcome) == ("waiting", "")
    studies.analyse(study.images[1].id)
    assert (study.status, study.outcome, study.lead_label) == ("done", "finding", "pneumonia")


def test_what_is_done_is_not_done_again(image, networks):
    assert [studies.analyse(image.id) for _ in range(2)] == [ImageStatus.DONE, None]
    assert networks.calls == 1
    assert studies.analyse(10**6) is None


def test_of_many_who_ask_at_once_one_does_it(app, study, image, networks):
    ends = analyse_at_once(app, [image.id] * 4)
    assert sorted(ends, key=str) == [None, None, None, ImageStatus.DONE]
    assert networks.calls == db.session.query(Analysis).count() == 1
    assert stored_files() == files_of(study)


def test_two_images_finished_at_once_make_one_whole_study(app, study, monkeypatch):
    """Each transaction sees what the other has stored, or the study would wait for ever."""
    predict, both = models.predict, Barrier(2, timeout=WAIT)

    def together(task, *read):
        both.wait()
        return predict(task, *read)

    monkeypatch.setattr(models, "predict", together)
    for _ in range(5):
        db.session.query(Analysis).count()
        assert analyse_at_once(app, [image.id for image in study.images]) == [ImageStatus.DONE] * 2
        assert (study.status, study.outcome) == ("done", "finding")
        db.session.query(Image).update({"status": "received"})
        db.session.query(Study).update({"status": "waiting", "outcome": ""})
        db.session.commit()


def test_who_was_killed_is_followed_by_another(app, study, image, networks, database_url, monkeypatch):
    networks.outcome = Outcome.INCONCLUSIVE
    arguments = [app.config["FILES_ROOT"], database_url, str(image.id)]
    db.session.rollback()
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, *arguments], cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ}
    ) as worker:
        assert worker.stdout.readline() == b"hangs\n"
        worker.send_signal(signal.SIGKILL)
    db.session.rollback()
    assert (image.status, study.status) == ("running", "running")
    assert len(stored_files() - files_of(study)) == 1
    assert studies.analyse(image.id) is None
    assert studies.list_waiting() == [study.images[1].id]
    run_out(image)
    assert studies.list_waiting() == [image.id, study.images[1].id]
    assert studies.analyse(image.id) is ImageStatus.DONE
    assert (len(image.analyses), len(heatmaps(image))) == (1, 2)
    assert stored_files() == files_of(study)


def test_who_was_taken_for_dead_leaves_nothing(study, image, networks, monkeypatch):
    predict = models.predict

    def slow(task, *read):
        monkeypatch.setattr(models, "predict", predict)
        run_out(image)
        assert studies.analyse(image.id) is ImageStatus.DONE
        return predict(task, *read)

    monkeypatch.setattr(models, "predict", slow)
    assert studies.analyse(image.id) is None
    assert networks.calls == 2
    assert (image.status, len(image.analyses)) == ("done", 1)
    assert stored_files() == files_of(study)


def test_who_is_told_to_stop_gives_the_image_back(study, image, networks, monkeypatch):
    def stop(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(models, "predict", stop)
    with pytest.raises(KeyboardInterrupt):
        studies.analyse(image.id)
    assert (image.status, image.claim, study.status) == ("received", "", "waiting")


def test_a_study_that_was_purged_meanwhile_gets_no_files(study, image, networks, monkeypatch):
    predict = models.predict

    def purged(task, *read):
        studies.delete_study(study=study, actor=by(study.owner))
        studies.purge_studies(deleted_before_days=0, actor=by())
        return predict(task, *read)

    monkeypatch.setattr(models, "predict", purged)
    assert studies.analyse(image.id) is None
    assert stored_files() == set()
    assert db.session.query(Analysis).count() == 0


def test_lists_what_is_to_be_analysed(make_user, networks):
    owner = make_user()
    waiting, failed, done, running, deleted = (
        make_study(owner, status=status) for status in ("waiting", "incomplete", "done", "running", "waiting")
    )
    running.images[0].claimed_at = utc_now()
    studies.delete_study(study=deleted, actor=by(owner))
    assert studies.list_waiting() == [waiting.images[0].id]
    assert studies.list_waiting(with_failed=True) == [waiting.images[0].id, failed.images[0].id]
    run_out(running.images[0])
    assert studies.list_waiting() == [waiting.images[0].id, running.images[0].id]
    assert done.images[0].id not in studies.list_waiting(with_failed=True)


def test_the_command_line_works_off_what_waits(app, study, networks):
    networks.failing = (2,)
    runner = app.test_cli_runner()
    assert runner.invoke(args=["analyse"]).output == "Analysed 1 of 2 images; 1 failed.\n"
    assert runner.invoke(args=["analyse"]).output == "Analysed 0 of 0 images; 0 failed.\n"
    assert (study.status, study.outcome) == ("incomplete", "")
    assert runner.invoke(args=["analyse", "--failed"]).output == "Analysed 1 of 1 images; 0 failed.\n"
    assert (study.status, study.outcome) == ("done", "finding")


def test_an_image_that_there_is_not_is_claimed_by_nobody(app):
    assert claim.take_claim(2**31 - 1) is None
