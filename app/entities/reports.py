"""Reports as they were issued."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.entities.base import Entity, new_key
from app.entities.studies import Study
from app.entities.users import User


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
