"""No form works without the token of its own session."""

import pytest

from app.entities import User
from app.extensions import db
from tests.conftest import PASSWORD

PATHS = ("/auth/logout", "/auth/password", "/auth/tokens", "/admin/users/new", "/admin/settings", "/upload")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("token", [None, "", "x" * 40, "of another session"])
def test_refuses_posts_without_a_token_of_the_session(admin, sign_in, path, token):
    data = {"email": "eve@ward.local", "name": "Eve", "role": "admin", "current": PASSWORD, "new": "another good one"}
    if token == "of another session":
        data["csrf_token"] = sign_in().csrf_token()
    elif token is not None:
        data["csrf_token"] = token
    users = db.session.query(User).count()
    response = admin.post(path, data=data, csrf=False)
    assert response.status_code == 400 and "no longer valid" in response.text
    assert admin.get("/auth/account").status_code == 200
    assert db.session.query(User).count() == users


def test_a_token_from_before_the_login_is_refused(client, make_user):
    token = client.csrf_token()
    client.post("/auth/login", data={"email": make_user().email, "password": PASSWORD})
    assert client.post("/auth/logout", data={"csrf_token": token}, csrf=False).status_code == 400


def test_json_is_no_way_around(admin):
    response = admin.post("/admin/settings", json={"institution": "x"}, csrf=False)
    assert response.status_code == 400


def test_every_form_that_posts_carries_a_token(admin, clinician, networks):
    paths = ["/auth/account", "/auth/password", "/upload", "/admin/users/new", "/admin/settings"]
    for path in [*paths, f"/admin/users/{clinician.user.id}"]:
        page = admin.get(path).text
        assert page.count('method="post"') == page.count('name="csrf_token"') > 0
