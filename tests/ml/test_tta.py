"""Test-time views: several looks at one image, and the mean of what they say."""

from types import SimpleNamespace

import numpy as np
import pytest

import models
from models import inference
from models.calibration import HeadCard
from models.imaging import InputSpec
from models.modality import MODALITY_TASK
from models.runtime import NetworkOutputs, run_views
from models.tta import TTA_VIEWS
from tests.ml.files import noise

IMAGE = np.random.default_rng(0).uniform(0, 255, (1, 6, 8, 3)).astype(np.float32)


class CornerNetwork:
    """Its logits are the colours of the upper left corner, its maps the image; it counts how often it was asked."""

    def __init__(self, *views: str) -> None:
        self.card = SimpleNamespace(tta_views=views)
        self.seen: list[np.ndarray] = []

    def run(self, batch: np.ndarray) -> NetworkOutputs:
        assert batch.flags.c_contiguous, "the interpreter takes no strided array"
        self.seen.append(batch)
        return NetworkOutputs(logits=batch[0, 0, 0], maps=batch[0], features=batch[0, 0, :, 0])


@pytest.mark.parametrize("name", TTA_VIEWS)
def test_each_view_undoes_itself(name):
    assert np.array_equal(TTA_VIEWS[name](TTA_VIEWS[name](IMAGE)), IMAGE)
    assert np.array_equal(TTA_VIEWS[name](IMAGE)[0], TTA_VIEWS[name](IMAGE[0])), "a batch and its image differ"


def test_the_views_differ_and_keep_colours():
    seen = [TTA_VIEWS[name](IMAGE) for name in TTA_VIEWS]
    corners = [IMAGE[0, 0, 0], IMAGE[0, 0, -1], IMAGE[0, -1, 0], IMAGE[0, -1, -1]]
    assert np.array_equal([image[0, 0, 0] for image in seen], corners)


def test_two_views_give_the_mean_and_their_maps_are_turned_back():
    found = run_views(CornerNetwork("original", "mirror"), IMAGE)
    assert found.logits == pytest.approx((IMAGE[0, 0, 0] + IMAGE[0, 0, -1]) / 2)
    assert found.features == pytest.approx((IMAGE[0, 0, :, 0] + IMAGE[0, 0, ::-1, 0]) / 2)
    assert found.maps == pytest.approx(IMAGE[0])


@pytest.mark.parametrize("view", TTA_VIEWS)
def test_one_view_runs_the_network_once(view):
    network = CornerNetwork(view)
    found = run_views(network, IMAGE)
    assert len(network.seen) == 1
    assert np.array_equal(network.seen[0], TTA_VIEWS[view](IMAGE))
    assert np.array_equal(found.maps, IMAGE[0]), "the map does not lie over the original"


def test_the_gate_is_asked_with_the_views_of_its_card(monkeypatch):
    """Its network takes what is bright on the left for a chest X-ray; mirrored, that is what is bright on the right."""

    class Gate(CornerNetwork):
        def run(self, batch: np.ndarray) -> NetworkOutputs:
            corner = super().run(batch).logits[0]
            seen = "chest_xray" if corner > 127 else "brain_mri"
            logits = [100.0 * (label.key == seen) for head in MODALITY_TASK.heads for label in head.labels]
            return NetworkOutputs(np.array(logits), batch[0], batch[0, 0, :, 0])

    gate = Gate("mirror")
    gate.card.spec = InputSpec(32, 32, "stretch")
    gate.card.heads = {
        head.key: HeadCard(1.0, {label.key: 0.5 for label in head.labels}, {}) for head in MODALITY_TASK.heads
    }
    gate.card.calibration = SimpleNamespace(limits={})
    monkeypatch.setattr(inference, "get_network", lambda task: gate)
    bright_right = noise(128, 128) // 4
    bright_right[:, 64:] = 255 - bright_right[:, 64:]
    assert models.detect_task(bright_right).task.name == "chest"
    assert models.detect_task(bright_right[:, ::-1]).task.name == "brain"
