"""Registering, signing in, sessions and their ends."""

import time

import pytest
from flask.sessions import SecureCookieSessionInterface

from app.auth.views import local_path
from app.entities import AuditEvent, Role, User
from app.extensions import db
from tests.conftest import PASSWORD

NEW = "another good password"


def is_signed_in(client) -> bool:
    return client.get("/auth/account").status_code == 200


def session_cookie(client) -> str:
    return client.get_cookie("lumen_session").value


def test_a_newcomer_registers_and_is_signed_in(client, networks):
    form = {"name": "Anna Berg", "email": "Anna@Ward.Local", "password": PASSWORD}
    response = client.post("/auth/register", data=form, follow_redirects=True)
    assert response.request.path == "/upload" and "Welcome" in response.text
    user = db.session.scalar(db.select(User))
    assert (user.email, user.name, user.role) == ("anna@ward.local", "Anna Berg", Role.CLINICIAN)


def test_a_refused_registration_says_why_and_keeps_what_was_written(client):
    response = client.post("/auth/register", data={"name": "Anna", "email": "anna@ward.local", "password": "short"})
    assert response.status_code == 422
    assert "at least 10 characters" in response.text and 'value="anna@ward.local"' in response.text
    assert "short" not in response.text.replace("shortly", "")
    assert db.session.query(User).count() == 0


def test_nobody_registers_as_admin(client, networks):
    form = {"name": "Eve", "email": "eve@ward.local", "password": PASSWORD, "role": "admin", "is_admin": "1"}
    client.post("/auth/register", data=form)
    assert db.session.scalar(db.select(User.role)) == Role.CLINICIAN


def test_registration_can_be_closed(admin, client):
    admin.post("/admin/settings", data={"institution": "Ward 7"})
    page = client.get("/auth/register")
    assert page.status_code == 200 and "administrators" in page.text
    form = {"name": "Anna", "email": "anna@ward.local", "password": PASSWORD}
    assert client.post("/auth/register", data=form).status_code == 403
    assert "Create an account" not in client.get("/").text
    assert db.session.query(User).count() == 1


def test_login_goes_back_to_where_it_was_asked_for(client, make_user):
    user = make_user()
    asked = client.get("/studies?task=chest&page=2")
    page = client.get(asked.location)
    assert 'value="/studies?task=chest&amp;page=2"' in page.text
    form = {"email": user.email, "password": PASSWORD, "next": "/studies?task=chest&page=2"}
    assert client.post("/auth/login", data=form).location == "/studies?task=chest&page=2"


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
     "javascript:alert(1)", "evil.example", "///evil.example", "/\n/evil.example", "", None],
)  # fmt: skip
def test_login_never_leads_to_another_server(client, make_user, target):
    assert local_path(target) == ""
    form = {"email": make_user().email, "password": PASSWORD, "next": target or ""}
    assert client.post("/auth/login", data=form).location == "/upload"


def test_unknown_account_and_wrong_password_get_the_same_answer(client, make_user):
    known = make_user().email
    answers = []
    for email in (known, "nobody@ward.local"):
        response = client.post("/auth/login", data={"email": email, "password": "not the password"})
        client.delete_cookie("lumen_session")
        text = response.text.replace(email, "")
        answers.append((response.status_code, text[: text.index("csrf_token")], "password is wrong" in text))
    assert answers[0] == answers[1]
    assert answers[0][0] == 422 and answers[0][2]


def test_too_many_failures_are_429_with_a_time(client, make_user):
    user = make_user()
    for _ in range(5):
        client.post("/auth/login", data={"email": user.email, "password": "not the password"})
    response = client.post("/auth/login", data={"email": user.email, "password": PASSWORD})
    assert response.status_code == 429 and "15 minutes" in response.text
    assert 0 < int(response.headers["Retry-After"]) <= 900
    assert not is_signed_in(client)


def test_a_forwarded_address_is_not_believed_without_a_proxy(client, make_user):
    user = make_user()
    for number in range(5):
        form = {"email": user.email, "password": "not the password"}
        client.post("/auth/login", data=form, headers={"X-Forwarded-For": f"10.1.1.{number}"})
    assert set(db.session.scalars(db.select(AuditEvent.address))) == {"127.0.0.1"}


def test_a_disabled_user_is_told_only_with_the_right_password(client, make_user):
    user = make_user(is_enabled=False)
    wrong = client.post("/auth/login", data={"email": user.email, "password": "not the password"})
    right = client.post("/auth/login", data={"email": user.email, "password": PASSWORD})
    assert "disabled" not in wrong.text
    assert right.status_code == 422 and "disabled" in right.text
    assert not is_signed_in(client)


def test_login_starts_a_new_session(client, make_user):
    user = make_user()
    client.get("/auth/login")
    with client.session_transaction() as session:
        session["planted"] = "by somebody else"
    before = session_cookie(client)
    client.post("/auth/login", data={"email": user.email, "password": PASSWORD})
    assert session_cookie(client) != before
    with client.session_transaction() as session:
        assert "planted" not in session


