"""What a decoder's fault costs: one upload, told in plain words, and nothing is left of it."""

import io
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from app.entities import Analysis, AuditEvent, Image, Study
from app.extensions import db
from app.services import decoders
from models import DecoderLimits, DecoderPool
from tests.fakes import picture
from tests.sending import stored_files, upload

pytestmark = pytest.mark.usefixtures("networks")

# A file that makes this decoder sleep, so that there is time to do to it what the test wants.
SLOW = b"hang"
PATIENCE = 0.3


@pytest.fixture
def use_pool(monkeypatch) -> Iterator[Callable[..., DecoderPool]]:
    """use_pool(module): the application decodes in one such process, with short limits, from now on."""
    pools = []

    def use_pool(module: str = "tests.ml.misbehaving_decoder") -> DecoderPool:
        pools.append(DecoderPool(1, DecoderLimits(seconds=1.5, patience=PATIENCE), module))
        monkeypatch.setattr(decoders, "_pool", lambda _processes: pools[-1])
        return pools[-1]

    yield use_pool
    for pool in pools:
        pool.close()


@pytest.fixture
def pool(use_pool) -> DecoderPool:
    """Its process has come up: only then do the limits of one file count."""
    pool = use_pool()
    pool.decode(picture())
    return pool


def post_to_api(client, data: bytes, headers: dict[str, str]):
    form = {"task": "chest", "image": (io.BytesIO(data), "film.jpg")}
    return client.post("/api/v1/studies", data=form, headers=headers, csrf=False)


def decoder_of(pool: DecoderPool) -> psutil.Process:
    """The one decoding process of this pool, which must be a child of the server."""
    (process,) = pool._running
    return psutil.Process(process.pid)


def soon(action: Callable[[], None]) -> threading.Thread:
    """Do this while the upload that follows is at work."""
    thread = threading.Timer(0.4, action)
    thread.start()
    return thread


def assert_nothing_stored() -> None:
    assert [db.session.query(kind).count() for kind in (Study, Image, Analysis)] == [0, 0, 0]
    assert stored_files() == set()


def assert_no_zombie() -> None:
    states = [child.status() for child in psutil.Process().children(recursive=True)]
    assert psutil.STATUS_ZOMBIE not in states


FAULTS = {
    "killed": (signal.SIGKILL, "could not be decoded"),
    "stopped": (signal.SIGSTOP, "took longer than 2 seconds"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_decoder_that_is_killed_or_stopped_costs_one_upload(fault, pool, clinician):
    number, words = FAULTS[fault]
    decoder = decoder_of(pool)
    killer, started = soon(lambda: decoder.send_signal(number)), time.monotonic()
    response = upload(clinician, (SLOW, "slow.jpg"))
    assert time.monotonic() - started < 3
    killer.join()
    assert response.status_code == 422
    assert "slow.jpg: " in response.text and words in response.text
    assert not decoder.is_running()
    assert_no_zombie()
    assert_nothing_stored()
    refusal = db.session.query(AuditEvent).filter_by(action="study.refuse").one()
    assert words in refusal.detail and "slow.jpg" not in refusal.detail
    assert upload(clinician, picture()).status_code == 303
    assert db.session.query(Study).one().status == "done"


def test_a_fault_in_the_second_file_leaves_nothing_of_the_first(pool, clinician):
    response = upload(clinician, picture(), (b"crash", "second.jpg"))
    assert response.status_code == 422 and "second.jpg: " in response.text
    assert_nothing_stored()
    assert_no_zombie()


def test_when_all_are_busy_page_and_api_say_when_to_come_again(pool, clinician, bearer):
    process = pool._idle.get()  # as a thread that decodes holds it
    page, answer = upload(clinician, picture()), post_to_api(clinician, picture(), bearer)
    for response in (page, answer):
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) >= 1
    assert "Too many images are being read" in page.text
    assert "Nothing was saved; send them again in a moment." in page.text
    assert answer.json["error"]["code"] == "not_available"
    assert "send them again in a moment" in answer.json["error"]["message"]
    assert_nothing_stored()
    pool._idle.put(process)
    assert upload(clinician, picture()).status_code == 303


def test_decoders_that_do_not_start_are_no_fault_of_the_file(use_pool, clinician, bearer, capfd, caplog):
    use_pool("tests.ml.no_such_decoder")
    page, answer = upload(clinician, picture()), post_to_api(clinician, picture(), bearer)
    assert (page.status_code, answer.status_code) == (503, 503)
    for words in (page.text, answer.json["error"]["message"]):
        assert "Images cannot be read on this server now, whatever the file" in words
        assert "Nothing was saved; tell an administrator" in words
    assert_nothing_stored()
    assert_no_zombie()
    assert "A decoder did not come up" in caplog.text
    assert "No module named tests.ml.no_such_decoder" in capfd.readouterr().err


def test_health_tells_of_decoders_that_do_not_start_before_the_first_upload(use_pool, client, clinician, capfd):
    assert client.get("/health/ready").json["decoders"] == "ok"
    broken = use_pool("tests.ml.no_such_decoder")
    broken.start()
    os.waitid(os.P_PID, decoder_of(broken).pid, os.WEXITED | os.WNOWAIT)
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert "processes that read images do not start" in response.json["decoders"]
    assert upload(clinician, picture()).status_code == 503
    assert client.get("/health/ready").json["decoders"] != "ok"
    use_pool()
    assert upload(clinician, picture()).status_code == 303
    assert client.get("/health/ready").json["decoders"] == "ok"


def test_a_system_that_starts_no_process_costs_no_place_in_the_pool(use_pool, clinician, monkeypatch):
    pool = use_pool()
    with monkeypatch.context() as patch:
        patch.setattr("subprocess.Popen", _no_process)
        decoders.start_decoders()
        assert not decoders.are_available()
        assert upload(clinician, picture()).status_code == 503
    assert upload(clinician, picture()).status_code == 303
    assert pool.is_available


def _no_process(*_args, **_kwargs):
    raise BlockingIOError("Resource temporarily unavailable")
