"""The tables. Entities hold data and answer questions about it; services write and commit.

Times are UTC, naive in Python, with microseconds in the database. Public keys (`key`) are random: an address never
tells how many rows there are, nor lets the next one be guessed.
"""

import secrets
from datetime import UTC, datetime
from enum import StrEnum

from flask_login import UserMixin
from sqlalchemy import JSON, DateTime, Double, ForeignKey, Index, String, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.extensions import db

UtcDateTime = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
MAX_TERM = 64
# Compared letter by letter everywhere: what a search means by equal letters is decided before they are stored.
SearchText = String(MAX_TERM).with_variant(mysql.VARCHAR(MAX_TERM, collation="utf8mb4_bin"), "mysql", "mariadb")


# Of an INTEGER column; a larger number in an address cannot even be asked for.
MAX_ID = 2**31 - 1


def utc_now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def new_key() -> str:
    """A random public key: 32 hexadecimal characters, 128 bits."""
    return secrets.token_hex(16)


class Role(StrEnum):
    CLINICIAN = "clinician"
    REVIEWER = "reviewer"
    ADMIN = "admin"


class ReviewState(StrEnum):
    NONE = "none"
    AGREED = "agreed"
    DISAGREED = "disagreed"


class Entity(db.Model):
    __abstract__ = True
    __table_args__: tuple | dict = {"mysql_charset": "utf8mb4"}

    id: Mapped[int] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"


class User(UserMixin, Entity):
    __tablename__ = "users"

    email: Mapped[str] = mapped_column(String(254), unique=True)  # always lower case
    name: Mapped[str] = mapped_column(String(120))
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(16), default=Role.CLINICIAN)
    is_enabled: Mapped[bool] = mapped_column(default=True)
    # Part of every session cookie: a new value ends all sessions of the user.
    session_key: Mapped[str] = mapped_column(String(32), default=new_key)
    must_change_password: Mapped[bool] = mapped_column(default=False)
    last_login_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def is_active(self) -> bool:
        return self.is_enabled

    def get_id(self) -> str:
        return f"{self.id}.{self.session_key}"

    @property
    def is_admin(self) -> bool:
        return self.role == Role.ADMIN

    @property
    def sees_all_studies(self) -> bool:
        return self.role in (Role.REVIEWER, Role.ADMIN)


class ApiToken(Entity):
    __tablename__ = "api_tokens"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(80))
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    user: Mapped[User] = relationship()


class Study(Entity):
    """The images of one patient sent together, for one task."""

    __tablename__ = "studies"
    # Each way through the history is an index in the order of its list, so that a page is read and never sorted. Every
    # index also ends in the row's id. A user's own studies are filtered within one index that holds what is asked for.
    __table_args__ = (
        Index("ix_studies_created", "deleted_at", "created_at"),
        Index("ix_studies_task_created", "deleted_at", "task", "created_at"),
        Index("ix_studies_label_task_created", "deleted_at", "lead_label", "task", "created_at"),
        Index("ix_studies_outcome_created", "deleted_at", "outcome", "created_at"),
        Index("ix_studies_review_created", "deleted_at", "review_state", "created_at"),
        Index("ix_studies_patient", "deleted_at", "patient_name"),
        Index("ix_studies_probability", "deleted_at", "outcome", "lead_probability"),
        Index(
            "ix_studies_owner_history",
            *("owner_id", "deleted_at", "created_at", "id", "task", "lead_label", "outcome", "review_state"),
        ),
        Index("ix_studies_owner_patient", "owner_id", "deleted_at", "patient_name"),
        Index("ix_studies_owner_probability", "owner_id", "deleted_at", "outcome", "lead_probability"),
        {"mysql_charset": "utf8mb4"},
    )

    key: Mapped[str] = mapped_column(String(32), unique=True, default=new_key)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    # One per rendered form: the same form sent twice makes one study.
    submission_key: Mapped[str | None] = mapped_column(String(64), unique=True)
    # The study whose images this one holds too, sent again for another task (services.studies.copy_study).
    copied_from_id: Mapped[int | None] = mapped_column(ForeignKey("studies.id"), index=True)
    task: Mapped[str] = mapped_column(String(40))
    # Whether the gate found the task from the images; else the sender chose it.
    task_detected: Mapped[bool] = mapped_column(default=False)
    patient_name: Mapped[str] = mapped_column(String(120), default="")
    patient_reference: Mapped[str] = mapped_column(String(64), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    # The study's outcome is that of its lead image (services.studies.lead_analysis); repeated here for the history.
    outcome: Mapped[str] = mapped_column(String(16), default="pending")
    lead_label: Mapped[str] = mapped_column(String(40), default="")
    lead_probability: Mapped[float | None] = mapped_column(Double)
    # What the newest review says; repeated here for the history as well.
    review_state: Mapped[str] = mapped_column(String(16), default=ReviewState.NONE, server_default=ReviewState.NONE)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deleted_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))

    owner: Mapped[User] = relationship(foreign_keys=[owner_id])
    copied_from: Mapped["Study | None"] = relationship(back_populates="copies", remote_side="Study.id")
    copies: Mapped[list["Study"]] = relationship(back_populates="copied_from", order_by="Study.id")
    images: Mapped[list["Image"]] = relationship(back_populates="study", order_by="Image.position")
    reviews: Mapped[list["Review"]] = relationship(back_populates="study", order_by="Review.id")
    reports: Mapped[list["Report"]] = relationship(back_populates="study", order_by="Report.id")
    terms: Mapped[list["SearchTerm"]] = relationship()