def test_logout_ends_the_session_on_the_server_and_everywhere(clinician, sign_in):
    other_device = sign_in(user=clinician.user)
    stolen = session_cookie(clinician)
    response = clinician.post("/auth/logout")
    assert response.headers["Clear-Site-Data"] == '"cache", "storage"'
    clinician.set_cookie("lumen_session", stolen)
    assert not is_signed_in(clinician)
    assert not is_signed_in(other_device)


def test_logout_takes_a_post(clinician):
    assert clinician.get("/auth/logout").status_code == 405
    assert is_signed_in(clinician)


def test_a_new_password_ends_the_other_sessions_but_not_this_one(clinician, sign_in):
    other_device = sign_in(user=clinician.user)
    stolen = session_cookie(clinician)
    response = clinician.post("/auth/password", data={"current": PASSWORD, "new": NEW})
    assert response.location == "/auth/account"
    assert is_signed_in(clinician) and not is_signed_in(other_device)
    other_device.set_cookie("lumen_session", stolen)
    assert not is_signed_in(other_device)


def test_a_wrong_current_password_changes_nothing(clinician):
    response = clinician.post("/auth/password", data={"current": "not the password", "new": NEW})
    assert response.status_code == 422 and "not your current password" in response.text


@pytest.mark.parametrize(("name", "age"), [("seen_at", 31 * 60), ("signed_in_at", 12 * 3600 + 60)])
def test_sessions_end_after_idle_and_absolute_times(clinician, name, age):
    with clinician.session_transaction() as session:
        session[name] = time.time() - age
    response = clinician.get("/auth/account")
    assert response.location == "/auth/login?next=/auth/account"
    assert "not used for a while" in clinician.get(response.location).text
    assert not is_signed_in(clinician)


def test_use_keeps_a_session_alive(clinician):
    for _ in range(2):
        with clinician.session_transaction() as session:
            session["seen_at"] = time.time() - 29 * 60
        assert is_signed_in(clinician)


def test_a_disabled_users_session_ends_at_once(clinician, admin):
    admin.post(f"/admin/users/{clinician.user.id}/disable")
    assert not is_signed_in(clinician)


@pytest.mark.parametrize("user_id", ["", "1", "1.", "x.y", "1.2.3", "9" * 40 + ".x", "-1.x", "١.x", "1.é"])
def test_odd_session_contents_sign_nobody_in(client, make_user, user_id):
    make_user()
    with client.session_transaction() as session:
        session["_user_id"] = user_id
        session["signed_in_at"] = session["seen_at"] = time.time()
    assert not is_signed_in(client)


@pytest.mark.parametrize("secret", ["", "dev", "changeme", "secret"])
def test_a_session_signed_with_another_secret_is_worth_nothing(app, client, make_user, secret):
    user = make_user(Role.ADMIN)
    facts = {"_user_id": user.get_id(), "signed_in_at": time.time(), "seen_at": time.time()}
    signer = SecureCookieSessionInterface().get_signing_serializer(
        type("App", (), {"secret_key": secret or "x", "config": {"SECRET_KEY_FALLBACKS": None}})()
    )
    client.set_cookie("lumen_session", signer.dumps(facts))
    assert not is_signed_in(client)


def test_a_one_time_password_must_be_changed_first(sign_in, make_user):
    client = sign_in(user=make_user(must_change_password=True))
    for path in ("/upload", "/studies", "/auth/account", "/"):
        assert client.get(path).location == "/auth/password"
    client.post("/auth/password", data={"current": PASSWORD, "new": NEW})
    assert is_signed_in(client)


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client, make_user):
    response = client.post("/auth/login", data={"email": make_user().email, "password": PASSWORD})
    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and len(cookie) < 4096


def test_a_token_is_shown_once(clinician):
    made = clinician.post("/auth/tokens", data={"name": "ward script"})
    assert made.status_code == 201 and made.text.count("lumen_") == 1
    page = clinician.get("/auth/account").text
    assert "ward script" in page and "lumen_" not in page


def test_a_token_is_revoked_from_the_account_page(clinician):
    clinician.post("/auth/tokens", data={"name": "ward script"})
    page = clinician.get("/auth/account").text
    path = page[page.index("/auth/tokens/") :].partition('"')[0]
    clinician.post(path)
    assert "You have no tokens" in clinician.get("/auth/account").text
    assert clinician.post(path).status_code == 404


@pytest.mark.parametrize("name", ["", "n" * 81])
def test_a_token_needs_a_name_that_fits(clinician, name):
    assert clinician.post("/auth/tokens", data={"name": name}).status_code == 422


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "{{73471*61837}}", "' OR 1=1--", '"><img src=x onerror=alert(1)>']
)
def test_names_are_shown_as_they_are_written(client, networks, text):
    client.post("/auth/register", data={"name": text, "email": "eve@ward.local", "password": PASSWORD})
    page = client.get("/auth/account").text
    assert "<script>alert" not in page and "<img src=x" not in page and str(73471 * 61837) not in page
    assert db.session.scalar(db.select(User.name)) == text
