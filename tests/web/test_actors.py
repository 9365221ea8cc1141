"""Who did something, from where, in which request: the same for all that one request writes."""

import logging
import re
from collections.abc import Iterator

import pytest

from app import logs
from app.clients import current_actor
from app.entities import AuditEvent
from app.extensions import db
from app.services import studies
from app.services.accounts import tokens
from models import Outcome
from tests.actors import by
from tests.sending import send_study


def ids(action: str) -> list[str]:
    """Of each such event the id of its request."""
    return list(db.session.scalars(db.select(AuditEvent.request_id).where(AuditEvent.action == action)))


def test_events_of_one_request_share_its_id(networks, clinician):
    networks.outcome, networks.suggested = Outcome.NOT_ASSESSED, "skin_lesion"
    study = send_study(clinician)
    clinician.post(f"/studies/{study.key}/analyse-as/skin_lesion")
    first, second = ids("study.create")
    assert ids("study.copy") == [second]
    assert len({first, second, *ids("login.ok")}) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", name) for name in (first, second))


def test_commands_have_an_id_of_their_own_and_no_user(app, networks, clinician):
    study = send_study(clinician)
    studies.delete_study(study=study, actor=by(clinician.user))
    app.test_cli_runner().invoke(args=["purge", "--days", "0"])
    event = db.session.query(AuditEvent).filter_by(action="study.purge").one()
    assert (event.user_id, event.address) == (None, "")
    assert re.fullmatch("[0-9a-f]{32}", event.request_id)


def test_a_token_made_on_the_command_line_names_its_user_and_no_actor(app, make_user):
    user = make_user()
    app.test_cli_runner().invoke(args=["token", "create", "--email", user.email])
    event = db.session.query(AuditEvent).filter_by(action="token.create").one()
    assert (event.user_id, event.account) == (None, user.email)


def test_programs_act_as_the_user_of_their_token(app, client, make_user, networks):
    user = make_user()
    _, token = tokens.create_token(user=user, name="script", actor=by(user))
    client.post("/api/v1/studies", headers={"Authorization": f"Bearer {token}"}, data={"task": "chest", "image": ""},
                content_type="multipart/form-data")  # fmt: skip
    event = db.session.query(AuditEvent).filter_by(action="study.refuse").one()
    assert (event.user_id, event.address) == (user.id, "127.0.0.1")


def test_nobody_is_an_actor_too(app):
    with app.test_request_context(environ_base={"REMOTE_ADDR": "192.0.2.7"}):
        actor = current_actor()
        assert (actor.user, actor.address, actor.session) == (None, "192.0.2.7", "")
        assert current_actor().request_id == actor.request_id
    with app.test_request_context():
        assert current_actor().request_id != actor.request_id


@pytest.fixture
def served_log(app) -> Iterator[logging.Handler]:
    """The handler of the log as it is served."""
    logger = logging.getLogger("lumen")
    before = logger.handlers
    app.testing = False
    logs.register(app)
    yield logger.handlers[0]
    logger.handlers = before


def test_each_line_of_the_log_names_its_request(app, served_log):
    record = logging.LogRecord("lumen", logging.INFO, "", 0, "It is said.", (), None)
    with app.test_request_context():
        assert served_log.filter(record)
        assert f" {current_actor().request_id} It is said." in served_log.format(record)
