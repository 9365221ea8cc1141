"""Runs the networks over a study and stores what they say: the only module of the app that calls models.predict."""

import logging
from collections.abc import Iterable, Mapping
from time import perf_counter
from types import MappingProxyType

import numpy as np
from sqlalchemy import update

import models
from app import wording
from app.entities import Analysis, Finding, Image, Study
from app.extensions import db
from app.services.storage import MissingFile, StorageFailed, file_store

log = logging.getLogger("lumen")

PENDING, FAILED = "pending", "failed"
# Of several images the first of these decides the study.
ORDER = (
    models.Outcome.FINDING,
    models.Outcome.INCONCLUSIVE,
    models.Outcome.NO_FINDING,
    models.Outcome.NOT_ASSESSED,
    FAILED,
)
MAX_REASON = 500


def all_tasks() -> tuple[models.Task, ...]:
    """Every declared task, in the order in which a user is offered them."""
    return models.all_tasks()


def available_tasks() -> tuple[models.Task, ...]:
    """The tasks whose network is loaded and whole."""
    reasons = unavailable_reasons()
    return tuple(task for task in models.all_tasks() if task.name not in reasons)


def unavailable_reasons() -> dict[str, str]:
    """Name of each task that cannot be answered now -> why."""
    return {name: reason for name, reason in models.network_status().items() if reason}


def task_titles() -> dict[str, str]:
    """Name -> title of every declared task."""
    return {task.name: task.title for task in models.all_tasks()}


def label_names() -> dict[tuple[str, str], str]:
    """(Task name, label key) -> name, for every answer to a task's question."""
    return {(task.name, label.key): label.name for task in models.all_tasks() for label in task.labels}


def analyse_study(study: Study, pixels: Mapping[str, np.ndarray] = MappingProxyType({})) -> None:
    """Analyse every image of a study that is pending or has failed, and store the results; any other stays as it is.

    `pixels`: stored name of an image -> what is read of it, uint8 RGB, where that is at hand; else its file is decoded.
    An image that cannot be analysed is stored as failed, with its reason: a study is never lost.
    """
    seen = study.outcome
    if seen not in (PENDING, FAILED):
        return
    task = models.get_task(study.task)
    # All results first, then the rows: a database transaction must not stay open while networks compute.
    results = [_analyse_image(task, image, pixels.get(image.stored_name)) for image in study.images]
    lead = _first(results)
    values = {"outcome": lead.outcome, "lead_label": lead.lead_label, "lead_probability": lead.lead_probability}
    try:
        # Two requests may have analysed the study at once; the one that still finds it as it was stores its results.
        unchanged = update(Study).where(Study.id == study.id, Study.outcome == seen)
        if db.session.execute(unchanged.values(**values)).rowcount == 0:
            raise _AlreadyAnalysed
        db.session.add_all(results)
        db.session.commit()
    except BaseException as error:
        db.session.rollback()
        _delete_saliencies(results)
        if not isinstance(error, _AlreadyAnalysed):
            raise


def lead_analysis(study: Study) -> Analysis | None:
    """The newest analysis of the image that decides the study's outcome; None while none is analysed."""
    analyses = [image.analysis for image in study.images if image.analysis]
    return _first(analyses) if analyses else None


class _AlreadyAnalysed(Exception):
    """Another request was quicker."""


def _first(analyses: Iterable[Analysis]) -> Analysis:
    return min(analyses, key=lambda analysis: (ORDER.index(analysis.outcome), -(analysis.lead_probability or 0.0)))


def _analyse_image(task: models.Task, image: Image, pixels: np.ndarray | None) -> Analysis:
    timings_ms: dict[str, float] = {}
    try:
        if pixels is None:
            started = perf_counter()
            pixels = models.decode_image(file_store().get(image.stored_name)).pixels
            timings_ms["read"] = (perf_counter() - started) * 1000
        prediction = models.predict(task, pixels)
    except (models.NetworkUnavailable, models.UnreadableImage) as error:
        return _failed(task, image, str(error))
    except MissingFile:
        return _failed(task, image, "The stored image is missing, so it could not be analysed.")
    except Exception:
        # Whatever went wrong in a network: the study stays, its image says that it failed, the log says why.
        log.exception("Analysis of image %s failed", image.key)
        return _failed(task, image, "The analysis failed on the server and has been logged. Try again later.")
    return _analysis(image, prediction, timings_ms | prediction.timings_ms)


def _failed(task: models.Task, image: Image, reason: str) -> Analysis:
    return Analysis(image_id=image.id, task=task.name, outcome=FAILED, reason=reason[:MAX_REASON], lead_label="")


def _analysis(image: Image, prediction: models.Prediction, timings_ms: dict[str, float]) -> Analysis:
    lead = prediction.lead
    saliency_names = _store_saliencies(image, prediction)
    return Analysis(
        image_id=image.id,
        task=prediction.task.name,
        network=prediction.network.name,
        weights_version=prediction.network.version,
        weights_sha256=prediction.network.sha256,
        outcome=prediction.outcome.value,
        reason=_reason_text(prediction)[:MAX_REASON],
        lead_label=lead.label.key if lead else "",
        lead_probability=lead.probability if lead else None,
        suggested_task=prediction.suggested,
        timings_ms={stage: round(float(value), 2) for stage, value in timings_ms.items()},
        findings=[
            Finding(
                head=result.head.key,
                label=line.label.key,
                probability=float(line.probability),
                decision=line.decision.value,
                saliency_name=saliency_names.get((result.head.key, line.label.key), ""),
            )
            for result in prediction.heads
            for line in result.labels
        ],
    )


def _reason_text(prediction: models.Prediction) -> str:
    return wording.reason_text(prediction.reason, prediction.task) if prediction.reason else ""


def _store_saliencies(image: Image, prediction: models.Prediction) -> dict[tuple[str, str], str]:
    """(Head, label) -> name of the stored heatmap. Heatmaps that cannot be stored do not cost the finding."""
    names: dict[tuple[str, str], str] = {}
    try:
        for label, saliency in prediction.saliencies.items():
            name = file_store().put(models.encode_saliency(saliency), ".png")
            names[prediction.task.primary, label] = name
    except StorageFailed:
        log.warning("Image %s was analysed with %d of %d heatmaps", image.key, len(names), len(prediction.saliencies))
    return names


def _delete_saliencies(analyses: Iterable[Analysis]) -> None:
    for name in [finding.saliency_name for analysis in analyses for finding in analysis.mapped_findings]:
        file_store().delete(name)
