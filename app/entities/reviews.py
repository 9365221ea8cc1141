"""What reviewers said of a study."""

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.entities.base import Entity
from app.entities.studies import Study
from app.entities.users import User


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
