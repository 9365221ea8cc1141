"""What stands on every page: the institution above; the research-use statement, document id and page number below."""

import io
import threading
from calendar import timegm
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from reportlab import rl_config
from reportlab.lib.colors import Color
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate

from app.services.report.pdf.fonts import REGULAR, load
from app.services.report.pdf.style import (
    ACCENT,
    CONTENT_WIDTH,
    FOOTER,
    HEADER,
    HEADER_TOP,
    LINE,
    MARGIN,
    PAGE_HEIGHT,
    STYLES,
)
from app.services.report.pdf.text import Line, break_lines, draw_line
from app.wording import utc_text

# Pictures stand in the file as the bytes that they are. As text (ASCII 85) they are a quarter larger, and ReportLab
# writes them in plain Python, which took half of the time of a report.
rl_config.useA85 = 0

MAX_INSTITUTION_LINES = 2
# ReportLab's fonts are shared by all threads, and keep a place in their file and a list of glyphs while they are used.
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class Furniture:
    """The words that repeat on each page."""

    institution: str
    statement: str
    document_id: str
    issued_at: datetime


def set_pages(story: list[Flowable], furniture: Furniture, subject: str) -> bytes:
    """The finished document: `story` flowed onto A4 pages with their furniture."""
    buffer = io.BytesIO()
    # Neither title nor subject may name a patient: search engines and file managers show them.
    document = BaseDocTemplate(
        buffer,
        title=f"Lumen report {furniture.document_id}",
        subject=subject,
        author="Lumen",
        creator="Lumen",
        lang="en",
        invariant=1,
    )
    frame = Frame(
        MARGIN, FOOTER, CONTENT_WIDTH, PAGE_HEIGHT - FOOTER - HEADER, leftPadding=0, rightPadding=0, topPadding=12
    )
    document.addPageTemplates(PageTemplate("report", frames=[frame]))
    with _ONE_AT_A_TIME:
        document.build(story, canvasmaker=lambda *args, **kwargs: _NumberedCanvas(furniture, *args, **kwargs))
    return buffer.getvalue()


class _NumberedCanvas(Canvas):
    """Holds back each page until their number is known, then draws what repeats."""

    def __init__(self, furniture: Furniture, *args: Any, **kwargs: Any) -> None:
        # ReportLab's own first font would be Helvetica, which is not embedded.
        kwargs["initialFontName"] = load(REGULAR).fontName
        super().__init__(*args, **kwargs)
        self._furniture = furniture
        self._pages: list[dict[str, Any]] = []
        self._doc._timeStamp = _time_stamp(furniture.issued_at)

    def showPage(self) -> None:  # noqa: N802 - ReportLab's name
        self._pages.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        for number, page in enumerate(self._pages, start=1):
            self.__dict__.update(page)
            self._draw_header()
            self._draw_footer(number, len(self._pages))
            super().showPage()
        super().save()

    def _draw_header(self) -> None:
        style, top = STYLES["small"], PAGE_HEIGHT - HEADER_TOP
        lines = break_lines(self._furniture.institution, style, CONTENT_WIDTH * 0.75)
        for number, line in enumerate(_shortened(lines)):
            draw_line(self, line, style, MARGIN, top - number * style.leading)
        mark = break_lines("LUMEN", STYLES["kicker"], CONTENT_WIDTH)[0]
        draw_line(self, mark, STYLES["kicker"], MARGIN + CONTENT_WIDTH - mark.width, top)
        self._rule(PAGE_HEIGHT - HEADER, ACCENT, 0.8)

    def _draw_footer(self, number: int, total: int) -> None:
        furniture, style = self._furniture, STYLES["small"]
        self._rule(FOOTER - 4, LINE, 0.5)
        y = FOOTER - 14
        for line in break_lines(furniture.statement, style, CONTENT_WIDTH):
            draw_line(self, line, style, MARGIN, y)
            y -= style.leading
        facts = f"Document {furniture.document_id} · issued {utc_text(furniture.issued_at)}"
        draw_line(self, break_lines(facts, style, CONTENT_WIDTH)[0], style, MARGIN, y)
        page = break_lines(f"Page {number} of {total}", style, CONTENT_WIDTH)[0]
        draw_line(self, page, style, MARGIN + CONTENT_WIDTH - page.width, y)

    def _rule(self, y: float, colour: Color, thickness: float) -> None:
        self.setStrokeColor(colour)
        self.setLineWidth(thickness)
        self.line(MARGIN, y, MARGIN + CONTENT_WIDTH, y)


def _shortened(lines: list[Line]) -> list[Line]:
    if len(lines) <= MAX_INSTITUTION_LINES:
        return lines
    last = lines[MAX_INSTITUTION_LINES - 1]
    return [*lines[: MAX_INSTITUTION_LINES - 1], Line(f"{last.text} …", last.width, last.is_rtl)]


def _time_stamp(moment: datetime) -> SimpleNamespace:
    """ReportLab's time stamp for a naive UTC time: its own would be the time zone of the server."""
    return SimpleNamespace(t=timegm(moment.timetuple()), YMDhms=moment.timetuple()[:6], dhh=0, dmm=0)
