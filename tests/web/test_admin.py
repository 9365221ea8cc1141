"""Administration: users, roles, settings, the audit log."""

import html
import re

import pytest

from app.entities import AuditEvent, Role, User
from app.extensions import db
from app.services import settings
from tests.conftest import PASSWORD


def secret_on(page: str) -> str:
    return re.search(r'<code class="secret">([^<]+)</code>', page).group(1)


def user_of(email: str) -> User:
    return db.session.scalar(db.select(User).where(User.email == email))


def test_an_added_user_signs_in_with_the_one_time_password(admin, client):
    response = admin.post("/admin/users/new", data={"name": "Bea", "email": "Bea@Ward.Local", "role": "reviewer"})
    assert response.status_code == 201
    user = user_of("bea@ward.local")
    assert (user.role, user.must_change_password) == (Role.REVIEWER, True)
    login = client.post("/auth/login", data={"email": user.email, "password": secret_on(response.text)})
    assert login.status_code == 302
    assert client.get("/studies").location == "/auth/password"


@pytest.mark.parametrize(
    "form", [{"name": "", "email": "b@ward.local", "role": "admin"}, {"name": "B", "email": "b", "role": "admin"},
             {"name": "B", "email": "b@ward.local", "role": "root"}, {}],
)  # fmt: skip
def test_refuses_incomplete_users(admin, form):
    assert admin.post("/admin/users/new", data=form).status_code == 422
    assert db.session.query(User).count() == 1


def test_a_reset_shows_a_new_password_once(admin, clinician, client):
    response = admin.post(f"/admin/users/{clinician.user.id}/reset-password")
    one_time = secret_on(response.text)
    assert clinician.get("/auth/account").status_code == 302
    form = {"email": clinician.user.email, "password": one_time}
    assert client.post("/auth/login", data=form).status_code == 302
    assert one_time not in admin.get(f"/admin/users/{clinician.user.id}").text


def test_changes_a_role(admin, clinician):
    response = admin.post(f"/admin/users/{clinician.user.id}/role", data={"role": "reviewer"}, follow_redirects=True)
    assert "is now reviewer" in response.text
    assert user_of(clinician.user.email).role == Role.REVIEWER


@pytest.mark.parametrize("role", ["", "root", "ADMIN"])
def test_refuses_unknown_roles(admin, clinician, role):
    assert admin.post(f"/admin/users/{clinician.user.id}/role", data={"role": role}).status_code == 422


def test_the_last_admin_cannot_step_down(admin):
    path = f"/admin/users/{admin.user.id}"
    for action, form in (("role", {"role": "clinician"}), ("disable", {})):
        response = admin.post(f"{path}/{action}", data=form)
        assert response.status_code == 409 and "Appoint another" in response.text
    assert admin.get("/admin/users").status_code == 200


def test_disables_and_enables(admin, clinician, client):
    path = f"/admin/users/{clinician.user.id}"
    admin.post(f"{path}/disable")
    form = {"email": clinician.user.email, "password": PASSWORD}
    assert client.post("/auth/login", data=form).status_code == 422
    admin.post(f"{path}/enable")
    assert client.post("/auth/login", data=form).status_code == 302


@pytest.mark.parametrize("user_id", ["0", "999999", "9223372036854775808", "-1", "abc", "1.5"])
def test_unknown_users_are_not_found(admin, user_id):
    assert admin.get(f"/admin/users/{user_id}").status_code == 404
    assert admin.post(f"/admin/users/{user_id}/disable").status_code == 404


def follow(client, page: str, rel: str) -> str:
    """The page that a link of the pager leads to."""
    return client.get(html.unescape(re.search(rf'rel="{rel}" href="([^"]+)"', page).group(1))).text


def test_finds_users_and_pages_through_them(admin, make_user):
    for number in range(30):
        make_user(email=f"user{number:02}@ward.local", name=f"User {number:02}")
    first = admin.get("/admin/users?q=user").text
    assert "30 users with “user”." in first and "User 24" in first and "User 25" not in first
    second = follow(admin, first, "next")
    assert "User 25" in second and "User 29" in second and "User 24" not in second
    assert '<a class="button" href="/admin/users?q=user">First page</a>' in second
    back = follow(admin, second, "prev")
    assert "User 00" in back and "User 24" in back and 'rel="prev"' not in back
    assert "0 users" in admin.get("/admin/users?q=%25%27--").text


def test_pages_through_the_audit_log(admin):
    for number in range(60):
        db.session.add(AuditEvent(action="study.view", account="anna@ward.local", object_key=f"key-{number:02}"))
    db.session.commit()
    first = admin.get("/admin/audit?action=study.view&account=Anna").text
    assert "60 events" in first and "key-59" in first and "key-35" in first and "key-34" not in first
    second = follow(admin, first, "next")
    third = follow(admin, second, "next")
    assert "key-34" in second and "key-10" in second and "key-09" in third and 'rel="next"' not in third
    assert "key-34" in follow(admin, third, "prev")
    assert 'href="/admin/audit?action=study.view&amp;account=Anna">Newest</a>' in third


@pytest.mark.parametrize(
    "query",
    [
        "page=-1",
        "after=-1",
        "after=1e309",
        "after=9999999999999999999999",
        "before=999999999",
        "before=NaN",
        "after=١٢&before=%00",
        pytest.param("q=" + "x" * 5000, id="long"),
        "q=%00",
    ],
)
def test_odd_queries_get_a_page(admin, query):
    assert admin.get(f"/admin/users?{query}").status_code == 200
    assert admin.get(f"/admin/audit?{query.replace('q=', 'account=')}").status_code == 200


def test_saves_settings(admin):
    response = admin.post("/admin/settings", data={"institution": " Ward 7, St. Anna "}, follow_redirects=True)
    assert "The settings are saved" in response.text and 'value="Ward 7, St. Anna"' in response.text
    assert settings.get_setting("institution") == "Ward 7, St. Anna"
    assert not settings.registration_is_open()


def test_refuses_an_overlong_institution(admin):
    response = admin.post("/admin/settings", data={"institution": "x" * 501})
    assert response.status_code == 422 and "at most 500" in response.text


def test_the_audit_log_shows_what_happened(admin, clinician):
    admin.post(f"/admin/users/{clinician.user.id}/disable")
    page = admin.get("/admin/audit").text
    assert "user.disable" in page and "127.0.0.1" in page
    only = admin.get("/admin/audit?action=user.disable").text
    assert "1 event." in only and admin.user.email in only
    assert "0 events" in admin.get("/admin/audit?account=nobody").text


def test_every_administrative_act_is_recorded(admin, clinician):
    path = f"/admin/users/{clinician.user.id}"
    admin.post(f"{path}/role", data={"role": "reviewer"})
    admin.post(f"{path}/disable")
    admin.post(f"{path}/enable")
    admin.post(f"{path}/reset-password")
    admin.post("/admin/settings", data={"registration_open": "y", "institution": "W"})
    admin.post("/admin/users/new", data={"name": "Bea", "email": "bea@ward.local", "role": "reviewer"})
    events = db.session.scalars(
        db.select(AuditEvent).where(AuditEvent.user_id == admin.user.id).order_by(AuditEvent.id)
    )
    assert [event.action for event in events] == [
        "login.ok", "user.change_role", "user.disable", "user.enable", "user.reset_password", "setting.change",
        "user.create",
    ]  # fmt: skip
