"""What networks said of an image: analyses and their findings."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, Double, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.entities.base import Entity

if TYPE_CHECKING:
    from app.entities.studies import Image


class Analysis(Entity):
    """What one network said of one image. Never edited: a second run is a second row."""

    __tablename__ = "analyses"

    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"), index=True)
    task: Mapped[str] = mapped_column(String(40))
    network: Mapped[str] = mapped_column(String(40), default="")
    weights_version: Mapped[str] = mapped_column(String(40), default="")
    weights_sha256: Mapped[str] = mapped_column(String(64), default="")
    outcome: Mapped[str] = mapped_column(String(16))  # a models.Outcome
    # Why, as a code with its values; rows from before there were codes keep their text.
    reason_code: Mapped[str] = mapped_column(String(40), default="", server_default="")
    reason_values: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    reason: Mapped[str] = mapped_column(String(500), default="")
    lead_label: Mapped[str] = mapped_column(String(40), default="")
    lead_probability: Mapped[float | None] = mapped_column(Double)
    suggested_task: Mapped[str] = mapped_column(String(40), default="")  # that the gate offers instead
    # What was done to the picture before it was read, each the fields of a models.Reason; and part of its quality -> 0
    # to 100.
    righted: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    quality: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    timings_ms: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)  # stage -> milliseconds

    image: Mapped["Image"] = relationship(back_populates="analyses")
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
