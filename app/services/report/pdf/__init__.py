"""The report as a PDF. This package alone imports ReportLab; what the report says comes from report.compose."""

from collections.abc import Mapping
from datetime import datetime

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, Spacer

from app import wording
from app.services.report.content import (
    HeadSection,
    ImageSection,
    MeasureLine,
    NetworkSection,
    ReportContent,
    ReviewLine,
)
from app.services.report.pdf.page import Furniture, set_pages
from app.services.report.pdf.parts import (
    facts_table,
    measures_table,
    outcome_box,
    pictures_row,
    probabilities_table,
    text,
)
from app.wording import performance, utc_text

Pictures = Mapping[str, tuple[bytes, bytes | None]]

# One image may be large; of several, two with their tables fit on a page.
TALL, LOW = 78 * mm, 36 * mm


def render_pdf(
    content: ReportContent, *, document_id: str, issued_at: datetime, issued_by: str, pictures: Pictures
) -> bytes:
    """The report as PDF bytes; equal input gives equal bytes within a process.

    `pictures`: key of an image -> JPEG or PNG of it and of its heatmap overlay (None: it has none). An image that is
    not in it is reported as missing. `issued_at` is naive UTC.
    """
    story = [
        *_opening(content, document_id, issued_at, issued_by),
        *_reviews(content.reviews),
        *_images(content, pictures),
        *_network(content.network),
        *_limits(content),
    ]
    furniture = Furniture(content.institution, content.statement, document_id, issued_at)
    return set_pages(story, furniture, subject=f"{content.task_title}: automated image analysis")


def _opening(content: ReportContent, document_id: str, issued_at: datetime, issued_by: str) -> list[Flowable]:
    facts = [
        ("Patient", content.patient_name or "not given"),
        ("Reference", content.patient_reference or "not given"),
        ("Received", utc_text(content.created_at)),
        ("Sent by", content.sent_by),
        ("Issued", utc_text(issued_at)),
        ("Issued by", issued_by),
        ("Study", content.study_key),
        ("Document", document_id),
    ]
    single = content.images[0] if len(content.images) == 1 else None
    opening = [
        text("AUTOMATED IMAGE ANALYSIS", "kicker"),
        text(content.task_title, "title"),
        text(_question(content), "question"),
        facts_table(facts),
        Spacer(0, 10),
        *(_notices(single) if single else ()),
        *(_quality(single) if single else ()),
        outcome_box(content.state, content.headline, content.reason),
        *(_righted(single) if single else ()),
    ]
    if content.note:
        opening += [text("Sender's note", "heading"), text(content.note)]
    return opening


def _question(content: ReportContent) -> str:
    origin = " The task was detected from the image, not chosen by the sender." if content.task_detected else ""
    return content.question + origin


def _reviews(reviews: tuple[ReviewLine, ...]) -> list[Flowable]:
    blocks = [_review(review) for review in reviews]
    if blocks:
        blocks[0].insert(0, text("Reviews", "heading"))
    return [KeepTogether(block) for block in blocks]


def _review(review: ReviewLine) -> list[Flowable]:
    verdict = "agrees" if review.agrees else "disagrees"
    right = f"; correct label: {review.correct_label}" if review.correct_label else ""
    words = text(f"{review.reviewer}, {utc_text(review.reviewed_at)}: {verdict}{right}", "strong")
    return [words, *([text(review.comment)] if review.comment else []), Spacer(0, 4)]


def _images(content: ReportContent, pictures: Pictures) -> list[Flowable]:
    several = len(content.images) > 1
    story = []
    for number, section in enumerate(content.images, start=1):
        heading = f"Image {number} of {len(content.images)}" if several else "Image"
        story += _image(section, heading, several, pictures)
    return story


def _image(section: ImageSection, heading: str, several: bool, pictures: Pictures) -> list[Flowable]:
    original, overlay = pictures.get(section.key, (None, None))
    first = [text(heading, "heading")]
    if several:
        # The study's box above says it for a single image.
        box = outcome_box(section.state, section.headline, section.reason, tone=section.tone)
        first += [*_notices(section), *_quality(section), box, Spacer(0, 4), *_righted(section)]
    first += [
        pictures_row(section, original, overlay, LOW if several else TALL),
        text(f"File “{section.original_name}”{_page(section.page)}, SHA-256 {section.sha256}", "small"),
    ]
    if section.acquisition:
        first += [
            Spacer(0, 6),
            facts_table([(fact.title, fact.text) for fact in section.acquisition]),
            Spacer(0, 4),
        ]
    if section.steps:
        first += [
            Spacer(0, 6),
            facts_table([(step.question, step.answer) for step in section.steps], columns=1),
            Spacer(0, 4),
        ]
    heads = [_head(head) for head in section.sections]
    if several and heads:
        first += heads.pop(0)
    return [KeepTogether(first), *(KeepTogether(head) for head in heads)]


def _notices(section: ImageSection) -> list[Flowable]:
    return [text(sentence, "strong") for sentence in section.notices]


def _quality(section: ImageSection) -> list[Flowable]:
    """Before the answer: how good the image is, and in which respects."""
    if section.quality is None:
        return []
    parts = ", ".join(f"{part.name} {part.score}" for part in section.quality.parts)
    return [text(f"{section.quality.text}.", "value"), text(f"Of 100: {parts}.", "small"), Spacer(0, 4)]


def _righted(section: ImageSection) -> list[Flowable]:
    return [text(sentence, "value") for sentence in section.righted]


def _page(page: int) -> str:
    return f", page {page}" if page else ""


def _head(head: HeadSection) -> list[Flowable]:
    block = [text(f"{head.title}: probabilities", "subheading")]
    if head.note:
        block.append(text(head.note, "small"))
    block += [probabilities_table(head), Spacer(0, 2)]
    if head.others:
        rest = ", ".join(f"{wording.in_sentence(line.name)} {wording.number(line.probability)}" for line in head.others)
        block.append(text(f"Less probable: {rest}.", "small"))
    if head.has_thresholds:
        block.append(text(wording.THRESHOLD_MARKS, "small"))
    return [*block, text(head.reason, "small")]


def _network(network: NetworkSection | None) -> list[Flowable]:
    if network is None:
        return []
    facts = f"{network.name}, version {network.version}, SHA-256 {network.sha256}"
    block: list[Flowable] = [text("Model performance", "heading"), text(facts, "value")]
    if network.trained_on:
        block.append(text(f"Training data: {', '.join(network.trained_on)}.", "value"))
    if network.note:
        block.append(text(network.note, "value"))
    if network.measures:
        block += [text(performance.CAPTION, "subheading"), measures_table(_measured(network)), Spacer(0, 2)]
        block += [text(note, "small") for note in performance.notes(network.elsewhere)]
    return [KeepTogether(block)]


def _measured(network: NetworkSection) -> dict[str, tuple[MeasureLine, ...]]:
    """Where, and for which answer -> what was measured there; what was not measured elsewhere is said to be so."""
    measured = {"At home": network.measures}
    if network.label_measures:
        measured[f"At home, the answer “{network.label}”"] = network.label_measures
    return measured | {performance.elsewhere_title(network.elsewhere): network.elsewhere}


def _limits(content: ReportContent) -> list[Flowable]:
    if not (content.intended_use or content.limitations):
        return []
    points = [text(f"•  {limit}", "value") for limit in content.limitations]
    return [
        KeepTogether([text("Intended use and limitations", "heading"), text(content.intended_use, "value"), *points])
    ]
