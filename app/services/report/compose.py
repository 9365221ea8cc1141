"""Puts the words and numbers of one study together: what was stored, as it was stored.

Only words (names of labels, limits) come from the task as it is declared today, and measured performance from the card,
if there still is a card of the same weights.
"""

from collections.abc import Mapping

import models
from app import wording
from app.entities import Analysis, Finding, Image, ImageStatus, Review, Study, StudyStatus
from app.services import settings
from app.services.report.acquisition import acquisition_facts, acquisition_notices
from app.services.report.content import (
    HeadSection,
    Heatmap,
    ImageSection,
    LabelLine,
    QualityPart,
    QualitySection,
    ReportContent,
    ReviewLine,
    Step,
)
from app.services.report.network import Cards, answering_cards, network_section, thresholds
from app.services.studies.state import lead_analysis
from app.wording.reasons import REASONS


def build_report(study: Study) -> ReportContent:
    """What the stored rows say of a study, in words and numbers. Works without its task and without its network."""
    task = _task(study.task)
    lead = lead_analysis(study)
    cards = answering_cards(study, task)
    images = tuple(_image_section(image, task, cards) for image in study.images)
    position = _position(study, lead)
    headline, reason = _study_words(study, position, images)
    return ReportContent(
        study_key=study.key,
        institution=settings.get_setting("institution"),
        task=study.task,
        task_title=_title(study, task),
        task_detected=study.task_detected,
        question=task.question if task else "",
        created_at=study.created_at,
        sent_by=study.owner.name,
        patient_name=study.patient_name,
        patient_reference=study.patient_reference,
        note=study.note,
        status=study.status,
        outcome=study.outcome,
        headline=headline,
        reason=reason,
        images=images,
        network=network_section(lead or _any_analysis(study), task, cards, label=study.lead_label),
        intended_use=task.intended_use if task else "",
        limitations=task.limitations if task else (),
        reviews=tuple(_review_line(review, task) for review in study.reviews),
        lead_position=position,
    )


def _task(name: str) -> models.Task | None:
    try:
        return models.get_task(name)
    except models.UnknownTask:
        return None


def _title(study: Study, task: models.Task | None) -> str:
    return task.title if task else wording.words_of_key(study.task)


def _head(task: models.Task | None, key: str) -> models.Head | None:
    return next((head for head in task.heads if head.key == key), None) if task else None


def _label(task: models.Task | None, head_key: str, key: str) -> models.Label | None:
    head = _head(task, head_key)
    return next((label for label in head.labels if label.key == key), None) if head else None


# One image


def _image_section(image: Image, task: models.Task | None, cards: Cards) -> ImageSection:
    analysis = image.analysis if image.status == ImageStatus.DONE else None
    sections = _head_sections(analysis, task, thresholds(analysis, cards)) if analysis else ()
    reason = _reason(analysis) if analysis else None
    return ImageSection(
        key=image.key,
        original_name=image.original_name,
        page=image.page,
        is_final=image.study.status == StudyStatus.DONE,
        sha256=image.sha256,
        width=image.width,
        height=image.height,
        status=image.status,
        outcome=analysis.outcome if analysis else "",
        headline=_image_headline(analysis, sections, task) if analysis else wording.WITHOUT_ANSWER[image.status],
        reason=_reason_text(analysis, reason, task) if analysis else _failure(image, _title(image.study, task)),
        reason_code=reason.code if reason else "",
        reason_values=reason.values if reason else {},
        steps=_steps(sections, task),
        sections=sections,
        heatmaps=_heatmaps(analysis, task) if analysis else (),
        suggested_task=analysis.suggested_task if analysis else "",
        analysed_at=analysis.created_at if analysis else None,
        timings_ms=dict(analysis.timings_ms) if analysis else {},
        quality=_quality(analysis) if analysis else None,
        righted=_righted(analysis) if analysis else (),
        righted_codes=tuple(one["code"] for one in analysis.righted) if analysis else (),
        acquisition=acquisition_facts(image.acquisition),
        notices=acquisition_notices(image.acquisition, image.study),
    )


def _quality(analysis: Analysis) -> QualitySection | None:
    """The stored parts in words; None where none were measured, as in rows of older versions."""
    scores = {models.QualityPart(part): int(score) for part, score in analysis.quality.items()}
    if not scores:
        return None
    quality = models.Quality(scores)
    parts = tuple(QualityPart(part, wording.QUALITY_PARTS[part], score) for part, score in scores.items())
    return QualitySection(wording.quality_text(quality), quality.score, parts)


def _righted(analysis: Analysis) -> tuple[str, ...]:
    sentences = (wording.righted_text(one["code"], one["values"]) for one in analysis.righted)
    return tuple(sentence for sentence in sentences if sentence)


def _reason(analysis: Analysis) -> models.Reason | None:
    """The reason that was stored as code and values; None where there is only text, as in rows of older versions."""
    code = analysis.reason_code
    return models.Reason(code, analysis.reason_values) if code in REASONS else None


