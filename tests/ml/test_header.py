"""Headers held against tasks: what contradicts refuses, before any network is asked; what is unknown does not."""

import pytest

import models
from models import Header, ReasonCode
from models.header import PARTS, TYPES, check_header
from models.inference import predict
from models.modality import MODALITY_TASK
from tests.ml.files import scene

TASKS = {task.name: task for task in models.all_tasks()}


@pytest.mark.parametrize(
    ("task", "header", "code"),
    [
        ("chest", Header("DX", "CHEST", "PA"), None),
        ("chest", Header("CR", "", ""), None),
        ("chest", Header("", "", ""), None),
        ("chest", Header("OT", "MIDDLE EARTH", "SIDEWAYS"), None),
        ("chest", Header("SC", "", ""), None),
        ("chest", Header("CT", "CHEST", ""), ReasonCode.HEADER_MODALITY),
        ("chest", Header("MG", "BREAST", ""), ReasonCode.HEADER_MODALITY),
        ("chest", Header("DX", "HAND", ""), ReasonCode.HEADER_BODY_PART),
        ("chest", Header("DX", "C SPINE", ""), ReasonCode.HEADER_BODY_PART),
        ("chest", Header("DX", "CHEST", "LL"), ReasonCode.LATERAL_VIEW),
        ("fracture", Header("DX", "HAND", "LL"), None),
        ("fracture", Header("DX", "CHEST", ""), ReasonCode.HEADER_BODY_PART),
        ("fracture", Header("MR", "KNEE", ""), ReasonCode.HEADER_MODALITY),
        ("brain", Header("MR", "BRAIN", ""), None),
        ("brain", Header("CT", "HEAD", ""), ReasonCode.HEADER_MODALITY),
        ("brain", Header("MR", "KNEE", ""), ReasonCode.HEADER_BODY_PART),
        ("injury", Header("XC", "HAND", ""), None),
        ("skin_lesion", Header("DMS", "", ""), None),
        ("injury", Header("DX", "HAND", ""), ReasonCode.HEADER_MODALITY),
    ],
)
def test_only_what_contradicts_the_task_refuses(task, header, code):
    reason, _ = check_header(TASKS[task], header)
    assert (reason.code if reason else None) == code


@pytest.mark.parametrize(
    ("task", "modality", "suggested"),
    [("chest", "MR", "brain"), ("brain", "DX", ""), ("brain", "DMS", "skin_lesion"), ("chest", "CT", "")],
)
def test_the_one_task_that_reads_such_images_is_offered(task, modality, suggested):
    assert check_header(TASKS[task], Header(modality))[1] == suggested


def test_the_lists_speak_of_types_that_there_are_and_of_each_part_once():
    kinds = {label.key for label in MODALITY_TASK.labels}
    assert all(kind in kinds for types in TYPES.values() for kind in types)
    parts = [part for codes in PARTS.values() for part in codes]
    assert len(parts) == len(set(parts))


def test_no_pixel_is_looked_at_when_the_header_says_no(monkeypatch):
    def gate(*_):
        raise AssertionError("the gate was asked")

    monkeypatch.setattr("models.inference.pass_gate", gate)
    found = predict(TASKS["chest"], scene(200, 200), Header("CT"))
    assert found.outcome is models.Outcome.NOT_ASSESSED
    assert found.reason.code == ReasonCode.HEADER_MODALITY
    assert found.heads == ()
    with pytest.raises(AssertionError, match="the gate was asked"):
        predict(TASKS["chest"], scene(200, 200), Header("DX", "CHEST", "PA"))
