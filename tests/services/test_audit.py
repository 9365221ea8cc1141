import json
import logging

from app.entities import AuditEvent
from app.extensions import db
from app.services import audit, settings
from app.services.audit import AuditFilter
from tests.actors import by


def test_an_event_is_one_row_and_one_log_line(app, make_user, caplog):
    user = make_user()
    with caplog.at_level(logging.INFO, logger="lumen.security"):
        audit.record("study.view", actor=by(user, "10.0.0.1"), object_key="abc", detail="a\nline\x1b[31m")
    db.session.commit()
    event = db.session.scalar(db.select(AuditEvent))
    assert (event.user_id, event.account, event.object_key, event.address) == (user.id, user.email, "abc", "10.0.0.1")
    assert len(caplog.messages) == 1
    assert "\n" not in caplog.messages[0] and "\x1b" not in caplog.messages[0]
    assert json.loads(caplog.messages[0])["action"] == "study.view"


def test_overlong_values_are_cut_to_their_columns(app):
    audit.record("login.fail", actor=by(None, "1" * 5000), account="x" * 5000, object_key="k" * 5000, detail="d" * 5000)
    db.session.commit()
    event = db.session.scalar(db.select(AuditEvent))
    assert [len(text) for text in (event.account, event.object_key, event.detail, event.address)] == [254, 64, 255, 45]


def test_times_are_kept_to_the_microsecond(app):
    audit.record("login.fail", actor=by())
    event = db.session.scalar(db.select(AuditEvent))
    event.created_at = event.created_at.replace(microsecond=123456)
    db.session.commit()
    db.session.expire_all()
    assert event.created_at.microsecond == 123456


def test_events_are_found_by_action_and_account(app):
    for action, account in (
        ("login.ok", "anna@ward.local"),
        ("login.fail", "anna@ward.local"),
        ("login.fail", "b%b@x.org"),
    ):
        audit.record(action, actor=by(), account=account)
    db.session.commit()

    def found(**wanted):
        return [(event.action, event.account) for event in audit.list_events(AuditFilter(**wanted)).items]

    assert found(action="login.fail", account="ANNA") == [("login.fail", "anna@ward.local")]
    assert found(account="b%") == [("login.fail", "b%b@x.org")]
    assert found(account="%") == found(account="ward") == []
    assert [action for action, _ in found()] == ["login.fail", "login.fail", "login.ok"]
    assert audit.list_actions() == ["login.fail", "login.ok"]


def test_settings_have_defaults_and_record_changes(app, make_user):
    admin = make_user("admin")
    assert settings.registration_is_open()
    settings.set_setting(name="registration_open", value="no", actor=by(admin))
    settings.set_setting(name="registration_open", value="no", actor=by(admin))
    assert not settings.registration_is_open()
    assert [(event.action, event.object_key) for event in db.session.query(AuditEvent)] == [
        ("setting.change", "registration_open")
    ]