def _reason_text(analysis: Analysis, reason: models.Reason | None, task: models.Task | None) -> str:
    return wording.reason_text(reason, task) if reason else analysis.reason


def _failure(image: Image, task_title: str) -> str:
    return wording.failure_text(image.failure_code, image.failure_values, image.failure_text, task_title)


def _heatmaps(analysis: Analysis, task: models.Task | None) -> tuple[Heatmap, ...]:
    return tuple(
        Heatmap(finding.label, wording.label_name(task, finding.label, finding.head))
        for finding in analysis.mapped_findings
    )


def _steps(sections: tuple[HeadSection, ...], task: models.Task | None) -> tuple[Step, ...]:
    """From the type of image to the last question that was asked, each answer with its own uncertainty."""
    answered = {section.key: section for section in sections}
    if task is None or len(task.heads) == 1 or not answered:
        return ()
    kind = next(label.name for label in models.MODALITY_TASK.labels if label.key == task.modality)
    return (
        Step(models.MODALITY_TASK.title, kind),
        *(Step(head.title, _brief_answer(head, answered[head.key])) for head in task.heads if head.key in answered),
    )


def _brief_answer(head: models.Head, section: HeadSection) -> str:
    sensitive = {label.key for label in head.labels if label.operating_point == models.OperatingPoint.SENSITIVITY_95}
    return wording.brief_answer(section.lines, high_sensitivity=sensitive)


def _head_sections(
    analysis: Analysis, task: models.Task | None, limits: Mapping[tuple[str, str], float]
) -> tuple[HeadSection, ...]:
    """The heads that were stored, the primary one first, then in the order in which they were stored."""
    stored: dict[str, list[LabelLine]] = {}
    for finding in analysis.findings:
        line = _label_line(finding, task, limits.get((finding.head, finding.label)))
        stored.setdefault(finding.head, []).append(line)
    # The lead label is the primary head's: that tells which head it was when the task is gone.
    primary = task.primary if task else next((f.head for f in analysis.findings if f.label == analysis.lead_label), "")
    sections = [_head_section(key, lines, task, key == primary) for key, lines in stored.items()]
    return tuple(sorted(sections, key=lambda section: not section.is_primary))


def _head_section(key: str, lines: list[LabelLine], task: models.Task | None, is_primary: bool) -> HeadSection:
    head = _head(task, key)
    lines = sorted(lines, key=lambda line: -line.probability)
    return HeadSection(
        key=key,
        title=head.title if head else wording.words_of_key(key),
        note=head.note if head else "",
        reason=wording.decision(lines),
        is_primary=is_primary,
        lines=tuple(lines),
    )


def _label_line(finding: Finding, task: models.Task | None, threshold: float | None) -> LabelLine:
    label = _label(task, finding.head, finding.label)
    return LabelLine(
        key=finding.label,
        name=label.name if label else wording.words_of_key(finding.label),
        note=label.note if label else "",
        probability=finding.probability,
        decision=finding.decision,
        threshold=threshold,
    )


# Headlines


def _image_headline(analysis: Analysis, sections: tuple[HeadSection, ...], task: models.Task | None) -> str:
    if analysis.outcome in wording.WITHOUT_ANSWER:
        return wording.WITHOUT_ANSWER[analysis.outcome]
    primary = next((section for section in sections if section.is_primary), None)
    if primary is None:
        return "No probabilities are stored for this image"
    answer = wording.answer(analysis.outcome, primary.lines)
    head = _head(task, primary.key)
    condition = next((section for section in sections if head and section.key == head.conditioned_on), None)
    return f"{_subject(condition, task)} {answer}" if condition and task else answer


def _subject(condition: HeadSection, task: models.Task) -> str:
    """What the head that picked the specialist detected, as a clinician would begin."""
    kind = "X-ray of the" if task.modality == models.Modality.BONE_XRAY else f"{condition.title}:"
    return wording.subject(kind, condition.lines[0])


def _position(study: Study, lead: Analysis | None) -> int | None:
    return next((index for index, image in enumerate(study.images) if lead and image.id == lead.image_id), None)


def _study_words(study: Study, position: int | None, images: tuple[ImageSection, ...]) -> tuple[str, str]:
    """Headline and reason of the study: its lead image's, with that image's number if there are several."""
    if position is None:
        headline = wording.study_without_result(study.status, [image.status for image in images])
        return headline, images[0].reason if len(images) == 1 else ""
    section = images[position]
    where = f"Image {position + 1} of {len(images)}: " if len(images) > 1 else ""
    return where + section.headline, section.reason


def _any_analysis(study: Study) -> Analysis | None:
    return next((image.analysis for image in study.images if image.analysis), None)


# Reviews


def _review_line(review: Review, task: models.Task | None) -> ReviewLine:
    return ReviewLine(
        reviewer=review.reviewer.name,
        reviewed_at=review.created_at,
        agrees=review.agrees,
        correct_label=wording.label_name(task, review.correct_label) if review.correct_label else "",
        comment=review.comment,
    )
