"""The distance test of the gate: its arithmetic, its file, how it is fitted, and what it refuses."""

from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import models
from models import deployment
from models.card import Card, DistanceCard
from models.card_file import write_card
from models.distance import Reference, read_reference, to_unit, write_reference
from models.gate import judge_distance
from models.measures import GateSet
from models.runtime import file_sha256
from models.training import distance
from models.training.distance import auroc, fit_distance, write_distance
from models.training.manifest import Example
from tests.ml.networks import every_task, network_folder

CHEST = models.get_task("chest")
CHANNELS = 80
PLANE = Reference(np.array([1, 0, 0], np.float32), np.eye(3, 2, dtype=np.float32), unit=False)


def near(count: int, seed: int) -> np.ndarray:
    """Features [count, CHANNELS] in a subspace of ten dimensions, but for a little noise."""
    subspace = np.random.default_rng(0).normal(size=(10, CHANNELS))
    rng = np.random.default_rng(seed)
    return 5 + rng.normal(size=(count, 10)) @ subspace + rng.normal(0, 0.1, (count, CHANNELS))


def far(count: int, seed: int) -> np.ndarray:
    return 5 + np.random.default_rng(seed).normal(0, 3, (count, CHANNELS))


def test_only_what_stands_out_of_the_subspace_counts():
    assert PLANE.distance(np.array([[1, 0, 0], [7, -3, 0], [0, 0, 2], [5, 5, -4]])) == pytest.approx([0, 0, 2, 4])


def test_at_unit_length_only_the_direction_counts():
    reference = Reference(np.zeros(3, np.float32), np.eye(3, 1, dtype=np.float32), unit=True)
    assert reference.distance(np.array([[3, 4, 0], [30, 40, 0]])) == pytest.approx([0.8, 0.8])
    assert to_unit(np.array([3.0, 0, 4])) == pytest.approx([0.6, 0, 0.8])


@pytest.mark.parametrize("unit", [True, False])
def test_a_reference_comes_back_from_its_file(tmp_path, unit):
    axes = np.linalg.qr(near(CHANNELS, 1))[0][:, :16]
    reference = Reference(near(1, 2)[0], axes, unit)
    write_reference(tmp_path / "features.npz", reference)
    found = read_reference(tmp_path / "features.npz")
    assert found.distance(far(5, 3)) == pytest.approx(reference.distance(far(5, 3)), rel=1e-3)


def test_a_file_with_code_in_it_is_not_run(tmp_path):
    bad = np.array([{"not": "numbers"}], dtype=object)
    np.savez(tmp_path / "features.npz", mean=bad, axes=bad, unit=False)
    with pytest.raises(ValueError, match="allow_pickle"):
        read_reference(tmp_path / "features.npz")


def test_auroc_is_the_chance_that_another_kind_lies_farther():
    own = np.array([1.0, 2, 3])
    assert auroc(own, own + 3) == 1
    assert auroc(own, own) == 0.5
    assert auroc(own, np.array([2.5])) == pytest.approx(2 / 3)


def test_the_fewest_axes_that_are_as_good_as_any_serve():
    labels = np.arange(300) % 3
    method, reference, aurocs = fit_distance(near(300, 1), labels, near(100, 2), far(100, 3))
    assert method == "residual_16"
    assert reference.axes.shape == (CHANNELS, 16)
    assert {"mahalanobis", "nearest_neighbours", "residual_64_unit"} < set(aurocs)
    assert min(aurocs.values()) > 0.95


@dataclass
class FakeNetwork:
    """What the test reads of a network."""

    reference: Reference | None
    distance: DistanceCard | None
    training = SimpleNamespace(excluded=("restricted",))

    @property
    def card(self) -> "FakeNetwork":
        return self


def test_features_beyond_the_threshold_are_refused_in_words():
    network = FakeNetwork(PLANE, DistanceCard("residual", 2.0, "0" * 64))
    assert judge_distance(network, np.array([9.0, 9, 2])).passed
    refused = judge_distance(network, np.array([1.0, 0, 2.1]))
    assert not refused.passed
    assert refused.suggested == ""
    assert refused.reason.code == "unlike_training"
    assert refused.reason.values == {"measured": pytest.approx(2.1), "limit": 2.0}


def test_a_network_without_the_test_passes_everything():
    assert judge_distance(FakeNetwork(None, None), far(1, 0)[0]).passed


def test_fitting_writes_a_card_that_refuses_one_own_image_in_a_hundred(tmp_path, monkeypatch):
    measured = replace(models.get_card(CHEST), distance=None)
    assert measured.metrics
    monkeypatch.setattr(deployment, "WEIGHTS", tmp_path)
    path = network_folder(CHEST) / "card.json"
    path.parent.mkdir(parents=True)
    write_card(path, measured)
    trained = [Example(Path(f"{index}"), {CHEST.primary: index % 2}, "made up", "g", "train") for index in range(200)]
    pictures = {
        GateSet.RIGHT_KIND: near(300, 1), GateSet.OTHER_KIND: far(40, 2), GateSet.NOT_MEDICAL: far(40, 3)
    }  # fmt: skip
    monkeypatch.setattr(distance, "get_network", lambda task: FakeNetwork(None, None))
    left_out = []

    def load(task, splits, exclude):
        left_out.append(exclude)
        return trained

    monkeypatch.setattr(distance, "load_examples", load)
    monkeypatch.setattr(distance, "read_upload", lambda example: near(1, 1000 + int(example.path.name))[0])
    monkeypatch.setattr(distance, "validation_pictures", lambda task, exclude: left_out.append(exclude) or pictures)
    monkeypatch.setattr(distance, "read_features", lambda network, pictures, name: np.asarray(pictures))
    written = write_distance(CHEST)
    assert left_out == [("restricted",)] * 2, "neither training nor validation images of what the network did without"
    found = models.get_card(CHEST)
    assert found == replace(measured, distance=written, metrics=None)
    assert written.sha256 == file_sha256(path.with_name("features.npz"))
    assert 0 < written.refused[GateSet.RIGHT_KIND] <= 0.01
    assert written.refused[GateSet.NOT_MEDICAL] == 1


@every_task
def test_every_task_has_the_test_with_the_features_that_its_card_describes(task):
    found: Card = models.get_card(task)
    assert found.distance is not None, f"run: python -m models.training.distance {task.name}"
    path = network_folder(task) / "features.npz"
    assert found.distance.sha256 == file_sha256(path)
    assert path.stat().st_size < 300_000
    assert found.distance.refused[GateSet.RIGHT_KIND] <= 0.015
