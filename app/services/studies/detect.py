"""Finds the task of a study whose sender left it to the gate: the one that reads all its images."""

from collections.abc import Iterable, Iterator

import numpy as np

import models
from app import wording
from app.entities import Study
from app.errors import RefusedUpload
from app.services.studies.analyse import unavailable_reasons
from app.services.studies.files import Picture, RefusedFile, Upload

# Sent instead of a task's name: the gate detects the task from the images.
DETECT = "detect"


class UnclearTask(RefusedFile):
    """The task was left to the gate, which finds none for this file, or another than for the first."""


def detecting(study: Study, pictures: Iterable[tuple[Upload, Picture]]) -> Iterator[Picture]:
    """The same pictures; the study's task is detected on the way. Raises UnclearTask, or RefusedUpload."""
    for upload, picture in pictures:
        assert picture.pixels is not None, "of an upload they are at hand"
        _agree(study, upload, _detected(upload, picture.pixels))
        yield picture


def _agree(study: Study, upload: Upload, task: models.Task) -> None:
    """The first image of a study gives it its task, the others have to be for the same."""
    if study.task == DETECT:
        if reason := unavailable_reasons().get(task.name):
            raise RefusedUpload(f"These look like images for {task.title}, which is not available now. {reason}", 503)
        study.task, study.task_detected = task.name, True
    elif study.task != task.name:
        first = models.get_task(study.task)
        raise UnclearTask(
            upload,
            f"It looks like an image for {task.title}, but the first image looks like one for {first.title}. "
            "Send them as two studies, or choose the task.",
        )


def _detected(upload: Upload, pixels: np.ndarray) -> models.Task:
    try:
        detection = models.detect_task(pixels)
    except models.NetworkUnavailable as error:
        raise RefusedUpload(f"The type of image cannot be detected now: choose the task. {error}", 503) from None
    if detection.task is None:
        assert detection.reason is not None, "there is one where there is no task"
        raise UnclearTask(upload, wording.reason_text(detection.reason))
    return detection.task
