"""The real server: gunicorn with its configuration, two workers, a database made by the migrations."""

import json
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import psutil
import pytest

from tests.fakes import picture
from tests.real_server import RealServer, get, serve


@pytest.mark.slow
def test_serves_pages_and_its_state_and_stops_when_told(tmp_path):
    with serve(tmp_path, WEB_CONCURRENCY="2") as server:
        assert get(f"{server.address}/health/live")[0] == 200
        status, page = get(f"{server.address}/auth/login?next=/studies%3Fq%3DSecretName")
        assert status == 200 and "Sign in" in page

        status, text = get(f"{server.address}/health/ready")
        state = json.loads(text)
        assert state["database"] == "ok" and len(state["tasks"]) == 5
        assert status == (200 if set(state["tasks"].values()) == {"ok"} else 503)

        server.process.send_signal(signal.SIGTERM)
        # A worker that has only just been forked can miss its signal: it is killed after 30 seconds (graceful_timeout).
        assert server.process.wait(timeout=60) == 0
    log = server.log.read_text()
    assert log.count("Booting worker") == 2
    assert "/auth/login" in log and "SecretName" not in log


@pytest.mark.slow
def test_decoders_end_with_their_worker_and_with_the_server(tmp_path):
    with serve(tmp_path, WEB_CONCURRENCY="1") as server:
        master = psutil.Process(server.process.pid)
        with signed_in(server) as client:
            assert send(client).status_code == 303, "the first upload is answered at once"
            (worker,), first = master.children(), decoders_under(master)
            assert len(first) == 1
            worker.kill()
            until(lambda: not any(decoder.is_running() for decoder in first))
            until(lambda: len(decoders_under(master)) == 1)
            assert send(client).status_code == 303
        processes = master.children(recursive=True)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=60) == 0
        until(lambda: not any(process.is_running() for process in processes))


@contextmanager
def signed_in(server: RealServer) -> Iterator[httpx.Client]:
    """A clinician who has just registered."""
    with httpx.Client(base_url=server.address, timeout=60) as client:
        page = client.get("/auth/register").text
        account = {"name": "Ada", "email": "ada@ward.local", "password": "correct horse battery"}
        answer = client.post("/auth/register", data=account | {"csrf_token": token_in(page)})
        assert answer.is_redirect, answer.text
        yield client


def send(client: httpx.Client) -> httpx.Response:
    token = token_in(client.get("/upload").text)
    files = {"images": ("film.jpg", picture(), "image/jpeg")}
    return client.post("/upload", data={"task": "chest", "csrf_token": token}, files=files)


def token_in(page: str) -> str:
    return re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page).group(1)


def decoders_under(master: psutil.Process) -> list[psutil.Process]:
    return [child for child in master.children(recursive=True) if "models.decoders.child" in child.cmdline()]


def until(is_so: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)
