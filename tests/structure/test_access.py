"""Every route and who may call it. A new route fails here until somebody decides."""

import pytest

from app.entities import Role
from app.extensions import db
from app.services import studies
from app.services.accounts import tokens
from app.services.report import issue_report
from app.services.studies.files import Upload
from tests.actors import by
from tests.fakes import picture

# public: anybody. user: any signed-in user. study: the owner, reviewers and admins; to others it does not exist.
# reviewer: reviewers and admins. admin: admins. own: what belongs to the user alone. token: a bearer token.
ACCESS = {
    "static": "public",
    "home.index": "public",
    "health.live": "public",
    "health.ready": "public",
    "auth.register": "public",
    "auth.login": "public",
    "auth.logout": "public",
    "auth.password": "user",
    "auth.account": "user",
    "auth.create_token": "user",
    "auth.revoke_token": "own",
    "upload.create": "user",
    "history.index": "user",
    "history.export": "user",
    "history.detail": "study",
    "history.image": "study",
    "history.analyse": "study",
    "history.analyse_image": "study",
    "history.analyse_as": "study",
    "history.send_righted": "study",
    "history.delete": "owner or admin",
    "history.review": "reviewer",
    "reports.create": "study",
    "reports.download": "study",
    "reports.export": "user",
    "cards.index": "user",
    "cards.detail": "user",
    "cards.download": "user",
    "admin.users": "admin",
    "admin.user": "admin",
    "admin.create_user": "admin",
    "admin.set_role": "admin",
    "admin.enable_user": "admin",
    "admin.disable_user": "admin",
    "admin.reset_password": "admin",
    "admin.edit_settings": "admin",
    "admin.audit_log": "admin",
    "api.tasks": "token",
    "api.list_studies": "token",
    "api.create_study": "token",
    "api.study": "token",
    "api.report": "token",
    "api.heatmap": "token",
}
# Rule -> who gets through. "owner" is the clinician of the study, "stranger" another clinician.
ALLOWED = {
    "public": {"anonymous", "owner", "stranger", "reviewer", "admin"},
    "user": {"owner", "stranger", "reviewer", "admin"},
    "own": {"owner"},
    "study": {"owner", "reviewer", "admin"},
    "owner or admin": {"owner", "admin"},
    "reviewer": {"reviewer", "admin"},
    "admin": {"admin"},
    "token": set(),
}
PEOPLE = ("anonymous", "owner", "stranger", "reviewer", "admin")


def test_every_route_has_its_rule(app):
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == set(ACCESS)


@pytest.mark.parametrize("endpoint", sorted(ACCESS))
def test_lets_in_whom_its_rule_allows(app, networks, sign_in, client, make_user, endpoint):
    clients = {
        "anonymous": client,
        "owner": sign_in(Role.CLINICIAN),
        "stranger": sign_in(Role.CLINICIAN),
        "reviewer": sign_in(Role.REVIEWER),
        "admin": sign_in(Role.ADMIN),
    }
    for rule in [rule for rule in app.url_map.iter_rules() if rule.endpoint == endpoint]:
        for method in sorted(rule.methods & {"GET", "POST"}):
            for person in PEOPLE:
                path = rule.build(make_arguments(rule, clients["owner"].user, make_user), append_unknown=False)[1]
                response = clients[person].open(path, method=method, **_form(clients[person], method))
                seen = (endpoint, method, person, response.status_code, response.location)
                assert _got_through(response) == (person in ALLOWED[ACCESS[endpoint]]), seen
                assert person != "anonymous" or response.status_code != 403, seen


def make_arguments(rule, owner, make_user) -> dict:
    """Values for the rule's variables that name things which exist."""
    values = {"filename": "css/lumen.css", "view": "original", "task": "chest"}
    if "user_id" in rule.arguments:
        values["user_id"] = make_user().id
    if "token_id" in rule.arguments:
        values["token_id"] = tokens.create_token(user=owner, name="script", actor=by(owner))[0].id
    if {"key", "image_key"} & rule.arguments:
        study = make_study(owner)
        values |= {"key": study.key, "image_key": study.images[0].key}
    if rule.endpoint == "reports.download":
        values["key"] = issue_report(study=study, actor=by(owner)).key
    return {name: value for name, value in values.items() if name in rule.arguments}


def make_study(owner):
    study, _ = studies.submit_study(actor=by(owner), task="chest", uploads=[Upload("film.jpg", picture())])
    studies.analyse_study(study)
    return study


def _form(client, method) -> dict:
    return {"data": {"csrf_token": client.csrf_token(), "agrees": "yes"}} if method == "POST" else {}


def _got_through(response) -> bool:
    """Was it the view that answered, and not a refusal or the way to the sign-in? (A form may still be incomplete.)"""
    sent_to_login = response.status_code == 302 and response.location.partition("?")[0] == "/auth/login"
    return response.status_code not in (401, 403, 404) and not sent_to_login


def test_nobody_gets_through_when_disabled(sign_in, make_user):
    client = sign_in(Role.ADMIN)
    client.user.is_enabled = False
    db.session.commit()
    for path in ("/upload", "/studies", "/admin/users", "/auth/account"):
        assert client.get(path).location == f"/auth/login?next={path}"
