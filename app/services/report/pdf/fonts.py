"""Which font draws which character. The fonts are embedded, as subsets, in every document that uses them."""

import re
import unicodedata
from functools import cache, lru_cache
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfdoc import PDFDocument
from reportlab.pdfbase.ttfonts import TTFont

FOLDER = Path(__file__).resolve().parents[4] / "static" / "fonts"
REGULAR = "NotoSans-Regular"
BOLD = "NotoSans-Bold"
REPLACEMENT = "\ufffd"
# Letters that neither join nor reorder: these fonts are drawn as they are.
UNSHAPED = frozenset({"NanumSquareR", "Symbola-Symbols", "DroidSansFallbackFull"})

# Font -> the blocks of Unicode for which it stands in when the text font has no glyph.
FALLBACKS = {
    "NotoSansArmenian-Regular": ((0x0530, 0x058F), (0xFB13, 0xFB17)),
    "NotoSansHebrew-Regular": ((0x0590, 0x05FF), (0xFB1D, 0xFB4F)),
    "NotoSansArabic-Regular": (
        (0x0600, 0x06FF),
        (0x0750, 0x077F),
        (0x08A0, 0x08FF),
        (0xFB50, 0xFDFF),
        (0xFE70, 0xFEFE),
    ),
    "NotoSansSyriac-Regular": ((0x0700, 0x074F),),
    "NotoSansThaana-Regular": ((0x0780, 0x07BF),),
    "NotoSansDevanagari-Regular": ((0x0900, 0x097F), (0x1CD0, 0x1CFF), (0xA8E0, 0xA8FF)),
    "NotoSansBengali-Regular": ((0x0980, 0x09FF),),
    "NotoSansGurmukhi-Regular": ((0x0A00, 0x0A7F),),
    "NotoSansGujarati-Regular": ((0x0A80, 0x0AFF),),
    "NotoSansOriya-Regular": ((0x0B00, 0x0B7F),),
    "NotoSansTamil-Regular": ((0x0B80, 0x0BFF),),
    "NotoSansTelugu-Regular": ((0x0C00, 0x0C7F),),
    "NotoSansKannada-Regular": ((0x0C80, 0x0CFF),),
    "NotoSansMalayalam-Regular": ((0x0D00, 0x0D7F),),
    "NotoSansSinhala-Regular": ((0x0D80, 0x0DFF),),
    "NotoSansThai-Regular": ((0x0E00, 0x0E7F),),
    "NotoSansLao-Regular": ((0x0E80, 0x0EFF),),
    "NotoSerifTibetan-Regular": ((0x0F00, 0x0FFF),),
    "NotoSansMyanmar-Regular": ((0x1000, 0x109F), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F)),
    "NotoSansGeorgian-Regular": ((0x10A0, 0x10FF), (0x1C90, 0x1CBF), (0x2D00, 0x2D2F)),
    "NanumSquareR": ((0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7FF)),
    "NotoSansEthiopic-Regular": ((0x1200, 0x139F), (0x2D80, 0x2DDF), (0xAB00, 0xAB2F)),
    "NotoSansKhmer-Regular": ((0x1780, 0x17FF), (0x19E0, 0x19FF)),
    "Symbola-Symbols": ((0x2000, 0x2BFF), (0x1F000, 0x1FAFF)),
    "DroidSansFallbackFull": ((0x2E80, 0x312F), (0x3190, 0x9FFF), (0xF900, 0xFAFF), (0xFE30, 0xFE4F), (0xFF00, 0xFFEF)),
}


class _Font(TTFont):
    """A TrueType font whose characters beyond U+FFFF can be searched and copied."""

    def addObjects(self, doc: PDFDocument) -> None:  # noqa: N802 - ReportLab's name
        known = set(doc.idToObject)
        super().addObjects(doc)
        for name in set(doc.idToObject) - known:
            if name.startswith("toUnicodeCMap:"):
                # ReportLab writes the bare number there, where the format wants UTF-16.
                stream = doc.idToObject[name]
                stream.content = _BEYOND_BMP.sub(lambda match: f"<{_utf16(match[1])}>", stream.content)


_BEYOND_BMP = re.compile("<([0-9A-F]{5,6})>")


def _utf16(code: str) -> str:
    return chr(int(code, 16)).encode("utf-16-be").hex().upper()


@cache
def load(name: str) -> TTFont:
    """The font of this file name, read once in the life of the process and known to ReportLab by the same name."""
    font = _Font(name, str(FOLDER / f"{name}.ttf"))
    pdfmetrics.registerFont(font)
    return font


@lru_cache(maxsize=4096)
def font_for(char: str, text_font: str) -> str | None:
    """The name of the font that draws `char` in text set in `text_font`; None if no font has the glyph."""
    code = ord(char)
    candidates = [name for name, blocks in FALLBACKS.items() if any(first <= code <= last for first, last in blocks)]
    return next((name for name in (text_font, *candidates) if code in load(name).face.charToGlyph), None)


def split_by_font(text: str, text_font: str) -> list[tuple[str, str]]:
    """`text` as (font, piece) in order. What no font can draw is a visible replacement, or left out if it is invisible.

    Marks and joiners stay with the letter before them, as long as its font has them.
    """
    pieces: list[tuple[str, str]] = []
    for char in text:
        category = unicodedata.category(char)
        joins = category[0] == "M" or category == "Cf"
        goes_on = joins and pieces and ord(char) in load(pieces[-1][0]).face.charToGlyph
        font = pieces[-1][0] if goes_on else font_for(char, text_font)
        if font is None and category == "Cf":
            continue
        if font is None:
            font, char = text_font, REPLACEMENT
        if pieces and pieces[-1][0] == font:
            pieces[-1] = (font, pieces[-1][1] + char)
        else:
            pieces.append((font, char))
    return pieces
