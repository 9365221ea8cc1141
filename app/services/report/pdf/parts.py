"""The pieces that the report is made of: facts, outcome box, pictures, probabilities, measures."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from reportlab.lib.colors import HexColor
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Image, Table, TableStyle

from app import wording
from app.services.report.content import HeadSection, ImageSection, LabelLine, MeasureLine
from app.services.report.pdf.fonts import REGULAR, load
from app.services.report.pdf.style import CONTENT_WIDTH, DECISION_COLOURS, GAP, INK, LINE, SOFT, STATE_COLOURS, STYLES
from app.services.report.pdf.text import Text
from app.wording import decision_look, state_look

PICTURE_WIDTH = (CONTENT_WIDTH - GAP) / 2
CAPTION_SPACE = 3
# So far the mark of a threshold stands out over its bar and under it.
MARK_OVERHANG = 1


class Bar(Flowable):
    """A probability (0 to 1) as a bar on a track, with a mark at its threshold (0 to 1) where there is one.

    `width` and `height` of the track are in points.
    """

    def __init__(
        self, probability: float, colour: HexColor, width: float, height: float = 6, threshold: float | None = None
    ) -> None:
        super().__init__()
        self.probability, self.colour, self.threshold = probability, colour, threshold
        self.width, self.height = width, height

    def wrap(self, _width: float, _height: float) -> tuple[float, float]:
        return self.width, self.height

    def draw(self) -> None:
        radius = self.height / 2
        self.canv.setFillColor(SOFT)
        self.canv.roundRect(0, 0, self.width, self.height, radius, stroke=0, fill=1)
        self.canv.setFillColor(self.colour)
        # Never shorter than it is high: a bar of 0.00 stays a dot that shows its colour.
        extent = max(self.height, self.width * self.probability)
        self.canv.roundRect(0, 0, extent, self.height, radius, stroke=0, fill=1)
        if self.threshold is not None:
            self._draw_mark(self.width * self.threshold)

    def _draw_mark(self, x: float) -> None:
        # A light edge beside the dark mark, so that it is seen on any bar.
        for width, colour in ((2.4, HexColor("#ffffff")), (1, INK)):
            self.canv.setFillColor(colour)
            self.canv.rect(x - width / 2, -MARK_OVERHANG, width, self.height + 2 * MARK_OVERHANG, stroke=0, fill=1)


def text(words: str, style: str = "body") -> Text:
    """A block of text in a style of the style sheet."""
    return Text(words, STYLES[style])


def facts_table(facts: Sequence[tuple[str, str]], columns: int = 2) -> Table:
    """Names and values in `columns` columns of pairs, in reading order."""
    cells: list[list[Flowable | str]] = [[text(name, "label"), text(value, "value")] for name, value in facts]
    cells += [["", ""]] * (-len(cells) % columns)
    rows = [
        [cell for pair in cells[start : start + columns] for cell in pair] for start in range(0, len(cells), columns)
    ]
    # Questions of a network are longer than the names of facts.
    label = 21 * mm if columns > 1 else 38 * mm
    table = Table(rows, colWidths=[label, CONTENT_WIDTH / columns - label] * columns)
    table.setStyle(
        TableStyle(
            [
                *_tight(vertical=3),
                ("RIGHTPADDING", (1, 0), (1, -1), 8),
                ("LINEABOVE", (0, 0), (-1, 0), 0.5, LINE),
                ("LINEBELOW", (0, 0), (-1, -1), 0.5, LINE),
            ]
        )
    )
    return table


def outcome_box(state: str, headline: str, reason: str, *, tone: str = "") -> Table:
    """The result in one box: the word of the outcome, or of the status without one; the headline, the reason.

    `tone`: the state whose colours it has instead of its own.
    """
    ink, soft = STATE_COLOURS[tone or state]
    word = Text(state_look(state).word.upper(), STYLES["outcome"].clone("outcome_coloured", textColor=ink))
    rows = [[word], [text(headline, "headline")]] + ([[text(reason)]] if reason else [])
    table = Table(rows, colWidths=[CONTENT_WIDTH])
    table.setStyle(
        TableStyle(
            [
                *_tight(vertical=1),
                ("BACKGROUND", (0, 0), (-1, -1), soft),
                ("LINEBEFORE", (0, 0), (0, -1), 3, ink),
                ("LEFTPADDING", (0, 0), (-1, -1), 12),
                ("RIGHTPADDING", (0, 0), (-1, -1), 10),
                ("TOPPADDING", (0, 0), (-1, 0), 8),
                ("BOTTOMPADDING", (0, -1), (-1, -1), 9),
            ]
        )
    )
    return table


def pictures_row(section: ImageSection, original: bytes | None, overlay: bytes | None, max_height: float) -> Table:
    """The image and its heatmap side by side, each with its caption; what is None is told to be missing.

    `original` and `overlay` are JPEG or PNG files, drawn at most `max_height` points high.
    """
    size = f"Image as sent, {section.width} × {section.height} pixels"
    heatmap = _heatmap_caption(section.heatmaps[0].name) if overlay else ""
    why = "it was not stored" if section.sections else state_look(section.state).word.lower()
    pictures = [
        _picture(original, max_height, "The stored image is missing."),
        _picture(overlay, max_height, f"No heatmap: {why}."),
    ]
    table = Table(
        [
            pictures,
            [text(size, "small"), text(heatmap, "small")],
        ],
        colWidths=[PICTURE_WIDTH + GAP, PICTURE_WIDTH],
    )
    table.setStyle(TableStyle([*_tight(vertical=CAPTION_SPACE), ("RIGHTPADDING", (0, 0), (0, -1), GAP)]))
    return table


def _heatmap_caption(label: str) -> str:
    return f"Heatmap: regions contributing most to “{label}”, from blue (little) to red (much)"


def probabilities_table(section: HeadSection) -> Table:
    """The leading labels of one question: name, note, bar, probability, decision.

    What is not excluded stands in a group of its own, under a line that says why.
    """
    lines = [line for group in section.groups for line in group]
    note_width = 36 * mm if any(_note(line) for line in lines) else 0
    bar_width = 44 * mm
    widths = [CONTENT_WIDTH - note_width - bar_width - 38 * mm, note_width, bar_width, 17 * mm, 21 * mm]
    rows = [_probability_row(line, bar_width) for line in lines]
    titles = []
    if section.not_excluded:
        position = lines.index(section.not_excluded[0])
        rows.insert(position, [text(wording.NOT_EXCLUDED_GROUP, "small"), "", "", "", ""])
        titles = [("SPAN", (0, position), (-1, position))]
    table = Table(rows, colWidths=widths)
    table.setStyle(
        TableStyle(
            [
                *_tight(vertical=1.8),
                *_ruled(),
                *titles,
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ("RIGHTPADDING", (0, 0), (1, -1), 6),
                ("LEFTPADDING", (4, 0), (4, -1), 12),
            ]
        )
    )
    return table


def _probability_row(line: LabelLine, bar_width: float) -> list[Flowable | str]:
    strong = line.decision == "likely"
    return [
        text(line.name, "strong" if strong else "value"),
        text(_note(line), "small") if _note(line) else "",
        Bar(line.probability, DECISION_COLOURS[line.decision], bar_width, threshold=line.threshold),
        text(wording.number(line.probability), "strong_number" if strong else "number"),
        text(decision_look(line.decision).word, "label"),
    ]


def _note(line: LabelLine) -> str:
    """The label's note, and for one that is not excluded the threshold below which it would be."""
    if line.decision != "not_excluded" or line.threshold is None:
        return line.note
    limit = wording.rule_out_threshold(line.threshold)
    return f"{line.note}; {limit}" if line.note else limit


