"""What the DICOM header of an image told, as far as it is kept."""

from datetime import date

from sqlalchemy import Date, Double, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.entities.base import Entity


class Acquisition(Entity):
    """The header of one image: these columns are all that is kept of it. Codes are DICOM's; "" is what it left out."""

    __tablename__ = "acquisitions"

    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"), unique=True)
    patient_name: Mapped[str] = mapped_column(String(120), default="")
    patient_id: Mapped[str] = mapped_column(String(64), default="")
    patient_birth_date: Mapped[date | None] = mapped_column(Date)
    patient_sex: Mapped[str] = mapped_column(String(16), default="")
    study_uid: Mapped[str] = mapped_column(String(64), default="")
    series_uid: Mapped[str] = mapped_column(String(64), default="")
    instance_uid: Mapped[str] = mapped_column(String(64), default="", index=True)
    class_uid: Mapped[str] = mapped_column(String(64), default="")
    accession_number: Mapped[str] = mapped_column(String(64), default="")
    modality: Mapped[str] = mapped_column(String(16), default="")
    body_part: Mapped[str] = mapped_column(String(64), default="")
    view_position: Mapped[str] = mapped_column(String(32), default="")
    side: Mapped[str] = mapped_column(String(1), default="")
    study_date: Mapped[date | None] = mapped_column(Date)
    manufacturer: Mapped[str] = mapped_column(String(120), default="")
    device: Mapped[str] = mapped_column(String(120), default="")
    # Millimetres from row to row, and from column to column.
    row_spacing: Mapped[float | None] = mapped_column(Double)
    column_spacing: Mapped[float | None] = mapped_column(Double)
    # Whether the header says that text is burned into the pixels; None where it says nothing.
    burned_in: Mapped[bool | None]
