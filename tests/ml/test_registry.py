"""The tasks that are declared: what every one of them must say."""

import pytest

import models
from models import Modality
from models.gate import MODALITY_TASK

TASKS = models.all_tasks()
every_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)


def test_the_five_tasks_are_offered_in_this_order():
    assert [task.name for task in TASKS][:5] == ["injury", "skin_lesion", "fracture", "chest", "brain"]


def test_names_and_titles_are_unique():
    for names in ([task.name for task in TASKS], [task.title for task in TASKS]):
        assert len(set(names)) == len(names)
    assert MODALITY_TASK.name not in {task.name for task in TASKS}


@every_task
def test_a_task_is_found_by_its_name(task):
    assert models.get_task(task.name) is task


@pytest.mark.parametrize("name", ["", "Chest", "modality", "../chest", "liver"])
def test_an_unknown_name_names_those_that_exist(name):
    with pytest.raises(models.UnknownTask) as caught:
        models.get_task(name)
    for task in TASKS:
        assert task.name in str(caught.value)


@every_task
def test_a_task_tells_a_user_what_it_is_for(task):
    assert task.question.endswith("?")
    assert task.title[0].isupper()
    assert len(task.image_kind) > 15
    assert task.intended_use.endswith(".")
    assert len(task.limitations) >= 3
    assert all(limit.endswith(".") for limit in task.limitations)
    assert task.modality is not Modality.NOT_MEDICAL


@every_task
def test_heads_and_labels_are_well_formed(task):
    keys = [head.key for head in task.heads]
    assert len(set(keys)) == len(keys)
    assert task.primary in keys
    assert task.head(task.primary).asked_if is None, "the primary question is always asked"
    for position, head in enumerate(task.heads):
        for names in ([label.key for label in head.labels], [label.name for label in head.labels]):
            assert len(set(names)) == len(names) >= 2
        # `decide` reads the given head's answer before the specialists' own.
        assert head.given is None or head.given in keys[:position]
        if head.asked_if:
            asked, label = head.asked_if
            assert task.head(asked).asked_if is None
            assert task.head(asked).label(label)


@every_task
def test_the_primary_head_can_find_something(task):
    assert task.labels == task.head(task.primary).labels
    assert any(label.is_finding for label in task.labels)


@every_task
def test_what_is_not_declared_is_a_key_error(task):
    with pytest.raises(KeyError, match=task.name):
        task.head("no such head")
    with pytest.raises(KeyError, match=task.primary):
        task.head(task.primary).label("no such label")
    for head in task.heads:
        for label in head.labels:
            assert task.head(head.key).label(label.key) is label


def test_the_gate_knows_every_modality():
    assert [label.key for label in MODALITY_TASK.labels] == list(Modality)
    assert {task.modality for task in TASKS} <= set(Modality)
