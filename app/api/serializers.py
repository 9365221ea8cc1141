"""Tasks and studies as JSON, under stable names; docs/api.md describes each field."""

from datetime import datetime
from typing import Any

from flask import url_for

from app.entities import Study
from app.services.report.content import (
    HeadSection,
    ImageSection,
    NetworkSection,
    QualitySection,
    ReportContent,
    ReviewLine,
)

Json = dict[str, Any]


def task_json(task, is_available: bool) -> Json:
    """A models.Task: `labels` are the possible answers to its question, `heads` all that its network is asked."""
    return {
        "name": task.name,
        "title": task.title,
        "question": task.question,
        "image_kind": task.image_kind,
        "available": is_available,
        "labels": [label.key for label in task.labels],
        "label_names": {label.key: label.name for label in task.labels},
        "heads": [
            {
                "head": head.key,
                "title": head.title,
                "is_primary": head.key == task.primary,
                "labels": [{"label": label.key, "name": label.name} for label in head.labels],
            }
            for head in task.heads
        ],
    }


def study_json(study: Study, content: ReportContent) -> Json:
    """One study with its whole result. Findings, heads and times are those of the image that decides the outcome."""
    lead = content.lead_image
    return {
        **summary_json(study),
        "headline": content.headline,
        "reason": content.reason,
        **_reason_json(lead),
        "note": content.note,
        **_result_json(lead),
        "images": [_image_json(study.key, image) for image in content.images],
        "model": _network_json(content.network),
        "timings_ms": lead.timings_ms if lead else {},
        "reviews": [_review_json(review) for review in content.reviews],
        "report_url": url_for("api.report", key=study.key),
        "statement": content.statement,
    }


def summary_json(study: Study) -> Json:
    """What a list says of a study: nothing that needs more than its own row."""
    return {
        "id": study.key,
        "task": study.task,
        "task_detected": study.task_detected,
        "status": study.status,
        "outcome": study.outcome or None,
        "label": study.lead_label or None,
        "probability": study.lead_probability,
        "patient_name": study.patient_name,
        "patient_reference": study.patient_reference,
        "sent_by": study.owner.name,
        "created_at": iso(study.created_at),
        "url": url_for("api.study", key=study.key),
    }


def iso(moment: datetime) -> str:
    """A naive UTC time as ISO 8601 with its microseconds."""
    return f"{moment.isoformat(timespec='microseconds')}Z"


def _image_json(study_key: str, image: ImageSection) -> Json:
    heatmaps = [
        {"label": map_.label, "url": url_for("api.heatmap", key=study_key, image_key=image.key, label=map_.label)}
        for map_ in image.heatmaps
    ]
    return {
        "id": image.key,
        "sha256": image.sha256,
        "original_name": image.original_name,
        "page": image.page or None,
        "width": image.width,
        "height": image.height,
        "status": image.status,
        "outcome": image.outcome or None,
        "headline": image.headline,
        "reason": image.reason,
        **_reason_json(image),
        **_result_json(image),
        "heatmap_url": heatmaps[0]["url"] if heatmaps else None,
        "heatmaps": heatmaps,
        "suggested_task": image.suggested_task or None,
        "quality": _quality_json(image.quality),
        "righted": list(image.righted_codes),
        "header": {fact.key: fact.text for fact in image.acquisition},
        "notices": list(image.notices),
    }


def _quality_json(quality: QualitySection | None) -> Json | None:
    """The score of 100 and that of each part; null where it was not measured."""
    return {"score": quality.score, "parts": {part.key: part.score for part in quality.parts}} if quality else None


def _reason_json(image: ImageSection | None) -> Json:
    """What the sentence of `reason` is made from; both null where only the sentence was stored."""
    if image is None or not image.reason_code:
        return {"reason_code": None, "reason_values": None}
    return {"reason_code": image.reason_code, "reason_values": dict(image.reason_values)}


def _result_json(image: ImageSection | None) -> Json:
    """`findings` of the primary head, and the other `heads`; both empty when there is no result."""
    sections = image.sections if image else ()
    primary = [section for section in sections if section.is_primary]
    return {
        "findings": _findings_json(primary[0]) if primary else [],
        "heads": [
            {"head": section.key, "title": section.title, "findings": _findings_json(section)}
            for section in sections
            if not section.is_primary
        ],
    }


def _findings_json(section: HeadSection) -> list[Json]:
    return [
        {
            "label": line.key,
            "name": line.name,
            "probability": line.probability,
            "decision": line.decision,
            "threshold": line.threshold,
        }
        for line in section.lines
    ]


def _network_json(network: NetworkSection | None) -> Json | None:
    return {"network": network.name, "version": network.version, "sha256": network.sha256} if network else None


def _review_json(review: ReviewLine) -> Json:
    return {
        "reviewer": review.reviewer,
        "agrees": review.agrees,
        "correct_label": review.correct_label or None,
        "comment": review.comment,
        "created_at": iso(review.reviewed_at),
    }
