"""Which pictures a task looks at, by the real gate; the words of its refusals; and the task that it finds by itself."""

import dataclasses
import functools

import cv2
import numpy as np
import pytest

import models
from models import Modality, Outcome, Reason, ReasonCode, gate
from models.gate import check_quality, choose_task, judge_modality
from models.inference import pass_gate
from models.modality import MODALITY_TASK
from models.training.manifest import read_upload
from tests.ml.labelled import needs_labelled_images, sample
from tests.ml.networks import TASKS, every_task

OWN_SAMPLE, OTHER_SAMPLE = 80, 16
MAY_REFUSE_OWN, MUST_REFUSE_OTHERS, MUST_BE_GOOD = 0.05, 0.95, 0.99
NAMES = {label.key: label.name for label in MODALITY_TASK.labels}


def checker(size: int) -> np.ndarray:
    odd = np.add.outer(np.arange(256) // size, np.arange(256) // size) % 2
    return np.repeat((odd * 255).astype(np.uint8)[..., None], 3, axis=2)


def gradient(axis: int) -> np.ndarray:
    ramp = np.linspace(0, 255, 256).astype(np.uint8)
    lying = np.broadcast_to(ramp if axis else ramp[:, None], (256, 256))
    return np.repeat(lying[..., None], 3, axis=2)


def text_page() -> np.ndarray:
    page = np.full((400, 300, 3), 255, np.uint8)
    for line, y in enumerate(range(24, 390, 18)):
        words = f"{line}. The quick brown fox jumps over it"
        cv2.putText(page, words, (12, y), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (20, 20, 20), 1, cv2.LINE_AA)
    return page


def noise(spread: float) -> np.ndarray:
    grain = np.random.default_rng(5).normal(128, spread, (256, 256, 3))
    return np.clip(grain, 0, 255).astype(np.uint8)


PICTURES = {
    "black": np.zeros((256, 256, 3), np.uint8),
    "white": np.full((256, 256, 3), 255, np.uint8),
    "grey": np.full((300, 200, 3), 128, np.uint8),
    "nearly black": noise(3) // 64,
    "noise": noise(60),
    "strong noise": noise(120),
    "fine checker": checker(8),
    "coarse checker": checker(32),
    "page of text": text_page(),
    "gradient down": gradient(0),
    "gradient across": gradient(1),
}


@every_task
@pytest.mark.parametrize("name", PICTURES)
def test_pictures_without_a_patient_are_refused(task, name):
    verdict = pass_gate(task, PICTURES[name])
    assert not verdict.passed
    assert verdict.reason.code in ReasonCode.__members__.values()


@every_task
def test_a_refused_picture_is_given_no_probability(task):
    found = models.predict(task, PICTURES["noise"])
    assert found.outcome is Outcome.NOT_ASSESSED
    assert found.reason == pass_gate(task, PICTURES["noise"]).reason
    assert found.heads == ()
    assert (found.saliencies, found.primary, found.lead) == ({}, None, None)


@pytest.mark.parametrize("name", ["black", "white", "grey", "nearly black"])
def test_blank_pictures_are_refused_as_blank(name):
    assert check_quality(PICTURES[name]).reason.code == "blank"


def textured(height: int = 240, width: int = 320) -> np.ndarray:
    """Squares of all greys, sharp: what no test of quality minds."""
    small = np.random.default_rng(3).integers(0, 256, (height // 8, width // 8, 1), dtype=np.uint8)
    return cv2.resize(np.repeat(small, 3, axis=2), (width, height), interpolation=cv2.INTER_NEAREST)


BAD = {
    "too_small": textured(72, 76),
    "too_dark": textured() // 13,
    "overexposed": 255 - textured() // 5,
    "blurred": cv2.GaussianBlur(textured(), (0, 0), 12),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_picture_is_refused_by_its_fault(fault):
    reason = check_quality(BAD[fault]).reason
    assert reason.code == fault
    expected = {"width": 76, "height": 72, "fewest": 75 * 75} if fault == "too_small" else reason.values
    assert reason.values == expected


@pytest.mark.parametrize(("fault", "is_above"), [("too_dark", False), ("overexposed", True), ("blurred", False)])
def test_a_refusal_says_what_was_measured_and_the_limit(fault, is_above):
    values = check_quality(BAD[fault]).reason.values
    assert set(values) == {"measured", "limit"}
    assert (values["measured"] > values["limit"]) is is_above


@pytest.mark.parametrize("shape", [(76, 76), (60, 240), (6_000, 800)])
def test_a_good_picture_passes_at_any_size(shape):
    assert check_quality(textured(*shape)).passed


def test_a_pale_picture_is_not_taken_for_a_blurred_one():
    assert check_quality((128 + (textured().astype(int) - 128) // 4).astype(np.uint8)).passed


def judged(task: models.Task, likely: str, share: float, threshold: float = 0.3):
    rest = (1 - share) / (len(NAMES) - 1)
    probabilities = {key: share if key == likely else rest for key in NAMES}
    return judge_modality(task, probabilities, dict.fromkeys(NAMES, threshold))


@every_task
def test_the_right_kind_passes_and_a_doubtful_one_does_not(task):
    assert judged(task, task.modality, 0.9).passed
    assert judged(task, task.modality, 0.3, 0.3).passed
    doubtful = judged(task, task.modality, 0.4, 0.5).reason
    assert doubtful == Reason(ReasonCode.UNEXPECTED_MODALITY, {"expected": task.modality})


@every_task
def test_the_right_kind_must_also_be_the_likeliest(task):
    other = next(key for key in NAMES if key != task.modality)
    probabilities = dict.fromkeys(NAMES, 0.0) | {task.modality: 0.45, other: 0.55}
    assert not judge_modality(task, probabilities, dict.fromkeys(NAMES, 0.1)).passed


@every_task
def test_a_refusal_offers_the_task_that_reads_the_picture(task):
    for other in TASKS:
        if other.modality == task.modality:
            continue
        verdict = judged(task, other.modality, 0.9)
        assert verdict.suggested == other.name
        values = {"expected": task.modality, "seen": other.modality, "task": other.name}
        assert verdict.reason == Reason(ReasonCode.OTHER_MODALITY, values)


@every_task
def test_a_refusal_offers_nothing_where_no_task_fits_or_the_kind_is_unsure(task):
    other = next(one for one in TASKS if one.modality != task.modality)
    for verdict in (judged(task, Modality.NOT_MEDICAL, 0.9), judged(task, other.modality, 0.4, threshold=0.5)):
        assert verdict.suggested == ""
        assert verdict.reason.code == ReasonCode.UNEXPECTED_MODALITY


def chosen(likely: str, share: float) -> models.Detection:
    probabilities = dict.fromkeys(NAMES, (1 - share) / (len(NAMES) - 1)) | {likely: share}
    return choose_task(probabilities, dict.fromkeys(NAMES, 0.5))


@every_task
def test_a_picture_without_a_task_goes_to_the_one_that_reads_it(task):
    assert chosen(task.modality, 0.9) == models.Detection(task)


@pytest.mark.parametrize(
    ("likely", "share", "code"),
    [(Modality.NOT_MEDICAL, 0.9, ReasonCode.NO_TASK), (Modality.CHEST_XRAY, 0.4, ReasonCode.UNCLEAR_MODALITY)],
)
def test_a_picture_of_no_sure_kind_goes_to_none_with_a_reason(likely, share, code):
    assert chosen(likely, share) == models.Detection(None, Reason(code))


def test_the_user_chooses_between_tasks_that_read_the_same_kind(monkeypatch):
    second = dataclasses.replace(TASKS[0], name="second", title="Second reading")
    monkeypatch.setattr(gate, "all_tasks", lambda: (*TASKS, second))
    found = chosen(second.modality, 0.9)
    expected = Reason(ReasonCode.SEVERAL_TASKS, {"tasks": [TASKS[0].name, "second"]})
    assert found == models.Detection(None, expected)


@pytest.mark.parametrize("name", PICTURES)
def test_no_task_is_found_for_pictures_without_a_patient(name):
    found = models.detect_task(PICTURES[name])
    assert found.task is None
    assert found.reason.code in ReasonCode.__members__.values()


@functools.cache
def pictures_of(modality: str, count: int) -> list[np.ndarray]:
    target = [label.key for label in MODALITY_TASK.labels].index(modality)
    return [read_upload(example) for example in sample(MODALITY_TASK, "test", count, target=target)]


def refused_share(task: models.Task, modality: str, count: int) -> float:
    return float(np.mean([not pass_gate(task, pixels).passed for pixels in pictures_of(modality, count)]))


@pytest.mark.slow
@needs_labelled_images
@every_task
def test_images_of_the_right_kind_pass(task):
    assert refused_share(task, task.modality, OWN_SAMPLE) <= MAY_REFUSE_OWN


@pytest.mark.slow
@needs_labelled_images
@every_task
def test_images_of_other_kinds_are_refused(task):
    shares = {key: refused_share(task, key, OTHER_SAMPLE) for key in NAMES if key != task.modality}
    assert np.mean(list(shares.values())) >= MUST_REFUSE_OTHERS, shares


@pytest.mark.slow
@needs_labelled_images
@every_task
def test_the_task_of_a_right_image_is_found(task):
    found = [models.detect_task(pixels).task for pixels in pictures_of(task.modality, OWN_SAMPLE)]
    assert np.mean([one == task for one in found]) >= 1 - MAY_REFUSE_OWN


@needs_labelled_images
@every_task
def test_right_images_are_of_good_quality(task):
    pictures = [read_upload(example) for example in sample(task, "val", 200)]
    assert np.mean([check_quality(pixels).passed for pixels in pictures]) >= MUST_BE_GOOD


def test_every_modality_of_a_task_is_one_that_the_gate_can_refuse():
    assert {task.modality for task in TASKS} <= set(NAMES)
