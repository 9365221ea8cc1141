"""The audit log: who did what to which object, when, from where. Keys only, never a patient's data."""

import json
import logging
from dataclasses import dataclass

from sqlalchemy import select

from app.entities import AuditEvent, User, utc_now
from app.extensions import db
from app.services.paging import Page, like_pattern, paginate

log = logging.getLogger("lumen.security")


@dataclass(frozen=True)
class AuditFilter:
    """What the audit page looks for; empty means anything."""

    action: str = ""
    account: str = ""


def record(
    action: str,
    *,
    user: User | None = None,
    account: str = "",
    object_key: str = "",
    detail: str = "",
    address: str = "",
) -> None:
    """Add an event (`object.verb`) to the session, to be committed with what it tells of, and write one log line.

    `account` is the e-mail that was used, for events without a known user. Over-long values are cut to their columns.
    """
    account = (account or (user.email if user else ""))[:254]
    event = AuditEvent(
        action=action,
        user_id=user.id if user else None,
        account=account,
        object_key=object_key[:64],
        detail=detail[:255],
        address=address[:45],
    )
    db.session.add(event)
    facts = {"time": utc_now().isoformat() + "Z", "action": action, "account": account, "object": event.object_key}
    # JSON escapes line breaks and control characters: one event stays one line.
    log.info(json.dumps(facts | {"detail": event.detail, "address": event.address}))


def list_events(wanted: AuditFilter, page: int) -> Page:
    """Events, the newest first."""
    events = select(AuditEvent).order_by(AuditEvent.id.desc())
    if wanted.action:
        events = events.where(AuditEvent.action == wanted.action)
    if wanted.account:
        events = events.where(AuditEvent.account.like(like_pattern(wanted.account.lower()), escape="\\"))
    return paginate(events, page)


def list_actions() -> list[str]:
    """The kinds of event that have happened, for the filter of the audit page."""
    return list(db.session.scalars(select(AuditEvent.action).distinct().order_by(AuditEvent.action)))
