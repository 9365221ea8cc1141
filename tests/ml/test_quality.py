"""The quality score: what lowers which part, and what the whole comes to."""

import cv2
import numpy as np
import pytest

import models
from models import Quality, QualityPart
from models.quality import LIMITS, measure_picture, rate_quality, read_anchors
from models.righting import Righted, trim
from tests.ml.files import noise
from tests.ml.networks import TASKS, every_task

CHEST = models.get_task("chest")


def picture(side: int = 300) -> np.ndarray:
    """Blots of all greys, up to the edges."""
    small = np.random.default_rng(3).integers(0, 256, (side // 10, side // 10, 1), dtype=np.uint8)
    return cv2.resize(np.repeat(small, 3, axis=2), (side, side), interpolation=cv2.INTER_LINEAR)


def parts(pixels: np.ndarray, distance: float | None = 0.2, task: models.Task = CHEST, **changes) -> dict:
    righted = trim(pixels)
    options = {"shown": pixels.shape[:2], "read_side": 224, "distance": distance} | changes
    return dict(rate_quality(task, righted, **options).parts)


CHANGES = {
    QualityPart.SHARPNESS: lambda pixels, step: cv2.GaussianBlur(pixels, (0, 0), 0.5 + step),
    QualityPart.EXPOSURE: lambda pixels, step: pixels // (2 + step),
    QualityPart.FRAMING: lambda pixels, step: cv2.copyMakeBorder(
        pixels, *(20 * (1 + step),) * 4, cv2.BORDER_CONSTANT, value=(0, 0, 0)
    ),
    QualityPart.SIZE: lambda pixels, step: cv2.resize(pixels, (200 - 20 * step,) * 2),
}


@pytest.mark.parametrize("part", CHANGES)
def test_the_worse_in_one_respect_the_lower_that_part(part):
    scores = [parts(CHANGES[part](picture(), step))[part] for step in range(6)]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] < scores[0] <= 100
    assert min(scores) >= 0


def test_the_farther_from_the_training_images_the_lower_the_likeness():
    scores = [parts(picture(), distance)[QualityPart.LIKENESS] for distance in (0.01, 0.6, 0.8, 0.95, 1.0, 3.0)]
    assert scores == sorted(scores, reverse=True)
    assert (scores[0], scores[-1]) == (100, 0)


def test_without_a_network_there_is_no_likeness():
    assert QualityPart.LIKENESS not in parts(picture(), distance=None)


@every_task
def test_each_measurement_scores_nothing_at_the_limit_of_the_gate_and_all_at_the_median(task):
    for name, (fair, good) in read_anchors()[task.name].items():
        assert (LIMITS[name] - fair) * (fair - good) >= 0, (name, fair, good)
    assert set(read_anchors()[task.name]) == set(LIMITS)


def test_the_score_lies_between_the_mean_and_the_lowest():
    scores = {QualityPart.SHARPNESS: 20, QualityPart.EXPOSURE: 100, QualityPart.SIZE: 90}
    assert Quality(scores).score == 45
    assert Quality(dict.fromkeys(QualityPart, 100)).score == 100
    assert Quality(dict.fromkeys(QualityPart, 0)).score == 0


def test_a_task_without_anchors_has_no_score(monkeypatch):
    monkeypatch.setattr("models.quality.read_anchors", dict)
    assert rate_quality(CHEST, Righted(picture()), shown=(300, 300), read_side=224, distance=0.5) is None


def test_what_is_measured_is_of_the_gate():
    measured = measure_picture(Righted(picture()))
    assert set(measured) == set(LIMITS) - {"likeness"}
    assert measured["framing"] == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("name", ["noise", "black"])
def test_every_answer_has_it(name):
    pixels = noise(200, 200) if name == "noise" else np.zeros((200, 200, 3), np.uint8)
    for task in TASKS:
        quality = models.predict(task, pixels).quality
        assert quality is not None
        assert 0 <= quality.score <= 100
