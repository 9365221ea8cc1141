"""The audit log: who did what to which object, when, from where. Keys only, never a patient's data."""

import json
import logging
from dataclasses import dataclass

from sqlalchemy import func, select

from app.entities import AuditEvent, utc_now
from app.extensions import db
from app.services.actor import Actor
from app.services.lookup import ANY, Match, begins_with, match, unindexed
from app.services.paging import START, Cursor, Key, Order, Page, read_page

NEWEST = Order((Key(AuditEvent.id, descending=True),), name=AuditEvent.id)

log = logging.getLogger("lumen.security")


@dataclass(frozen=True)
class AuditFilter:
    """What the audit page looks for; empty means anything. `account` is the beginning of an e-mail address."""

    action: str = ""
    account: str = ""


def record(action: str, *, actor: Actor, account: str = "", object_key: str = "", detail: str = "") -> None:
    """Add an event (`object.verb`) to the session, to be committed with what it tells of, and write one log line.

    `account` is the e-mail that was used, for events without a known user. Over-long values are cut to their columns.
    """
    user = actor.user
    account = (account or (user.email if user else ""))[:254]
    event = AuditEvent(
        action=action,
        user_id=user.id if user else None,
        account=account,
        object_key=object_key[:64],
        detail=detail[:255],
        address=actor.address[:45],
        request_id=actor.request_id[:32],
    )
    db.session.add(event)
    facts = {"time": utc_now().isoformat() + "Z", "action": action, "account": account, "object": event.object_key}
    facts |= {"detail": event.detail, "address": event.address, "request": event.request_id}
    # JSON escapes line breaks and control characters: one event stays one line.
    log.info(json.dumps(facts))


def list_events(wanted: AuditFilter, cursor: Cursor = START) -> Page:
    """The page of matching events at `cursor`, the newest first."""
    matching = _of_account(wanted.account.lower()) if wanted.account else ANY
    events = select(AuditEvent).where(*matching.conditions)
    if wanted.action:
        action = unindexed(AuditEvent.action) if matching.is_by_id else AuditEvent.action
        events = events.where(action == wanted.action)
    return read_page(events, NEWEST, cursor, most_counted=matching.most_counted)


def list_actions() -> list[str]:
    """The kinds of event that have happened, for the filter of the audit page."""
    # Each is looked up in the index after the one before it: to find them all at once, every event would be read.
    actions: list[str] = []
    first = select(func.min(AuditEvent.action))
    following = db.session.scalar(first)
    while following is not None:
        actions.append(following)
        following = db.session.scalar(first.where(AuditEvent.action > following))
    return actions


def _of_account(beginning: str) -> Match:
    ids = select(AuditEvent.id).where(begins_with(AuditEvent.account, beginning))
    return match(ids, AuditEvent.id, [begins_with(unindexed(AuditEvent.account), beginning)])