class SearchTerm(db.Model):
    """A beginning by which the search finds a study (services.studies.search). The owner's id is that of the study."""

    __tablename__ = "search_terms"
    __table_args__ = (
        Index("ix_search_terms_term_study_id", "term", "study_id"),
        Index("ix_search_terms_owner_id_term_study_id", "owner_id", "term", "study_id"),
        {"mysql_charset": "utf8mb4", "sqlite_with_rowid": False},
    )

    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id"), primary_key=True)
    term: Mapped[str] = mapped_column(SearchText, primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))


class Image(Entity):
    """One stored picture: the re-encoded pixels in the file store, the facts of the upload here."""

    __tablename__ = "images"

    key: Mapped[str] = mapped_column(String(32), unique=True, default=new_key)
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id"), index=True)
    position: Mapped[int]
    original_name: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))  # of the bytes as uploaded
    byte_size: Mapped[int]
    width: Mapped[int]
    height: Mapped[int]
    media_type: Mapped[str] = mapped_column(String(20))
    stored_name: Mapped[str] = mapped_column(String(80))

    study: Mapped[Study] = relationship(back_populates="images")
    analyses: Mapped[list["Analysis"]] = relationship(back_populates="image", order_by="Analysis.id")

    @property
    def analysis(self) -> "Analysis | None":
        """The newest analysis of this image."""
        return self.analyses[-1] if self.analyses else None


class Analysis(Entity):
    """One stored run of one network on one image. Never edited: a second run is a second row."""

    __tablename__ = "analyses"

    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"), index=True)
    task: Mapped[str] = mapped_column(String(40))
    network: Mapped[str] = mapped_column(String(40), default="")
    weights_version: Mapped[str] = mapped_column(String(40), default="")
    weights_sha256: Mapped[str] = mapped_column(String(64), default="")
    outcome: Mapped[str] = mapped_column(String(16))  # a models.Outcome, or "failed"
    reason: Mapped[str] = mapped_column(String(500), default="")
    lead_label: Mapped[str] = mapped_column(String(40), default="")
    lead_probability: Mapped[float | None] = mapped_column(Double)
    suggested_task: Mapped[str] = mapped_column(String(40), default="")  # that the gate offers instead
    timings_ms: Mapped[dict] = mapped_column(JSON, default=dict)  # stage -> milliseconds

    image: Mapped[Image] = relationship(back_populates="analyses")
    findings: Mapped[list["Finding"]] = relationship(back_populates="analysis", order_by="Finding.id")

    @property
    def mapped_findings(self) -> list["Finding"]:
        """The findings that have a heatmap, the most probable first."""
        mapped = [finding for finding in self.findings if finding.saliency_name]
        return sorted(mapped, key=lambda finding: -finding.probability)


class Finding(Entity):
    """One label of one head with its calibrated probability and decision."""

    __tablename__ = "findings"

    analysis_id: Mapped[int] = mapped_column(ForeignKey("analyses.id"), index=True)
    head: Mapped[str] = mapped_column(String(40))
    label: Mapped[str] = mapped_column(String(40))
    probability: Mapped[float] = mapped_column(Double)
    decision: Mapped[str] = mapped_column(String(16))  # a models.Decision
    saliency_name: Mapped[str] = mapped_column(String(80), default="")  # 8-bit grey PNG in the file store

    analysis: Mapped[Analysis] = relationship(back_populates="findings")


class Review(Entity):
    """A reviewer's word on a study: a new row each time, never an edit of the finding."""

    __tablename__ = "reviews"

    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id"), index=True)
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    agrees: Mapped[bool]
    correct_label: Mapped[str] = mapped_column(String(40), default="")
    comment: Mapped[str] = mapped_column(Text, default="")

    study: Mapped[Study] = relationship(back_populates="reviews")
    reviewer: Mapped[User] = relationship()


class Report(Entity):
    """One PDF as it was issued: the file, its hash, who made it and when."""

    __tablename__ = "reports"

    key: Mapped[str] = mapped_column(String(32), unique=True, default=new_key)  # the document id printed on it
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    sha256: Mapped[str] = mapped_column(String(64))
    byte_size: Mapped[int]
    stored_name: Mapped[str] = mapped_column(String(80))

    study: Mapped[Study] = relationship(back_populates="reports")
    author: Mapped[User] = relationship()


class Setting(Entity):
    """What an admin may change while the application runs: see services.settings.DEFAULTS."""

    __tablename__ = "settings"

    name: Mapped[str] = mapped_column(String(40), unique=True)
    value: Mapped[str] = mapped_column(String(500))


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

    user: Mapped[User | None] = relationship()
