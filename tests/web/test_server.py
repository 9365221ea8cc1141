"""The real server: gunicorn with its configuration, two workers, a database made by the migrations."""

import json
import signal

import pytest

from tests.real_server import get, serve


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
