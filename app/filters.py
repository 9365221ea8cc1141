"""What templates may call: words and looks of stored values. The one table from an outcome to word, class and icon."""

from dataclasses import dataclass
from datetime import datetime

from flask import Flask

from app.services import phrases
from app.services.content import RESEARCH_USE

NBSP = "\u00a0"


@dataclass(frozen=True)
class Look:
    """How a stored value is shown: its word, its CSS class and the name of its symbol in static/img/icons.svg."""

    word: str
    css_class: str
    icon: str


OUTCOMES = {
    "finding": Look("Finding", "is-finding", "finding"),
    "no_finding": Look("No finding", "is-no-finding", "no-finding"),
    "inconclusive": Look("Inconclusive", "is-inconclusive", "inconclusive"),
    "not_assessed": Look("Not assessed", "is-not-assessed", "not-assessed"),
    "failed": Look("Failed", "is-failed", "failed"),
    "pending": Look("Pending", "is-pending", "pending"),
}
DECISIONS = {
    "likely": Look("Likely", "is-likely", "likely"),
    "possible": Look("Possible", "is-possible", "possible"),
    "unlikely": Look("Unlikely", "is-unlikely", "unlikely"),
}


def outcome_look(outcome: str) -> Look:
    """The look of a stored outcome; KeyError for a value that no service stores."""
    return OUTCOMES[outcome]


def decision_look(decision: str) -> Look:
    """The look of a label's decision; KeyError for a value that no service stores."""
    return DECISIONS[decision]


def file_size(size: int) -> str:
    """Bytes as people read them: 900 bytes, 12 KB, 3.4 MB (steps of 1024)."""
    if size < 1024:
        return f"{size}{NBSP}bytes"
    if size < 1024 * 1024:
        return f"{size / 1024:.0f}{NBSP}KB"
    return f"{size / (1024 * 1024):.1f}".removesuffix(".0") + f"{NBSP}MB"


def utc_text(moment: datetime) -> str:
    """A naive UTC time in words: 3 Feb 2026, 14:05 UTC."""
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"


def utc_iso(moment: datetime) -> str:
    """A naive UTC time as the datetime attribute of <time>."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def short_name(name: str, length: int = 48) -> str:
    """A long name with its middle left out, so that the end (a file's extension) stays readable."""
    if len(name) <= length:
        return name
    tail = length // 3
    return f"{name[: length - tail - 1]}…{name[-tail:]}"


def register(app: Flask) -> None:
    """Give the templates these filters and the research-use statement."""
    for function in (outcome_look, decision_look, file_size, utc_text, utc_iso, short_name):
        app.add_template_filter(function)
    app.add_template_filter(phrases.number, "probability")
    app.jinja_env.globals["RESEARCH_USE"] = RESEARCH_USE