def measures_table(groups: Mapping[str, Sequence[MeasureLine]]) -> Table:
    """Measured performance: value, 95 % interval, number of images; each group under its title."""
    columns = (text(word, "small_right") for word in ("Value", "95 % interval", "Images"))
    rows: list[list[Flowable | str]] = [[text("Measure", "label"), *columns]]
    titles = []
    for title, measures in groups.items():
        titles.append(("SPAN", (0, len(rows)), (-1, len(rows))))
        rows.append([text(title, "strong"), "", "", ""])
        rows += [_measure_row(measure) for measure in measures]
    table = Table(rows, colWidths=[CONTENT_WIDTH - 90 * mm, 25 * mm, 40 * mm, 25 * mm], repeatRows=1)
    table.setStyle(TableStyle([*_tight(vertical=2), *_ruled(), *titles]))
    return table


def _measure_row(measure: MeasureLine) -> list[Flowable | str]:
    return [text(measure.name, "value"), *(text(value, "number") for value in _measure_values(measure))]


def _measure_values(measure: MeasureLine) -> tuple[str, str, str]:
    return f"{measure.value:.2f}", f"{measure.low:.2f} to {measure.high:.2f}", f"{measure.n}"


def _picture(data: bytes | None, max_height: float, without: str) -> Flowable:
    if data is None:
        return text(without, "small")
    picture = Image(io.BytesIO(data), lazy=0)
    scale = min(PICTURE_WIDTH / picture.imageWidth, max_height / picture.imageHeight)
    picture.drawWidth, picture.drawHeight = picture.imageWidth * scale, picture.imageHeight * scale
    picture.hAlign = "LEFT"
    return picture


def _tight(vertical: float) -> list[tuple[Any, ...]]:
    return [
        ("FONTNAME", (0, 0), (-1, -1), load(REGULAR).fontName),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), vertical),
        ("BOTTOMPADDING", (0, 0), (-1, -1), vertical),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]


def _ruled() -> list[tuple[Any, ...]]:
    return [("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE)]
