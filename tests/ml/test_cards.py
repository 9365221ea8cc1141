"""The card beside each network: complete, true to its file; and what happens when card or file is not."""

import datetime
import json
import os
import re
import shutil
from pathlib import Path

import pytest

import models
from models import GateSet, Metric, NetworkId, NetworkUnavailable, deployment, runtime
from models.card_file import read_card, write_card
from models.modality import MODALITY_TASK
from models.runtime import file_sha256
from models.task import OperatingPoint
from models.tta import TTA_VIEWS
from tests.ml.networks import TASKS, every_network, every_registered_network, every_task, network_folder

BROKEN, SPARED = TASKS[0], TASKS[1:]


def facts_of(task: models.Task) -> dict:
    return json.loads((network_folder(task) / "card.json").read_text(encoding="utf-8"))


@every_registered_network
def test_a_card_describes_the_network_beside_it(task, network):
    found = read_card(task, network)
    assert NetworkId(found.task, found.network) == network
    assert found.sha256 == file_sha256(network.folder / "model.keras")
    assert re.fullmatch(r"\d+\.\d+\.\d+", found.version)
    assert datetime.date(2026, 1, 1) <= datetime.date.fromisoformat(found.created)
    assert min(found.spec.height, found.spec.width) >= 32
    assert found.spec.fit in ("stretch", "pad", "crop")


@every_registered_network
def test_a_card_that_is_read_and_written_is_the_same_file(task, network, tmp_path):
    write_card(tmp_path / "card.json", read_card(task, network))
    assert (tmp_path / "card.json").read_bytes() == network.card_path.read_bytes()


@every_registered_network
def test_labels_stand_in_the_order_of_the_task(task, network):
    trained = {key: fit.labels for key, fit in read_card(task, network).calibration.fits.items()}
    declared = {head.key: tuple(label.key for label in head.labels) for head in task.heads}
    assert list(trained.items()) == list(declared.items())


@every_registered_network
def test_every_head_is_calibrated(task, network):
    found = read_card(task, network)
    assert set(found.tta_views) <= set(TTA_VIEWS)
    for head in task.heads:
        own = found.heads[head.key]
        keys = [label.key for label in head.labels]
        assert 0.05 < own.temperature < 20
        assert set(own.operating_points) == set(OperatingPoint)
        for thresholds in (own.thresholds, *own.operating_points.values()):
            assert list(thresholds) == keys
            assert all(0 <= threshold < 1 for threshold in thresholds.values())


@every_registered_network
def test_a_label_that_must_not_be_missed_stays_possible_down_to_its_sensitive_threshold(task, network):
    found = read_card(task, network)
    for head in task.heads:
        own = found.heads[head.key]
        for label in head.labels:
            if label.operating_point is OperatingPoint.SENSITIVITY_95:
                assert own.thresholds[label.key] <= own.operating_points["sensitivity_95"][label.key]


@every_registered_network
def test_a_card_says_what_calibration_changed_and_on_how_many_images(task, network):
    card = read_card(task, network)
    for key, fit in card.calibration.fits.items():
        assert fit.n >= 10
        for errors in (fit.before, fit.after):
            assert 0 <= errors.ece <= 1 and 0 <= errors.brier <= 2 and 0 <= errors.nll <= 5
        # Fitted for images from elsewhere, it is less sure of those at home than they deserve.
        if not (card.elsewhere and key == task.primary):
            assert fit.after.nll <= fit.before.nll, "temperature 1 was better"
        else:
            assert card.heads[key].thresholds == card.elsewhere.decision.thresholds


@every_registered_network
def test_a_card_names_the_data_it_was_trained_on(task, network):
    names = read_card(task, network).trained_on
    assert names
    assert len(set(names)) == len(names)
    assert all(name.strip() for name in names)


def assert_measures(measures: tuple[models.Measure, ...]) -> None:
    assert measures
    for found in measures:
        assert found.metric.words[0].isupper()
        assert found.n >= 1
        assert 0 <= found.low <= found.value <= found.high <= 1, found


