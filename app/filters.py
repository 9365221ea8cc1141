"""What templates may call: the words and looks of app/wording/, sizes, times and names."""

from datetime import datetime

from flask import Flask

from app import wording
from app.services.report.content import RESEARCH_USE
from app.wording import decision_look, performance, rule_out_threshold, state_look, utc_text

NBSP = "\u00a0"


def file_size(size: int) -> str:
    """Bytes as people read them: 900 bytes, 12 KB, 3.4 MB (steps of 1024)."""
    if size < 1024:
        return f"{size}{NBSP}bytes"
    if size < 1024 * 1024:
        return f"{size / 1024:.0f}{NBSP}KB"
    return f"{size / (1024 * 1024):.1f}".removesuffix(".0") + f"{NBSP}MB"


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
    """Give the templates these filters, the research-use statement, and words that several pages share."""
    for function in (state_look, decision_look, rule_out_threshold, file_size, utc_text, utc_iso):
        app.add_template_filter(function)
    app.add_template_filter(short_name)
    app.add_template_filter(wording.number, "probability")
    app.add_template_filter(performance.elsewhere_title)
    app.add_template_filter(performance.notes, "measure_notes")
    app.jinja_env.globals["THRESHOLD_MARKS"] = wording.THRESHOLD_MARKS
    app.jinja_env.globals["NOT_EXCLUDED_GROUP"] = wording.NOT_EXCLUDED_GROUP
    app.jinja_env.globals["MEASURED_PERFORMANCE"] = performance.CAPTION
    app.jinja_env.globals["MEASURE_NOTES"] = f"{performance.AT_HOME} {performance.ELSEWHERE}"
    app.jinja_env.globals["REMEDIES"] = wording.REMEDIES
    app.jinja_env.globals["RESEARCH_USE"] = RESEARCH_USE
