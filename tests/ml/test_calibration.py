"""Logits to probabilities, and the thresholds that validation sets: what each promises, and what it cannot."""

import dataclasses

import numpy as np
import pytest

from models import Head, Label
from models.calibration import calibrated
from models.decision import decide_head
from models.task import OperatingPoint
from models.training.thresholds import (
    balanced_thresholds,
    conformal_threshold,
    decision_thresholds,
    label_thresholds,
    sensitive_thresholds,
    youden_threshold,
)

LOGITS = np.random.default_rng(0).normal(0, 3, (50, 5))
DREADED = Label("bad", "Bad", operating_point=OperatingPoint.SENSITIVITY_95)
THREE = Head("three", "Three", (DREADED, Label("mild", "Mild"), Label("well", "Well", is_finding=False)))
TWO = Head("two", "Two", (Label("bad", "Bad"), Label("well", "Well", is_finding=False)))
DREADED_TWO = dataclasses.replace(TWO, labels=(DREADED, TWO.labels[1]))


def test_probabilities_sum_to_one_and_keep_the_order_of_logits():
    found = calibrated(LOGITS, 1.7)
    assert found.dtype == np.float64
    assert found.sum(axis=-1) == pytest.approx(np.ones(50))
    assert (found > 0).all()
    assert (np.argsort(found, axis=-1) == np.argsort(LOGITS, axis=-1)).all()


def test_temperature_one_is_softmax():
    exponents = np.exp(LOGITS)
    assert calibrated(LOGITS, 1.0) == pytest.approx(exponents / exponents.sum(axis=-1, keepdims=True))


def test_adding_a_constant_to_all_logits_changes_nothing():
    assert calibrated(LOGITS + 123.0, 2.0) == pytest.approx(calibrated(LOGITS, 2.0))


def test_dividing_logits_and_temperature_alike_changes_nothing():
    assert calibrated(LOGITS / 4, 0.5) == pytest.approx(calibrated(LOGITS, 2.0))


def test_a_high_temperature_knows_nothing_and_a_low_one_is_sure():
    assert calibrated(LOGITS, 1e9) == pytest.approx(np.full(LOGITS.shape, 0.2))
    assert calibrated(LOGITS, 1e-6) == pytest.approx(np.eye(5)[LOGITS.argmax(axis=-1)])


def test_huge_logits_of_a_float32_network_do_not_overflow():
    assert calibrated(np.array([1e30, -1e30, 0.0], np.float32), 0.05).tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("shape", [(3,), (1, 3), (4, 2, 3)])
def test_any_leading_shape(shape):
    assert calibrated(np.zeros(shape), 1.0) == pytest.approx(np.full(shape, 1 / 3))


@pytest.mark.parametrize("miss_rate", [0.02, 0.1, 0.3])
def test_the_threshold_keeps_the_promised_share_of_new_images(miss_rate):
    """Split-conformal prediction promises this coverage for exchangeable images, whatever their distribution."""
    rng = np.random.default_rng(3)
    n, kept = 120, []
    for _ in range(400):
        seen, new = rng.beta(4, 2, n), rng.beta(4, 2, 500)
        kept.append((new >= conformal_threshold(seen, miss_rate)).mean())
    assert 1 - miss_rate - 0.008 < np.mean(kept) < 1 - miss_rate + 1 / (n + 1) + 0.008


def test_the_threshold_is_one_of_the_probabilities_seen():
    seen = np.random.default_rng(4).uniform(size=99)
    assert conformal_threshold(seen, 0.1) == np.sort(seen)[9]


@pytest.mark.parametrize(("n", "ruled_out"), [(0, False), (8, False), (9, True), (10, True)])
def test_too_few_images_rule_nothing_out(n, ruled_out):
    assert (conformal_threshold(np.full(n, 0.7), 0.1) > 0) is ruled_out


