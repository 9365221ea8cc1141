"""Signing in and out, and whose session it is. Each event is recorded in the audit log."""

import hmac

from flask import current_app

from app.entities import User, new_key, utc_now
from app.extensions import db
from app.services import audit
from app.services.accounts import passwords, throttle
from app.services.accounts.users import account_name, find_user
from app.services.actor import Actor

# What an unknown account's password is compared with, so that the answer takes as long as for a known one.
_DUMMY_HASHES: dict[str, str] = {}


class WrongPassword(Exception):
    """The e-mail address and the password do not belong together; which of them is wrong is never told."""

    def __init__(self) -> None:
        super().__init__("The e-mail address or the password is wrong.")


class DisabledAccount(Exception):
    """The password is right but an administrator has disabled the account."""

    def __init__(self) -> None:
        super().__init__("This account is disabled. Ask your administrator.")


def find_user_by_session(session_id: str) -> User | None:
    """The enabled user of a session (see User.get_id), or None when a later event has ended it."""
    user_id, _, session_key = session_id.partition(".")
    user = db.session.get(User, int(user_id)) if user_id.isdecimal() and len(user_id) < 10 else None
    if user is None or not user.is_enabled:
        return None
    return user if hmac.compare_digest(user.session_key.encode(), session_key.encode()) else None


def authenticate(*, email: str, password: str, actor: Actor) -> User:
    """The user who signs in. Raises WrongPassword, DisabledAccount, or TooManyRequests by account and address."""
    account = account_name(email)
    throttle.check_sign_in(account=account, actor=actor)
    user = find_user(account)
    actor = actor.as_user(user)
    is_right = passwords.password_matches(user.password_hash if user else _dummy_hash(), password)
    if user is None or not is_right:
        audit.record("login.fail", actor=actor, account=account)
        db.session.commit()
        raise WrongPassword()
    if not user.is_enabled:
        audit.record("login.refuse", actor=actor, detail="disabled")
        db.session.commit()
        raise DisabledAccount()
    if passwords.hash_is_outdated(user.password_hash):
        user.password_hash = passwords.hash_password(password)
    user.last_login_at = utc_now()
    audit.record("login.ok", actor=actor)
    db.session.commit()
    return user


def _dummy_hash() -> str:
    key = str(current_app.config["ARGON2"])
    if key not in _DUMMY_HASHES:
        _DUMMY_HASHES[key] = passwords.hash_password(new_key())
    return _DUMMY_HASHES[key]


def sign_out(*, actor: Actor) -> None:
    """End every session of the actor's user, on all devices."""
    actor.require_user().session_key = new_key()
    audit.record("login.end", actor=actor)
    db.session.commit()
