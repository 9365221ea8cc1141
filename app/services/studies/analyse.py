"""Runs the networks over an image and stores what they say: the only module of the app that calls models.predict."""

import logging
from collections.abc import Mapping
from time import perf_counter
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from sqlalchemy import select

import models
from app.entities import Acquisition, Analysis, FailureCode, Finding, Image, ImageStatus, Study
from app.extensions import db
from app.services import audit
from app.services.actor import Actor
from app.services.storage import MissingFile, StorageFailed, file_store
from app.services.studies.claim import Claim, Failure, finish_claim, give_up_claim, heatmap_keys, take_claim

log = logging.getLogger("lumen")


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
    """Analyse every image of a study that is not done.

    `pixels`: stored name of an image -> what is read of it, uint8 RGB, where that is at hand; else its file is decoded.
    """
    images = [(image.id, image.stored_name) for image in study.images if image.status != ImageStatus.DONE]
    for image_id, stored_name in images:
        analyse(image_id, pixels.get(stored_name))


def try_again(*, study: Study, actor: Actor, image: Image | None = None) -> None:
    """Analyse what is not done of a study, or this one of its images, because somebody asks for it."""
    audit.record("study.retry", actor=actor, object_key=study.key, detail=image.key if image else "")
    db.session.commit()
    if image:
        analyse(image.id)
    else:
        analyse_study(study)


def analyse(image_id: int, pixels: np.ndarray | None = None) -> ImageStatus | None:
    """Analyse one image and store the result: the same for a request, the command line and a worker.

    It may be asked for twice, at once, or again after whoever did it was killed: the result is stored once. The caller
    must have nothing unsaved in the database session, since transactions begin and end here: none stays open while
    networks compute. `pixels`: uint8 RGB of the image, shrunk for reading, where they are at hand.
    Returns the image's new status, done or failed; None where another one did it, or is at it.
    """
    claim = take_claim(image_id)
    if claim is None:
        return None
    try:
        result = _result(claim, pixels)
        if not finish_claim(claim, result):
            return None
    except BaseException:
        give_up_claim(claim)
        raise
    return ImageStatus.FAILED if isinstance(result, Failure) else ImageStatus.DONE


class _Job(NamedTuple):
    """What is to be analysed, apart from any database session."""

    key: str
    stored_name: str
    orientation: int
    task: str
    header: models.Header


def _job(image_id: int) -> _Job:
    wanted = (
        select(Image.key, Image.stored_name, Image.orientation, Study.task, Acquisition)
        .join(Image.study)
        .outerjoin(Image.acquisition)
        .where(Image.id == image_id)
    )
    key, stored_name, orientation, task, told = db.session.execute(wanted).one()
    header = models.Header(told.modality, told.body_part, told.view_position) if told else models.NO_HEADER
    job = _Job(key, stored_name, orientation, task, header)
    db.session.rollback()
    return job


def _result(claim: Claim, pixels: np.ndarray | None) -> Analysis | Failure:
    job, timings_ms = _job(claim.image_id), {}
    try:
        if pixels is None:
            started = perf_counter()
            pixels = models.read_stored(file_store().get(job.stored_name), job.orientation)
            timings_ms["read"] = (perf_counter() - started) * 1000
        prediction = models.predict(models.get_task(job.task), pixels, job.header)
        return _analysis(claim, job, prediction, timings_ms | prediction.timings_ms)
    except (models.NetworkUnavailable, models.UnknownTask) as error:
        log.error("Image %s was not analysed: %s", job.key, error)
        return Failure(FailureCode.NETWORK_UNAVAILABLE, {"task": job.task})
    except MissingFile as error:
        log.error("Image %s was not analysed: %s", job.key, error)
        return Failure(FailureCode.FILE_MISSING, {})
    except models.UnreadableImage as error:
        log.error("Image %s was not analysed: %s", job.key, error)
        return Failure(FailureCode.UNREADABLE, {})
    except Exception as error:
        # Whatever went wrong in a network: the study stays, its image says that it failed, the log says why.
        log.exception("Analysis of image %s failed", job.key)
        return Failure(FailureCode.CRASHED, {"error": type(error).__name__})


def _analysis(claim: Claim, job: _Job, prediction: models.Prediction, timings_ms: dict[str, float]) -> Analysis:
    lead = prediction.lead
    saliency_names = _store_saliencies(claim, job, prediction)
    analysis = Analysis(
        image_id=claim.image_id,
        task=prediction.task.name,
        network=prediction.network.name,
        weights_version=prediction.network.version,
        weights_sha256=prediction.network.sha256,
        outcome=prediction.outcome.value,
        lead_label=lead.label.key if lead else "",
        lead_probability=lead.probability if lead else None,
        suggested_task=prediction.suggested,
        righted=[{"code": str(one.code), "values": dict(one.values)} for one in prediction.righted],
        quality={part.value: score for part, score in prediction.quality.parts.items()} if prediction.quality else {},
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
    if prediction.reason:
        analysis.reason_code, analysis.reason_values = str(prediction.reason.code), dict(prediction.reason.values)
    return analysis


def _store_saliencies(claim: Claim, job: _Job, prediction: models.Prediction) -> dict[tuple[str, str], str]:
    """(Head, label) -> name of the stored heatmap. Heatmaps that cannot be stored do not cost the finding."""
    names: dict[tuple[str, str], str] = {}
    try:
        for key, (label, saliency) in zip(heatmap_keys(claim.key), prediction.saliencies.items(), strict=False):
            name = file_store().put(models.encode_saliency(saliency), ".png", key)
            names[prediction.task.primary, label] = name
    except StorageFailed:
        log.warning("Image %s was analysed with %d of %d heatmaps", job.key, len(names), len(prediction.saliencies))
    return names
