"""Odd pictures that the gate learns from: which there are, what their heads are told, and what they look like."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from models.modality import ASKED_OF, MODALITY_TASK, ODD_HEADS
from models.registry import get_task
from models.task import Modality
from models.training import alterations, odd_pictures, other_alterations
from models.training.manifest import MISSING, SPLITS
from models.training.odd_limits import HIGHEST, STOPPED_SHARE, odd_limits, odd_paths
from models.training.odd_pictures import ways_of
from models.training.recipes.modality import ODD
from tests.ml.files import scene
from tests.ml.labelled import needs_labelled_images

KINDS = tuple(ASKED_OF["layout"])
DRAWERS = {"learned": alterations, "measured": other_alterations}


@pytest.mark.parametrize("drawers", DRAWERS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(80, 100), (300, 120)])
def test_every_way_makes_another_picture_and_the_same_from_the_same_seed(drawers, kind, shape):
    one, other = scene(*shape), np.ascontiguousarray(scene(*shape)[::-1])
    for way in ways_of(kind, DRAWERS[drawers]):
        drawn = [way.alter(one.copy(), other, np.random.default_rng(seed)) for seed in (4, 4)]
        assert np.array_equal(*drawn), way.name
        assert (drawn[0].dtype, drawn[0].shape[2]) == (np.uint8, 3)
        assert drawn[0].shape != one.shape or (drawn[0] != one).any(), way.name


@pytest.mark.parametrize("kind", KINDS)
def test_each_way_says_what_is_odd_and_only_of_heads_that_are_asked(kind):
    ways = ways_of(kind, alterations)
    told = Counter(head for way in ways for head in way.labels)
    assert set(told) == {head.key for head in ODD_HEADS if kind in ASKED_OF[head.key]}
    for head in ODD_HEADS:
        labels = {way.labels[head.key] for way in ways if head.key in way.labels}
        assert labels == ({label.key for label in head.labels[1:]} if head.key in told else set())


@pytest.mark.parametrize("drawers", DRAWERS)
def test_a_turned_picture_is_turned_as_its_label_says(drawers):
    picture = scene(60, 90)
    turned = {
        way.labels["turned"]: way.alter(picture, picture, np.random.default_rng(0))
        for way in ways_of(Modality.CHEST_XRAY, DRAWERS[drawers])
        if way.name == "turned"
    }
    assert np.array_equal(turned["left"][-1, 0], picture[0, 0]), "the upper left corner goes to the lower left"
    assert np.array_equal(turned["right"][0, -1], picture[0, 0])
    assert np.array_equal(turned["upside_down"][-1, -1], picture[0, 0])


@needs_labelled_images
@pytest.mark.parametrize("split", SPLITS)
def test_the_type_is_a_target_in_training_alone(monkeypatch, split):
    monkeypatch.setattr(odd_pictures, "COUNTS", dict.fromkeys(SPLITS, 14))
    found = ODD.load(MODALITY_TASK, {split})
    assert len(found) == 14 * len(KINDS)
    assert {example.split for example in found} == {split}
    assert all(max(example.pixels.shape) <= odd_pictures.SIDE for example in found)
    kinds = {example.targets[MODALITY_TASK.primary] for example in found}
    assert kinds == ({0, 1, 2, 3, 4} if split == "train" else {MISSING})
    assert sum(example.targets["turned"] not in (MISSING, 0) for example in found) == 6


def test_other_tasks_learn_from_none():
    assert ODD.load(get_task("chest"), {"train"}) == []


def test_a_limit_stops_at_most_the_promised_share_of_unaltered_images():
    rng = np.random.default_rng(1)
    kinds = np.repeat([0, 3, MISSING], 400)
    examples = [SimpleNamespace(path="x.png", targets={MODALITY_TASK.primary: int(kind)}) for kind in kinds]
    logits = {head.key: rng.normal(0, 2, (1200, len(head.labels))) for head in ODD_HEADS}
    for head in ODD_HEADS:
        logits[head.key][:, 0] += 4
    limits = odd_limits(logits, examples, {head.key: 1.0 for head in ODD_HEADS})
    assert {head: set(kinds) for head, kinds in limits.items()} == {
        head: {kind.value for kind in kinds} for head, kinds in ASKED_OF.items()
    }
    for head in ODD_HEADS:
        exponents = np.exp(logits[head.key])
        usual = (exponents / exponents.sum(axis=1, keepdims=True))[:, 0]
        for index, label in enumerate(MODALITY_TASK.labels):
            if label.key in limits[head.key] and index in (0, 3):
                assert (usual[kinds == index] < limits[head.key][label.key]).mean() <= STOPPED_SHARE
                assert 0 < limits[head.key][label.key] <= HIGHEST


@needs_labelled_images
def test_images_that_are_odd_by_eye_are_of_validation():
    paths = {str(example.path) for source in ODD.sources for example in source.load(MODALITY_TASK, {"val"})}
    for head in ODD_HEADS:
        for path in odd_paths(head.key):
            assert any(one.endswith(path) for one in paths), path