@every_network
def test_every_head_was_measured_on_the_test_split(task):
    found = read_card(task)
    assert found.metrics and found.metrics.split == "test", f"run: python -m models.training.evaluate {task.name}"
    for head in task.heads:
        assert_measures(found.measures(head.key))
        assert {Metric.ACCURACY, Metric.DECIDED} <= {one.metric for one in found.measures(head.key)}
        by_label = found.label_measures(head.key)
        assert list(by_label) == [label.key for label in head.labels]
        for measures in by_label.values():
            assert [one.metric for one in measures] == [Metric.SENSITIVITY, Metric.SPECIFICITY, Metric.AUC]
            assert_measures(measures)
        for name, measures in found.dataset_measures(head.key).items():
            assert name
            assert_measures(measures)


@every_network
def test_a_measure_has_one_place(task):
    for head in read_card(task).metrics.heads.values():
        for some in (head.overall, *head.datasets.values(), *head.sources.values()):
            for measures in (some.measures, *some.labels.values()):
                assert len({one.metric for one in measures}) == len(measures)


@every_task
def test_the_card_says_how_often_the_gate_refuses_images_of_the_task(task):
    refused = models.get_card(task).metrics.refused_by_gate
    assert refused, f"run: python -m models.training.evaluate {task.name}"
    assert_measures((refused,))


def test_the_gate_was_measured_for_every_task():
    gate = read_card(MODALITY_TASK).metrics.gate
    assert gate, "run: python -m models.training.evaluate modality"
    assert list(gate) == [task.name for task in TASKS]
    for rates in gate.values():
        assert list(rates) == list(GateSet)
        assert_measures(tuple(rates.values()))


@every_registered_network
def test_an_audit_is_of_the_network_beside_it(task, network):
    found = models.read_audit(task, network)
    if found:
        assert found.sha256 == read_card(task, network).sha256
        for probe in (found.source_classifier.overall, *found.source_classifier.labels.values()):
            assert_measures(probe.measures)


def test_an_unmeasured_card_has_no_measures(tmp_path, monkeypatch):
    facts = facts_of(BROKEN)
    facts.pop("metrics", None)
    write_facts(tmp_path, monkeypatch, facts)
    found = models.get_card(BROKEN)
    assert found.measures(BROKEN.primary) == ()
    assert found.label_measures(BROKEN.primary) == found.dataset_measures(BROKEN.primary) == {}
    assert found.target_measure(BROKEN, BROKEN.targets[0]) is None


def write_facts(folder: Path, monkeypatch, facts: dict, task: models.Task = BROKEN) -> None:
    """Make `facts` the card of `task`, in a weights folder that holds nothing else."""
    path = folder / "models" / "weights" / task.name / task.default_network / "card.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(facts), encoding="utf-8")
    monkeypatch.setattr(deployment, "WEIGHTS", folder / "models" / "weights")


@pytest.fixture
def weights(tmp_path, monkeypatch, own_networks) -> Path:
    """A weights folder in which BROKEN's files may be changed; the other networks are the real ones."""
    copy = tmp_path / "models" / "weights"
    copy.mkdir(parents=True)
    for folder in deployment.WEIGHTS.iterdir():
        if folder.name == BROKEN.name:
            shutil.copytree(folder, copy / folder.name)
        else:
            (copy / folder.name).symlink_to(folder)
    monkeypatch.setattr(deployment, "WEIGHTS", copy)
    return copy


def edit_card(folder: Path, change) -> None:
    facts = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    change(facts)
    (folder / "card.json").write_text(json.dumps(facts), encoding="utf-8")


def edit_head(folder: Path, change) -> None:
    """Change the calibration of BROKEN's primary head."""
    edit_card(folder, lambda facts: change(facts["calibration"]["heads"][BROKEN.primary]))


