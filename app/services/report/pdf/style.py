"""How the report looks: named text styles, colours and measures. Lengths are points."""

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle, StyleSheet1
from reportlab.lib.units import mm

from app.services.report.pdf.fonts import BOLD, REGULAR

PAGE_WIDTH, PAGE_HEIGHT = A4
MARGIN = 18 * mm
HEADER = 16 * mm
HEADER_TOP = 9 * mm  # first baseline
FOOTER = 20 * mm
CONTENT_WIDTH = PAGE_WIDTH - 2 * MARGIN
GAP = 5 * mm

INK = HexColor("#14222c")
MUTED = HexColor("#4d5f6d")
LINE = HexColor("#d3dde4")
ACCENT = HexColor("#0b6477")
SOFT = HexColor("#eef3f6")

# Outcome, or status -> colour of its words and rule, colour of its box; the same tokens as in static/css/lumen.css.
_FAILED = (HexColor("#a3182d"), HexColor("#fceaec"))
_PENDING = (HexColor("#1b5796"), HexColor("#e5f0fb"))
STATE_COLOURS = {
    "finding": (HexColor("#97380a"), HexColor("#fdeee3")),
    "no_finding": (HexColor("#1a6440"), HexColor("#e4f4ea")),
    "inconclusive": (HexColor("#583a99"), HexColor("#f0ebfb")),
    "not_assessed": (HexColor("#44566a"), HexColor("#e9eef3")),
    **dict.fromkeys(("failed", "incomplete"), _FAILED),
    **dict.fromkeys(("waiting", "received", "running"), _PENDING),
}
DECISION_COLOURS = {
    "likely": ACCENT,
    "possible": HexColor("#6aa9b5"),
    "not_excluded": HexColor("#805300"),
    "unlikely": HexColor("#b4c2cc"),
}


def _style_sheet() -> StyleSheet1:
    sheet = StyleSheet1()
    body = ParagraphStyle("body", fontName=REGULAR, fontSize=9.5, leading=13.5, textColor=INK)
    sheet.add(body)
    for name, changes in {
        "kicker": {"fontName": BOLD, "fontSize": 8, "leading": 11, "textColor": ACCENT},
        "title": {"fontName": BOLD, "fontSize": 20, "leading": 25},
        "question": {"fontSize": 10.5, "leading": 14, "textColor": MUTED, "spaceAfter": 10},
        "heading": {"fontName": BOLD, "fontSize": 12, "leading": 16, "spaceBefore": 14, "spaceAfter": 5},
        "subheading": {"fontName": BOLD, "fontSize": 9.5, "leading": 13, "spaceBefore": 7, "spaceAfter": 2},
        "label": {"fontSize": 8, "leading": 12, "textColor": MUTED},
        "value": {"fontSize": 9, "leading": 12},
        "strong": {"fontName": BOLD, "fontSize": 9, "leading": 12},
        "number": {"fontSize": 9, "leading": 12, "alignment": TA_RIGHT},
        "strong_number": {"fontName": BOLD, "fontSize": 9, "leading": 12, "alignment": TA_RIGHT},
        "small": {"fontSize": 7.5, "leading": 10, "textColor": MUTED},
        "small_right": {"fontSize": 7.5, "leading": 10, "textColor": MUTED, "alignment": TA_RIGHT},
        "outcome": {"fontName": BOLD, "fontSize": 8.5, "leading": 12},
        "headline": {"fontName": BOLD, "fontSize": 12.5, "leading": 17},
    }.items():
        sheet.add(ParagraphStyle(name, parent=body, **changes))
    return sheet


STYLES = _style_sheet()
