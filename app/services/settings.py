"""What an admin may change while the application runs."""

from sqlalchemy import select

from app.entities import Setting
from app.extensions import db
from app.services import audit
from app.services.actor import Actor

# Name -> value until an admin sets another. Values are texts; switches are "yes" or "no".
DEFAULTS = {
    "registration_open": "yes",
    "institution": "",
}
MAX_LENGTH = 500


def get_setting(name: str) -> str:
    """The value in force; KeyError for a name that is not in DEFAULTS."""
    default = DEFAULTS[name]
    value = db.session.scalar(select(Setting.value).where(Setting.name == name))
    return default if value is None else value


def set_setting(*, name: str, value: str, actor: Actor) -> None:
    """Store a value, cut to 500 characters, and record who set it. An unchanged value leaves no trace.

    Raises KeyError for a name that is not in DEFAULTS.
    """
    if value == get_setting(name):
        return
    row = db.session.scalar(select(Setting).where(Setting.name == name))
    if row is None:
        row = Setting(name=name)
        db.session.add(row)
    row.value = value[:MAX_LENGTH]
    audit.record("setting.change", actor=actor, object_key=name, detail=value)
    db.session.commit()


def registration_is_open() -> bool:
    """May anyone who can reach the page create a clinician's account?"""
    return get_setting("registration_open") == "yes"