def edit_fit(folder: Path, change) -> None:
    """Change what the card tells of how that came about."""
    edit_card(folder, lambda facts: change(facts["calibration"]["fits"][BROKEN.primary]))


def change_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


DAMAGES = {
    "no folder": shutil.rmtree,
    "no card": lambda folder: (folder / "card.json").unlink(),
    "no network": lambda folder: (folder / "model.keras").unlink(),
    "no graph": lambda folder: (folder / "graph.tflite").unlink(),
    "no graph facts": lambda folder: (folder / "graph.json").unlink(),
    "card is no JSON": lambda folder: (folder / "card.json").write_text('{"schema": 1', encoding="utf-8"),
    "card is no text": lambda folder: (folder / "card.json").write_bytes(b"\xff\xfe\x00\x9f"),
    "card is a list": lambda folder: (folder / "card.json").write_text("[]", encoding="utf-8"),
    "card of another schema": lambda folder: edit_card(folder, lambda facts: facts.update(schema=99)),
    "card without calibration": lambda folder: edit_card(folder, lambda facts: facts.pop("calibration")),
    "calibration of no heads": lambda folder: edit_card(folder, lambda facts: facts["calibration"].update(heads=[])),
    "calibration of another network": lambda folder: edit_card(
        folder, lambda facts: facts["calibration"].update(sha256="0" * 64)
    ),
    "an unknown view": lambda folder: edit_card(folder, lambda facts: facts.update(tta_views=["inside out"])),
    "no view": lambda folder: edit_card(folder, lambda facts: facts.update(tta_views=[])),
    "images that were not counted": lambda folder: edit_card(
        folder, lambda facts: facts["training"]["data"][0].pop("train_images")
    ),
    "a measure without interval": lambda folder: edit_card(
        folder, lambda facts: facts["metrics"]["heads"][BROKEN.primary]["overall"]["measures"][0].pop("low")
    ),
    "a measure of an unknown metric": lambda folder: edit_card(
        folder, lambda facts: facts["metrics"]["heads"][BROKEN.primary]["overall"]["measures"][0].update(metric="luck")
    ),
    "a field that is not known": lambda folder: edit_card(folder, lambda facts: facts.update(colour="blue")),
    "a version that is a number": lambda folder: edit_card(folder, lambda facts: facts.update(version=1.0)),
    "a size that is true": lambda folder: edit_card(folder, lambda facts: facts["spec"].update(height=True)),
    "an unknown way to fit": lambda folder: edit_card(folder, lambda facts: facts["spec"].update(fit="squash")),
    "another head": lambda folder: edit_card(
        folder, lambda facts: facts["calibration"]["heads"].update(other=facts["calibration"]["heads"].popitem()[1])
    ),
    "no temperature": lambda folder: edit_head(folder, lambda head: head.pop("temperature")),
    "temperature 0": lambda folder: edit_head(folder, lambda head: head.update(temperature=0.0)),
    "labels in another order": lambda folder: edit_fit(folder, lambda fit: fit["labels"].reverse()),
    "one label fewer": lambda folder: edit_fit(folder, lambda fit: fit["labels"].pop()),
    "one threshold fewer": lambda folder: edit_head(folder, lambda head: head["thresholds"].popitem()),
    "a threshold in percent": lambda folder: edit_head(folder, lambda head: head["thresholds"].update(burn=90)),
    "no operating points": lambda folder: edit_head(folder, lambda head: head.pop("operating_points")),
    "one operating point fewer": lambda folder: edit_head(
        folder, lambda head: head["operating_points"].pop("sensitivity_95")
    ),
    "an operating point lacks a label": lambda folder: edit_head(
        folder, lambda head: head["operating_points"]["balanced"].popitem()
    ),
    "another hash": lambda folder: edit_card(
        folder, lambda facts: (facts.update(sha256="0" * 64), facts["calibration"].update(sha256="0" * 64))
    ),
    "network changed by one bit": lambda folder: change_byte(folder / "model.keras"),
    "graph changed by one bit": lambda folder: change_byte(folder / "graph.tflite"),
    "no reference features": lambda folder: (folder / "features.npz").unlink(),
    "reference features changed by one bit": lambda folder: change_byte(folder / "features.npz"),
    "network cut short": lambda folder: os.truncate(folder / "model.keras", 1000),
    "graph cut short": lambda folder: os.truncate(folder / "graph.tflite", 1000),
    "graph facts are no JSON": lambda folder: (folder / "graph.json").write_text("}", encoding="utf-8"),
    "graph of another network": lambda folder: (folder / "graph.json").write_text(
        json.dumps({"model_sha256": "0" * 64, "graph_sha256": file_sha256(folder / "graph.tflite")}), encoding="utf-8"
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_network_says_so_and_the_others_work(weights, damage):
    DAMAGES[damage](weights / BROKEN.name / BROKEN.default_network)
    with pytest.raises(NetworkUnavailable) as caught:
        runtime.get_network(BROKEN)
    assert re.fullmatch(r"[^\n]{20,250}\.", str(caught.value)), str(caught.value)
    assert BROKEN.title in str(caught.value)
    status = models.network_status()
    assert status[BROKEN.name] == str(caught.value)
    assert not any(status[task.name] for task in SPARED), status


def test_what_is_wrong_in_a_card_is_named_with_its_place(weights):
    measures = f"metrics.heads.{BROKEN.primary}.overall.measures[0]"
    DAMAGES["a measure without interval"](weights / BROKEN.name / BROKEN.default_network)
    with pytest.raises(NetworkUnavailable, match=re.escape(f"is damaged ({measures}.low is missing).")):
        models.get_card(BROKEN)


def test_a_calibration_of_another_network_is_named_with_its_remedy(weights):
    DAMAGES["calibration of another network"](weights / BROKEN.name / BROKEN.default_network)
    with pytest.raises(NetworkUnavailable, match=r"calibration of another network.*models\.training\.calibrate"):
        models.get_card(BROKEN)


def test_a_band_that_would_rule_out_the_likelier_of_two_answers_is_refused(tmp_path, monkeypatch):
    """From 0.5 on a label is the likelier one of two: with a higher threshold the set could be empty."""
    task = models.get_task("fracture")
    facts = facts_of(task)
    thresholds = facts["calibration"]["heads"]["fractured"]["thresholds"]
    for threshold, is_fit in ((0.5, True), (0.51, False)):
        thresholds["normal"] = threshold
        write_facts(tmp_path / str(is_fit), monkeypatch, facts, task)
        if is_fit:
            assert models.get_card(task).heads["fractured"].thresholds["normal"] == threshold
        else:
            with pytest.raises(NetworkUnavailable, match="likelier"):
                models.get_card(task)


def test_a_network_that_was_mended_is_loaded_without_a_restart(weights):
    path = weights / BROKEN.name / BROKEN.default_network / "graph.tflite"
    graph = path.read_bytes()
    path.unlink()
    assert models.network_status()[BROKEN.name]
    path.write_bytes(graph)
    assert not models.network_status()[BROKEN.name]


def test_two_networks_of_one_task_are_kept_apart(weights):
    own, other = weights / BROKEN.name / BROKEN.default_network, weights / BROKEN.name / "other"
    shutil.copytree(own, other)
    edit_card(other, lambda facts: facts.update(network="other"))
    assert models.registered_networks(BROKEN) == tuple(sorted((BROKEN.default_network, "other")))
    for name in (BROKEN.default_network, "other"):
        assert runtime.get_network(BROKEN, NetworkId(BROKEN.name, name)).card.network == name


def test_without_its_gate_no_task_answers(weights):
    (weights / MODALITY_TASK.name).unlink()
    status = models.network_status()
    assert all(MODALITY_TASK.title in reason for reason in status.values()), status
