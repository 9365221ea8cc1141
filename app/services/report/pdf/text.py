"""Text of any script: wrapped, put into visual order, shaped, drawn. Words are never read as markup.

ReportLab draws one font from left to right. Here each line is cut into pieces of one font and direction; pieces of
scripts that join or reorder their letters go through HarfBuzz, and such glyphs carry their text beside them
(ActualText), so that it can be searched and copied.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from types import SimpleNamespace

from bidi.algorithm import get_base_level, get_display
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase.ttfonts import ShapedStr, shapeFragWord
from reportlab.pdfgen.canvas import Canvas
from reportlab.pdfgen.textobject import PDFTextObject
from reportlab.platypus import Flowable

from app.services.report.pdf.fonts import BOLD, REGULAR, REPLACEMENT, UNSHAPED, load, split_by_font

JOINERS = "\u200c\u200d"
_IDEOGRAPH = "\u2e80-\u312f\u3190-\u9fff\uf900-\ufaff\uff00-\uffef"
_CLOSING = "、。，．：；！？」』）】〉》〕］｝ー々"
# A line may end after a space or an ideograph, but closing punctuation never begins one.
_UNITS = re.compile(f"[{_IDEOGRAPH}][{_CLOSING}]* *|[^ {_IDEOGRAPH}]+ *| +")
_VARIATIONS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")  # no embedded font has variants
# Letters join as their script demands; ligatures that are only ornament would hide letters of a name.
FEATURES = {"kern": True, "liga": False, "dlig": False}


@dataclass(frozen=True)
class Line:
    """One line in logical order, its width in points, and whether its paragraph runs from right to left."""

    text: str
    width: float
    is_rtl: bool


class Text(Flowable):
    """A block of plain text that wraps to the width it is given and splits between lines."""

    def __init__(self, text: str, style: ParagraphStyle, lines: list[Line] | None = None) -> None:
        super().__init__()
        self.text, self.style = text, style
        self._given = lines  # the rest of a block that was split: not to be wrapped again
        self._lines: list[Line] = lines or []

    def getSpaceBefore(self) -> float:  # noqa: N802 - ReportLab's name
        return float(self.style.spaceBefore)

    def getSpaceAfter(self) -> float:  # noqa: N802 - ReportLab's name
        return float(self.style.spaceAfter)

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self._lines = self._given or break_lines(self.text, self.style, width)
        self.width, self.height = width, len(self._lines) * self.style.leading
        return width, self.height

    def split(self, _width: float, height: float) -> list["Text"]:
        fitting = int(height // self.style.leading)
        if fitting < min(2, len(self._lines)):
            return []
        return [Text("", self.style, part) for part in (self._lines[:fitting], self._lines[fitting:]) if part]

    def draw(self) -> None:
        baseline = self.height - self.style.fontSize
        for number, line in enumerate(self._lines):
            to_right = self.style.alignment == TA_RIGHT or (line.is_rtl and len(self._lines) > 1)
            x = self.width - line.width if to_right else 0
            draw_line(self.canv, line, self.style, x, baseline - number * self.style.leading)


def break_lines(text: str, style: ParagraphStyle, width: float) -> list[Line]:
    """`text` in lines of at most `width` points; at least one line. A word that is too long is broken."""
    return [line for paragraph in text.split("\n") for line in _break_paragraph(clean(paragraph), style, width)]


def clean(text: str) -> str:
    """What can be drawn of one paragraph: composed letters, blanks as spaces, no character that only controls."""
    composed = _VARIATIONS.sub("", unicodedata.normalize("NFC", text))
    return "".join(char if char in JOINERS else _drawable(char) for char in composed)


def _drawable(char: str) -> str:
    category = unicodedata.category(char)
    if category in ("Cn", "Co"):  # not assigned, or for private use: nobody knows what it looks like
        return REPLACEMENT
    if char == "\t" or category in ("Zl", "Zp"):
        return " "
    return "" if category in ("Cc", "Cf", "Cs") else char


def draw_line(canvas: Canvas, line: Line, style: ParagraphStyle, x: float, y: float) -> None:
    """Draw one line with the left end of its baseline at x, y, in points."""
    text = canvas.beginText(x, y)
    text.setFillColor(style.textColor)
    for font, piece in _pieces(line.text, style, line.is_rtl):
        parts = piece.clusters() if isinstance(piece, _ShapedPiece) else [(piece, piece)]
        for part, source in parts:
            # Set anew for each part: ReportLab cannot raise a glyph that stands first after another.
            text.setFont(font, style.fontSize)
            _draw_part(text, part, source)
    canvas.drawText(text)


class _ShapedPiece(ShapedStr):
    """Glyphs as characters of their font, from left to right, with the text that they stand for."""

    source: str

    def clusters(self) -> Iterator[tuple[str, str]]:
        """The glyphs in groups that cannot be parted (a letter and its marks), each with its own text."""
        clusters = {glyph.cluster for glyph in self.__shapeData__}
        starts = [start for start in sorted(clusters) if start == 0 or not _is_mark(self.source[start])]
        for start, group in groupby(range(len(self)), key=lambda index: self._start(index, starts)):
            indices = list(group)
            end = next((other for other in starts if other > start), len(self.source))
            yield self[indices[0] : indices[-1] + 1], self.source[start:end]

    def _start(self, index: int, starts: list[int]) -> int:
        return starts[bisect_right(starts, self.__shapeData__[index].cluster) - 1]


def _draw_part(text: PDFTextObject, part: str, source: str) -> None:
    if str(part) == source:
        text.textOut(part)
        return
    text._code.append(f"/Span <</ActualText <FEFF{source.encode('utf-16-be').hex()}>>> BDC")
    text.textOut(part)
    text._code.append("EMC")


def _break_paragraph(text: str, style: ParagraphStyle, width: float) -> list[Line]:
    is_rtl = bool(get_base_level(text) % 2) if text else False
    lines, current, used = [], "", 0.0
    for unit in _units(text, style, width):
        extent = _width(unit, style)
        if current and used + _width(unit.rstrip(" "), style) > width:
            lines.append(current)
            current, used = "", 0.0
        current, used = current + unit, used + extent
    lines.append(current)
    return [Line(line.rstrip(" "), _width(line.rstrip(" "), style), is_rtl) for line in lines]


def _units(text: str, style: ParagraphStyle, width: float) -> list[str]:
    """What a line may not break inside of; a unit wider than a whole line is cut, marks staying with their letters."""
    units = []
    for unit in _UNITS.findall(text):
        while _width(unit.rstrip(" "), style) > width:
            cut = _longest_fit(unit, style, width)
            units.append(unit[:cut])
            unit = unit[cut:]
        units.append(unit)
    return units


def _longest_fit(unit: str, style: ParagraphStyle, width: float) -> int:
    low, high = 1, len(unit) - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _width(unit[:middle], style) <= width else (low, middle - 1)
    while low > 1 and (_is_mark(unit[low]) or unit[low] in JOINERS):
        low -= 1
    return low


def _width(text: str, style: ParagraphStyle) -> float:
    return sum(_piece_width(font, piece, style) for font, piece in _pieces(text, style, False))


def _piece_width(font: str, piece: str, style: ParagraphStyle) -> float:
    if isinstance(piece, _ShapedPiece):
        return float(sum(glyph.x_advance for glyph in piece.__shapeData__) * style.fontSize / 1000)
    return float(load(font).stringWidth(piece, style.fontSize))


def _pieces(text: str, style: ParagraphStyle, is_rtl: bool) -> list[tuple[str, str]]:
    """(font, shaped or plain piece) from left to right."""
    if text.isascii():
        load(style.fontName)
        return [(style.fontName, text)] if text else []
    visual = get_display(text, base_dir="R" if is_rtl else "L")
    pieces = []
    for piece, from_right in _split_by_direction(visual):
        logical = piece[::-1] if from_right else piece
        fonts = split_by_font(logical, style.fontName)
        pieces += [(font, _shaped(font, part, style)) for font, part in (reversed(fonts) if from_right else fonts)]
    return pieces


def _split_by_direction(visual: str) -> list[tuple[str, bool]]:
    """`visual` in pieces: letters that are written from right to left (True), and all others."""
    pieces: list[tuple[str, bool]] = []
    for char in visual:
        from_right = _is_from_right(char) or (char in JOINERS and bool(pieces) and pieces[-1][1])
        if pieces and pieces[-1][1] == from_right:
            pieces[-1] = (pieces[-1][0] + char, from_right)
        else:
            pieces.append((char, from_right))
    return pieces


def _is_mark(char: str) -> bool:
    return unicodedata.category(char).startswith("M")


def _is_from_right(char: str) -> bool:
    is_mark = unicodedata.bidirectional(char) == "NSM" and 0x0590 <= ord(char) <= 0x08FF
    return is_mark or unicodedata.bidirectional(char) in ("R", "AL")


def _shaped(font: str, text: str, style: ParagraphStyle) -> str:
    """`text` as HarfBuzz sets it where letters join, reorder or carry marks; as it is elsewhere."""
    if not _needs_shaping(font, text):
        return text
    load(font)
    word = [0, (SimpleNamespace(fontName=font, fontSize=style.fontSize), text)]
    glyphs = shapeFragWord(word, features=FEATURES, force=True)[1][1]
    shaped = _ShapedPiece(glyphs, glyphs.__shapeData__)
    shaped.source = text
    return shaped


def _needs_shaping(font: str, text: str) -> bool:
    if font in UNSHAPED:
        return False
    return font not in (REGULAR, BOLD) or any(unicodedata.combining(char) for char in text)
