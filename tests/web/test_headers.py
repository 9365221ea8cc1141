"""Headers on every response, and what an error may tell."""

import pytest
from flask import abort
from sqlalchemy.exc import DatabaseError, IntegrityError, InterfaceError, OperationalError

from app import create_app
from config import Production, Testing
from tests.conftest import make_app

PATHS = ("/", "/auth/login", "/nothing", "/static/css/lumen.css", "/static/nothing", "/upload", "/health/live")


@pytest.mark.parametrize("path", PATHS)
def test_every_response_has_the_security_headers(client, path):
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    for rule in (
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    ):
        assert rule in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in headers
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("path", ["/", "/auth/account", "/upload", "/studies", "/nothing", "/auth/password"])
def test_pages_are_never_kept_by_the_browser(clinician, networks, path):
    assert clinician.get(path).headers["Cache-Control"] == "no-store"


def test_static_files_may_be_kept(client):
    assert "no-store" not in client.get("/static/css/lumen.css").headers["Cache-Control"]


def test_other_origins_are_not_let_in(client):
    headers = client.get("/", headers={"Origin": "https://evil.example"}).headers
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize(
    "path",
    ["/.git/config", "/.env", "/config.py", "/static/../config.py", "/static/%2e%2e/config.py", "/instance/lumen.db",
     "/console", "/static/"],
)  # fmt: skip
def test_no_file_outside_the_static_folder_is_served(client, path):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "PATCH"])
def test_other_methods_are_refused(client, method):
    response = client.open("/auth/login", method=method)
    assert response.status_code == 405 and "POST" in response.headers["Allow"]


def test_a_method_override_is_ignored(clinician):
    assert clinician.get("/auth/logout", headers={"X-HTTP-Method-Override": "POST"}).status_code == 405


@pytest.mark.parametrize("status", [400, 401, 403, 405, 410, 413, 418, 429])
def test_errors_are_pages_in_plain_words(app, client, status):
    app.add_url_rule("/fails", "fails", lambda: abort(status))
    response = client.get("/fails")
    assert response.status_code == status
    assert "Go to the start page" in response.text and "Werkzeug" not in response.text


def test_errors_of_the_api_are_json(app, client):
    app.add_url_rule("/api/fails", "fails", lambda: abort(413))
    response = client.get("/api/fails")
    assert response.status_code == 413
    assert response.json["error"]["code"] == "too_large"
    assert "64 MB" in response.json["error"]["message"]
    assert client.get("/api/nothing").json["error"]["code"] == "not_found"


def test_a_crash_tells_nothing_about_the_inside(tmp_path):
    app = make_app(tmp_path, TESTING=False, PROPAGATE_EXCEPTIONS=False)
    app.add_url_rule("/fails", "fails", lambda: 1 / 0)
    with app.app_context():
        response = app.test_client().get("/fails")
    assert response.status_code == 500
    assert "ZeroDivision" not in response.text and "Traceback" not in response.text
    assert "Content-Security-Policy" in response.headers


@pytest.mark.parametrize("kind", [OperationalError, DatabaseError, InterfaceError])
def test_a_failing_database_is_a_clean_503(clinician, monkeypatch, kind):
    def fail(*_args, **_kwargs):
        raise kind("SELECT secret FROM users", {}, ConnectionError("no such host: db.internal"))

    monkeypatch.setattr("app.services.accounts.find_user_by_session", fail)
    response = clinician.get("/studies")
    assert response.status_code == 503 and response.headers["Retry-After"] == "30"
    assert "does not answer" in response.text
    assert "secret" not in response.text and "db.internal" not in response.text
    monkeypatch.undo()
    assert clinician.get("/studies").status_code == 200


def test_a_mistake_of_ours_is_not_called_an_absent_database(tmp_path):
    def fail():
        raise IntegrityError("INSERT", {}, ValueError("UNIQUE"))

    app = make_app(tmp_path, TESTING=False, PROPAGATE_EXCEPTIONS=False)
    app.add_url_rule("/fails", "fails", fail)
    with app.app_context():
        assert app.test_client().get("/fails").status_code == 500


def test_hsts_and_host_cookies_only_behind_https(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "0123456789abcdef" * 4)
    config = Production()
    config.SQLALCHEMY_DATABASE_URI = Testing.SQLALCHEMY_DATABASE_URI
    client = create_app(config).test_client()
    response = client.get("/auth/login", base_url="https://lumen.example")
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
