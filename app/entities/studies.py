"""Studies, their images, and the terms by which a search finds them."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, Double, ForeignKey, Index, String, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.entities.base import Entity, UtcDateTime, new_key
from app.entities.users import User
from app.extensions import db

if TYPE_CHECKING:
    from app.entities.acquisitions import Acquisition
    from app.entities.analyses import Analysis
    from app.entities.reports import Report
    from app.entities.reviews import Review

MAX_TERM = 64
# Compared letter by letter everywhere: what a search means by equal letters is decided before they are stored.
SearchText = String(MAX_TERM).with_variant(mysql.VARCHAR(MAX_TERM, collation="utf8mb4_bin"), "mysql", "mariadb")


class ImageStatus(StrEnum):
    """Where an image stands: received -> running -> done or failed; what failed may be tried again."""

    RECEIVED = "received"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class StudyStatus(StrEnum):
    """Where a study stands, by its images: see services.studies.state.status_of."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    INCOMPLETE = "incomplete"


class FailureCode(StrEnum):
    """Why an image could not be analysed."""

    NETWORK_UNAVAILABLE = "network_unavailable"
    FILE_MISSING = "file_missing"
    UNREADABLE = "unreadable"
    CRASHED = "crashed"


class ReviewState(StrEnum):
    NONE = "none"
    AGREED = "agreed"
    DISAGREED = "disagreed"


class Study(Entity):
    """The images of one patient sent together, for one task."""

    __tablename__ = "studies"
    # Each way through the history is an index in the order of its list, so that a page is read and never sorted. Every
    # index also ends in the row's id. A user's own studies are filtered within one index that holds what is asked for.
    __table_args__ = (
        Index("ix_studies_created", "deleted_at", "created_at"),
        Index("ix_studies_task_created", "deleted_at", "task", "created_at"),
        Index("ix_studies_label_task_created", "deleted_at", "lead_label", "task", "created_at"),
        Index("ix_studies_status_created", "deleted_at", "status", "created_at"),
        Index("ix_studies_outcome_created", "deleted_at", "outcome", "created_at"),
        Index("ix_studies_review_created", "deleted_at", "review_state", "created_at"),
        Index("ix_studies_patient", "deleted_at", "patient_name"),
        Index("ix_studies_probability", "deleted_at", "outcome", "lead_probability"),
        Index(
            "ix_studies_owner_history",
            *("owner_id", "deleted_at", "created_at", "id", "task", "lead_label", "status", "outcome", "review_state"),
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
    # Whether the gate detected the task from the images; else the sender chose it.
    task_detected: Mapped[bool] = mapped_column(default=False)
    patient_name: Mapped[str] = mapped_column(String(120), default="")
    patient_reference: Mapped[str] = mapped_column(String(64), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    # What its images amount to (services.studies.state.settle), kept for the history. The outcome is a models.Outcome,
    # that of the lead image; like label and probability it is there only when every image is done.
    status: Mapped[str] = mapped_column(String(16), default=StudyStatus.WAITING, server_default=StudyStatus.WAITING)
    outcome: Mapped[str] = mapped_column(String(16), default="")
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


class SearchTerm(db.Model):  # type: ignore[name-defined] # as in Entity
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
    """One picture: its pixels, without loss and without metadata, in the file store; the facts of the upload here."""

    __tablename__ = "images"

    key: Mapped[str] = mapped_column(String(32), unique=True, default=new_key)
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id"), index=True)
    position: Mapped[int]
    original_name: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))  # of the bytes as uploaded
    byte_size: Mapped[int]
    width: Mapped[int]  # of the upright picture
    height: Mapped[int]
    # Of the stored file, which is read upright with this EXIF orientation (1 to 8): see models.read_stored.
    media_type: Mapped[str] = mapped_column(String(20))
    stored_name: Mapped[str] = mapped_column(String(80))
    orientation: Mapped[int] = mapped_column(default=1, server_default="1")
    # Counted from 1 within a file of several pages; 0 for the picture of a file of its own.
    page: Mapped[int] = mapped_column(default=0, server_default="0")
    # What the file that was sent says of the picture: the fields of models.Facts.
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    status: Mapped[str] = mapped_column(String(16), default=ImageStatus.RECEIVED, server_default=ImageStatus.RECEIVED)
    # Only of a running image: who analyses it (services.studies.claim) and since when.
    claim: Mapped[str] = mapped_column(String(32), default="", server_default="")
    claimed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Only of a failed image: a FailureCode with its values, or the text that was stored before there were codes.
    failure_code: Mapped[str] = mapped_column(String(40), default="", server_default="")
    failure_values: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    failure_text: Mapped[str] = mapped_column(String(500), default="", server_default="")
    failed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    study: Mapped[Study] = relationship(back_populates="images")
    # Only of an image that came with a DICOM header.
    acquisition: Mapped["Acquisition | None"] = relationship()
    analyses: Mapped[list["Analysis"]] = relationship(back_populates="image", order_by="Analysis.id")

    @property
    def analysis(self) -> "Analysis | None":
        """The newest analysis of this image."""
        return self.analyses[-1] if self.analyses else None
