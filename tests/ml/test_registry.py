"""The tasks that are declared: what every one of them must say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import models
from models import Modality, NetworkId, deployment
from models.modality import MODALITY_TASK
from models.training.recipes import training_task

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
        # `decide` reads the answer that a head is conditioned on before the specialists' own.
        assert head.conditioned_on is None or head.conditioned_on in keys[:position]
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


# Which network serves


@every_task
def test_the_network_that_a_task_declares_is_registered(task):
    assert task.default_network in models.registered_networks(task)


def test_registered_are_the_networks_that_have_a_card(tmp_path, monkeypatch):
    monkeypatch.setattr(deployment, "WEIGHTS", tmp_path)
    task = models.get_task("chest")
    assert models.registered_networks(task) == ()
    for name in ("resnet50", "cnn", "only_tuned"):
        (tmp_path / "chest" / name).mkdir(parents=True)
    for path in ("resnet50/card.json", "cnn/card.json", "only_tuned/tuning.json", "card.json"):
        (tmp_path / "chest" / path).touch()
    assert models.registered_networks(task) == ("cnn", "resnet50")


def test_the_environment_chooses_which_network_serves(choose_networks):
    choose_networks("")
    declared = models.current_deployment()
    assert declared.networks == {
        task.name: NetworkId(task.name, task.default_network) for task in (*TASKS, MODALITY_TASK)
    }
    choose_networks(" chest=cnn  brain=cnn ")
    chosen = {name: NetworkId(name, "cnn") for name in ("chest", "brain")}
    assert models.current_deployment().networks == declared.networks | chosen
    assert models.current_deployment().network_of(models.get_task("chest")) == NetworkId("chest", "cnn")
    assert models.get_task("chest").default_network == "mobilenet_v2", "a choice changes no declaration"


def test_a_deployment_cannot_be_changed():
    with pytest.raises(TypeError):
        models.current_deployment().networks["chest"] = NetworkId("chest", "cnn")


def test_a_task_that_is_only_trained_has_the_network_that_it_declares():
    task = training_task("xray")
    assert models.current_deployment().network_of(task) == NetworkId("xray", task.default_network)


@pytest.mark.parametrize(
    "words",
    [
        "chest", "chest=", "=cnn", "chest = cnn", "chest:cnn", "liver=cnn", "chest=resnet50", "chest=../brain/cnn",
        "chest=cnn,brain=cnn", "modality=mobilenet_v2",
    ],
)  # fmt: skip
def test_a_choice_of_what_is_not_registered_names_what_is(words, choose_networks):
    choose_networks(f"brain=cnn {words}")
    with pytest.raises(models.UnfitChoice) as caught:
        models.current_deployment()
    message = str(caught.value)
    assert message.startswith(f"LUMEN_NETWORKS holds {words.split()[0]!r}.")
    assert all(f"{task.name}={name}" in message for task in TASKS for name in ("cnn", "mobilenet_v2"))


@pytest.mark.parametrize("words", ["chest=cnn brain=cnn chest=mobilenet_v2", "chest=cnn chest=cnn"])
def test_only_one_network_is_chosen_for_a_task(words, choose_networks):
    choose_networks(words)
    with pytest.raises(models.UnfitChoice, match="twice"):
        models.current_deployment()


def test_a_command_ends_with_what_is_registered():
    done = subprocess.run(
        [sys.executable, "-m", "models.training.compile"],
        cwd=Path(__file__).parents[2], env=os.environ | {"LUMEN_NETWORKS": "liver=cnn"}, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("LUMEN_NETWORKS holds 'liver=cnn'.") and done.stderr.count("\n") == 1
