"""The history as a table for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Iterator

from app.entities import Study

COLUMNS = (
    "study", "created_utc", "sent_by", "patient_name", "patient_reference",
    "task", "status", "outcome", "label", "probability", "files", "note",
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
        _text("; ".join(image.original_name for image in study.images)),
        _text(study.note),
    )


def _text(value: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{value}" if value.startswith(FORMULA_STARTS) else value


def _line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()
