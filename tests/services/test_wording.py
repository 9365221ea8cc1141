"""Reasons as sentences: every code has one, made from keys and numbers."""

import json

import numpy as np
import pytest

import models
from app import wording
from models import Quality, Reason, ReasonCode, RightingCode
from models.decision import decide_head
from tests.fakes import QUALITY
from tests.ml.files import assert_sentence

CHEST, SKIN = models.get_task("chest"), models.get_task("skin_lesion")
BAND = {"head": "fractured", "label": "fractured", "probability": 0.451, "low": 0.125, "high": 0.64}
KEPT = {
    "head": "chest", "labels": ["normal"],
    "not_excluded": ["tuberculosis"], "probabilities": [0.09], "thresholds": [0.0565],
}  # fmt: skip
VALUES = {
    ReasonCode.HEADER_MODALITY: {"expected": "chest_xray", "modality": "CT"},
    ReasonCode.HEADER_BODY_PART: {"expected": "chest_xray", "body_part": "HAND"},
    ReasonCode.LATERAL_VIEW: {"view_position": "LL"},
    ReasonCode.TOO_SMALL: {"width": 60, "height": 40, "fewest": 5625},
    ReasonCode.OTHER_MODALITY: {"expected": "chest_xray", "seen": "brain_mri", "task": "brain"},
    ReasonCode.UNEXPECTED_MODALITY: {"expected": "chest_xray"},
    ReasonCode.TURNED: {"turned": "upside_down"},
    ReasonCode.TWO_PICTURES: {"layout": "beside"},
    ReasonCode.SEVERAL_TASKS: {"tasks": ["chest", "brain"]},
    ReasonCode.ONE_LABEL: {"head": "chest", "label": "pneumonia"},
    ReasonCode.BETWEEN_THRESHOLDS: BAND,
    ReasonCode.SEVERAL_LABELS: {"head": "chest", "labels": ["pneumonia", "normal"]},
    ReasonCode.NOT_EXCLUDED: KEPT,
}


@pytest.mark.parametrize("code", ReasonCode)
def test_every_code_is_said_in_sentences_without_keys(code):
    words = wording.reason_text(Reason(code, VALUES.get(code, {"measured": 0.1, "limit": 0.7})), CHEST)
    assert_sentence(words)
    assert "_" not in words
    assert "{" not in words


@pytest.mark.parametrize("code", RightingCode)
def test_every_righting_is_said_in_a_sentence(code):
    words = wording.righted_text(code, {"kept": 0.724})
    assert_sentence(words)
    assert ("72 %" in words) == (code != RightingCode.INVERTED_BACK)


def test_a_righting_of_another_version_is_not_said():
    assert wording.righted_text("polished", {}) == ""


def test_the_quality_is_said_with_its_weakest_part():
    assert wording.quality_text(Quality(QUALITY)) == "Image quality 71 of 100; weakest: sharpness (54)"


@pytest.mark.parametrize(
    ("reason", "task", "words"),
    [
        (
            Reason("too_small", {"width": 60, "height": 40, "fewest": 5625}),
            None,
            "The image is too small to assess: 60 × 40 pixels. Send it in full size, not a preview.",
        ),
        (
            Reason("other_modality", {"expected": "chest_xray", "seen": "brain_mri", "task": "brain"}),
            None,
            "This looks like a brain MRI, not a chest X-ray. The task Brain MRI reads such images.",
        ),
        (
            Reason("header_modality", {"expected": "brain_mri", "modality": "CT"}),
            None,
            "The file's header says that this is a CT, not a brain MRI. Check the image and the task.",
        ),
        (
            Reason("lateral_view", {"view_position": "LL"}),
            None,
            "The file's header says that this is a lateral view (left lateral). The network learned from frontal chest "
            "radiographs only: send the frontal view.",
        ),
        (
            Reason("turned", {"turned": "left"}),
            None,
            "The image is turned a quarter to the left. Send it upright: the network learned from upright images.",
        ),
        (
            Reason("two_pictures", {"layout": "above"}),
            None,
            "This seems to be two pictures in one, above each other. Send each by itself.",
        ),
        (
            Reason("several_tasks", {"tasks": ["chest", "brain"]}),
            None,
            "Several tasks read this type of image. Choose Chest X-ray or Brain MRI.",
        ),
        (
            Reason("between_thresholds", BAND),
            models.get_task("fracture"),
            "The probability of “fractured” is 0.45. Between 0.12 and 0.64 the network does not decide.",
        ),
        (
            Reason("several_labels", {"head": "lesion", "labels": ["nv", "akiec", "bcc"]}),
            SKIN,
            "The network cannot choose between melanocytic nevus, actinic keratosis or Bowen's disease and basal cell "
            "carcinoma.",
        ),
        (
            Reason("not_excluded", KEPT),
            CHEST,
            "Possible: no sign of either; not excluded: tuberculosis (0.09; rule-out threshold 0.06).",
        ),
        (
            Reason("several_labels", {"head": "past", "labels": ["old_label", "other"]}),
            None,
            "The network cannot choose between old label and other.",
        ),
    ],
)
def test_reasons_are_said_with_the_names_of_what_they_are_about(reason, task, words):
    assert wording.reason_text(reason, task) == words


@pytest.mark.parametrize("task", models.all_tasks(), ids=lambda task: task.name)
def test_whatever_a_network_answers_can_be_said(task):
    rng = np.random.default_rng(2)
    for head in task.heads:
        fitted = models.get_card(task).heads[head.key]
        for probabilities in rng.dirichlet(np.full(len(head.labels), 0.3), 60):
            found = decide_head(head, probabilities, fitted.thresholds, fitted.operating_points["balanced"])
            assert json.loads(json.dumps(found.reason.values)) == found.reason.values
            words = wording.reason_text(found.reason, task)
            assert words[0].isupper()
            assert words.endswith(".")


def test_an_unknown_code_is_an_error_and_not_a_guess():
    with pytest.raises(KeyError):
        wording.reason_text(Reason("of_a_later_version"))
