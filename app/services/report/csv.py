"""The history as a table for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Iterator

import models
from app.entities import Analysis, Study

COLUMNS = (
    "study", "created_utc", "sent_by", "patient_name", "patient_reference",
    "task", "status", "outcome", "label", "probability", "quality", "righted", "files", "note",
)  # fmt: skip
# A spreadsheet takes a cell that begins so for a formula and runs it.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_lines(studies: Iterable[Study]) -> Iterator[str]:
    """The lines of a CSV file, the first one with the names of the columns; made for streaming."""
    # The byte order mark tells Excel that the file is UTF-8.
    yield "\ufeff" + _line(COLUMNS)
    for study in studies:
        yield _line(_row(study))


def _row(study: Study) -> tuple[str, ...]:
    probability = "" if study.lead_probability is None else f"{study.lead_probability:.4f}"
    return (
        study.key,
        study.created_at.isoformat(timespec="microseconds") + "Z",
        _text(study.owner.email),
        _text(study.patient_name),
        _text(study.patient_reference),
        study.task,
        study.status,
        study.outcome,
        study.lead_label,
        probability,
        "; ".join(_quality(image.analysis) for image in study.images),
        "; ".join(_righted(image.analysis) for image in study.images),
        _text("; ".join(image.original_name for image in study.images)),
        _text(study.note),
    )


def _quality(analysis: Analysis | None) -> str:
    """The quality of one image, of 100; empty where it was not measured."""
    parts = analysis.quality if analysis else {}
    return (
        str(models.Quality({models.QualityPart(part): score for part, score in parts.items()}).score) if parts else ""
    )


def _righted(analysis: Analysis | None) -> str:
    """What was done to one image before it was read: the codes."""
    return " + ".join(one["code"] for one in analysis.righted) if analysis else ""


def _text(value: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{value}" if value.startswith(FORMULA_STARTS) else value


def _line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()
