"""The audit log."""

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.entities.base import Entity
from app.entities.users import User


class AuditEvent(Entity):
    """Who did what to which object, when, from where. No patient data: keys only."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_action_account", "action", "account", "created_at"),
        Index("ix_audit_events_action_address", "action", "address", "created_at"),
        {"mysql_charset": "utf8mb4"},
    )

    action: Mapped[str] = mapped_column(String(40), index=True)  # object.verb, e.g. study.view, login.fail
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    account: Mapped[str] = mapped_column(String(254), default="", index=True)  # the e-mail that was used, known or not
    address: Mapped[str] = mapped_column(String(45), default="")
    object_key: Mapped[str] = mapped_column(String(64), default="")
    detail: Mapped[str] = mapped_column(String(255), default="")
    # The same for all events of one request or command, and in the server's log.
    request_id: Mapped[str] = mapped_column(String(32), default="", server_default="")

    user: Mapped[User | None] = relationship()
