"""Limits on guessing, counted in the audit log: they hold over all workers and survive a restart."""

from datetime import timedelta

from flask import current_app
from sqlalchemy import ColumnElement, func, select

from app.entities import AuditEvent, utc_now
from app.errors import TooManyRequests
from app.extensions import db
from app.services import audit
from app.services.actor import Actor

# An address from which the account has signed in this recently is judged by its own failures alone, so that a
# stranger who guesses wrongly on purpose cannot keep the owner out.
KNOWN_ADDRESS_DAYS = 30


def check_login(*, account: str, actor: Actor) -> None:
    """Raise TooManyRequests when too many sign-ins have failed lately for this account or from the actor's address."""
    address = actor.address
    limits = current_app.config
    by_account = [AuditEvent.account == account, AuditEvent.id > _last_success(account)]
    if _is_known(account, address):
        by_account.append(AuditEvent.address == address)
    wait = max(
        _wait("login.fail", limits["LOGIN_FAILURES_PER_ACCOUNT"], *by_account),
        _wait("login.fail", limits["LOGIN_FAILURES_PER_ADDRESS"], AuditEvent.address == address),
    )
    if wait:
        audit.record("login.throttle", actor=actor, account=account)
        db.session.commit()
        minutes = -(-wait // 60)
        raise TooManyRequests(f"Too many sign-ins have failed. Wait {_minutes(minutes)} and try again.", wait)


def check_registration(*, address: str) -> None:
    """Raise TooManyRequests when too many accounts were tried from this address lately."""
    limit = current_app.config["REGISTRATIONS_PER_ADDRESS"]
    actions = ("user.register", "user.register_fail")
    wait = max(_wait(action, limit, AuditEvent.address == address) for action in actions)
    if wait:
        minutes = -(-wait // 60)
        raise TooManyRequests(f"Too many accounts were created here. Wait {_minutes(minutes)} and try again.", wait)


def _wait(action: str, limit: int, *conditions: ColumnElement[bool]) -> int:
    """Seconds until fewer than `limit` such events lie in the window; 0 when that is so now."""
    window = timedelta(seconds=current_app.config["LOGIN_WINDOW"])
    now = utc_now()
    events = select(AuditEvent.created_at).where(
        AuditEvent.action == action, AuditEvent.created_at > now - window, *conditions
    )
    oldest_that_counts = db.session.scalar(events.order_by(AuditEvent.created_at.desc()).offset(limit - 1).limit(1))
    if oldest_that_counts is None:
        return 0
    return max(1, round((oldest_that_counts + window - now).total_seconds()))


def _last_success(account: str) -> int:
    """The id of the event of the account's last sign-in: failures before it no longer count. 0 if there was none."""
    last = select(func.max(AuditEvent.id)).where(AuditEvent.action == "login.ok", AuditEvent.account == account)
    return db.session.scalar(last) or 0


def _is_known(account: str, address: str) -> bool:
    since = utc_now() - timedelta(days=KNOWN_ADDRESS_DAYS)
    logins = select(AuditEvent.id).where(
        AuditEvent.action == "login.ok",
        AuditEvent.account == account,
        AuditEvent.address == address,
        AuditEvent.created_at > since,
    )
    return db.session.scalar(logins.limit(1)) is not None


def _minutes(count: int) -> str:
    return "a minute" if count == 1 else f"{count} minutes"