def drawn(labels: int, n: int, seed: int = 0, skill: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated probabilities [n, labels] of a network that is right more often than not, and right labels [n]."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, labels, n)
    # Normal logits of equal variance are calibrated by Bayes' rule.
    logits = rng.normal(0, 1, (n, labels)) + skill * np.eye(labels)[truth]
    return calibrated(skill * logits, 1.0), truth


def test_a_label_with_few_images_gets_the_threshold_of_all_labels():
    probabilities, truth = drawn(3, 300)
    kept = np.flatnonzero((truth != 2) | (np.cumsum(truth == 2) <= 8))
    probabilities, truth = probabilities[kept], truth[kept]
    own = probabilities[np.arange(len(truth)), truth]
    found = label_thresholds(THREE, probabilities, truth, 0.1)
    assert found["bad"] == conformal_threshold(own[truth == 0], 0.1)
    assert found["well"] == conformal_threshold(own, 0.1)
    assert found["well"] > conformal_threshold(own[truth == 2], 0.1) == 0


def test_the_balanced_threshold_is_the_best_of_all():
    probabilities, truth = drawn(3, 200)
    threshold = balanced_thresholds(THREE, probabilities, truth)["mild"]
    own, positive = probabilities[:, 1], truth == 1

    def youden(at: float) -> float:
        return (own >= at)[positive].mean() + (own < at)[~positive].mean() - 1

    assert youden(threshold) == max(youden(at) for at in own)
    assert 0.3 < youden(threshold) < 1


def test_labels_that_part_cleanly_are_parted_where_the_positive_ones_begin():
    assert youden_threshold(np.array([0.1, 0.2, 0.7, 0.9]), np.array([False, False, True, True])) == 0.7


def test_a_label_without_images_gets_the_balanced_threshold_of_all_labels():
    probabilities, truth = drawn(2, 100)
    probabilities = np.column_stack([probabilities * 0.9, np.full(100, 0.1)])
    found = balanced_thresholds(THREE, probabilities, truth)
    positive = truth[:, None] == np.arange(3)
    assert found["well"] == youden_threshold(probabilities.ravel(), positive.ravel())
    only_bad = balanced_thresholds(THREE, probabilities[truth == 0], truth[truth == 0])
    assert len(set(only_bad.values())) == 1


@pytest.mark.parametrize("n", [60, 1000])
def test_at_sensitivity_95_as_many_new_images_of_the_label_are_seen(n):
    seen = []
    for seed in range(100):
        thresholds = sensitive_thresholds(THREE, *drawn(3, n, seed))
        probabilities, truth = drawn(3, 500, seed + 1000)
        seen.append((probabilities[truth == 0, 0] >= thresholds["bad"]).mean())
    assert 0.945 < np.mean(seen) < 0.95 + 3 / n + 0.01


def test_a_label_with_too_few_images_for_sensitivity_95_is_seen_in_all_of_them():
    probabilities = np.full((118, 3), 0.05)
    truth = np.array([1] * 100 + [0] * 18)
    probabilities[np.arange(118), truth] = np.linspace(0.5, 0.9, 118)
    probabilities[-1, 0] = 0.3
    assert sensitive_thresholds(THREE, probabilities, truth)["bad"] == 0.3
    probabilities[100:, 0] = 0.95
    found = sensitive_thresholds(THREE, probabilities, truth)["bad"]
    assert found == conformal_threshold(probabilities[np.arange(118), truth], 0.05) < 0.95


def test_with_three_labels_nine_in_ten_stay_possible_and_of_the_dreaded_one_more():
    probabilities, truth = drawn(3, 3000)
    found = decision_thresholds(THREE, probabilities, truth, 0.1)
    own = probabilities[np.arange(len(truth)), truth]
    kept = {label.key: (own >= found[label.key])[truth == i].mean() for i, label in enumerate(THREE.labels)}
    assert kept == pytest.approx({"bad": 0.95, "mild": 0.9, "well": 0.9}, abs=0.002)


def test_a_stricter_miss_rate_than_the_operating_point_wins():
    probabilities, truth = drawn(3, 3000)
    found = decision_thresholds(THREE, probabilities, truth, 0.02)
    assert found == label_thresholds(THREE, probabilities, truth, 0.02)


@pytest.mark.parametrize("head", [TWO, DREADED_TWO], ids=["balanced", "dreaded"])
@pytest.mark.parametrize("skill", [0.0, 0.3, 1.5, 6.0])
@pytest.mark.parametrize("n", [4, 40, 400])
def test_a_band_is_never_upside_down_and_its_set_never_empty(head, skill, n):
    found = decision_thresholds(head, *drawn(2, n, skill=skill), 0.1)
    assert found["bad"] <= 0.5 <= 1 - found["well"]
    for p in np.linspace(0, 1, 21):
        assert any(line.in_set for line in decide_head(head, np.array([p, 1 - p]), found, {}).labels)


@pytest.mark.parametrize(("head", "missed"), [(TWO, 0.1), (DREADED_TWO, 0.05)], ids=["balanced", "dreaded"])
def test_a_band_rules_out_a_label_on_few_of_its_own_new_images(head, missed):
    ruled_out = []
    for seed in range(60):
        found = decision_thresholds(head, *drawn(2, 300, seed, skill=0.9), 0.1)
        probabilities, truth = drawn(2, 1000, seed + 1000, skill=0.9)
        ruled_out.append((probabilities[:, 0] < found["bad"])[truth == 0].mean())
    assert np.mean(ruled_out) == pytest.approx(missed, abs=0.02)


def test_a_dreaded_finding_is_excluded_only_below_its_sensitivity_95():
    """A network that is nearly always right could exclude more, and would miss the few that it sees badly."""
    rng = np.random.default_rng(0)
    truth = np.array([0] * 100 + [1] * 900)
    own = np.where(truth == 0, rng.uniform(0.1, 1, 1000), rng.uniform(0, 0.2, 1000))
    probabilities = np.column_stack([own, 1 - own])
    free = decision_thresholds(TWO, probabilities, truth, 0.1)
    bound = decision_thresholds(DREADED_TWO, probabilities, truth, 0.1)
    assert bound["bad"] == sensitive_thresholds(DREADED_TWO, probabilities, truth)["bad"] < free["bad"]
    assert bound["well"] == free["well"]
    assert (own >= bound["bad"])[truth == 0].mean() >= 0.95


def test_the_surest_network_need_not_be_surer_than_the_rate_asked():
    truth = np.arange(300) % 3
    probabilities = np.full((300, 3), 0.0005)
    probabilities[np.arange(300), truth] = 0.999
    assert set(decision_thresholds(THREE, probabilities, truth, 0.1).values()) == {0.9}
