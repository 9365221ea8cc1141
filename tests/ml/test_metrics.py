"""Metrics against values worked by hand and against scikit-learn; the bootstrap against what is known of it."""

import numpy as np
import pytest
import sklearn.metrics

from models.training import metrics
from models.training.metrics import bootstrap

# Top labels 0, 1, 1, 2: three right, the second wrong.
HAND = np.array([[0.9, 0.1, 0.0], [0.4, 0.6, 0.0], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]])
TRUTH = np.array([0, 0, 1, 2])


def made_up(n: int = 400, labels: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that know something, and the truth; rounded, so that there are ties."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(labels, n, p=np.arange(1, labels + 1) / np.arange(1, labels + 1).sum())
    logits = rng.normal(size=(n, labels)) + 1.2 * (truth[:, None] == np.arange(labels))
    weights = np.round(np.exp(logits), 1) + 0.1
    return weights / weights.sum(axis=1, keepdims=True), truth


@pytest.mark.parametrize("labels", [2, 4])
def test_scikit_learn_agrees(labels):
    probabilities, truth = made_up(labels=labels)
    guesses = probabilities.argmax(axis=1)
    assert metrics.accuracy(probabilities, truth) == pytest.approx(sklearn.metrics.accuracy_score(truth, guesses))
    balanced = sklearn.metrics.balanced_accuracy_score(truth, guesses)
    assert metrics.balanced_accuracy(probabilities, truth) == pytest.approx(balanced)
    f1 = sklearn.metrics.f1_score(truth, guesses, average="macro")
    assert metrics.macro_f1(probabilities, truth) == pytest.approx(f1)
    aucs = [sklearn.metrics.roc_auc_score(truth == label, probabilities[:, label]) for label in range(labels)]
    assert metrics.label_aucs(probabilities, truth) == pytest.approx(aucs)
    assert metrics.macro_auc(probabilities, truth) == pytest.approx(np.mean(aucs))
    loss = sklearn.metrics.log_loss(truth, probabilities)
    assert metrics.negative_log_likelihood(probabilities, truth) == pytest.approx(loss)
    squares = [((truth == label) - probabilities[:, label]) ** 2 for label in range(labels)]
    assert metrics.brier_score(probabilities, truth) == pytest.approx(np.sum(squares, axis=0).mean())
    top = sklearn.metrics.top_k_accuracy_score(truth, probabilities, k=1, labels=range(labels)) if labels > 2 else None
    assert top is None or metrics.top_accuracy(probabilities, truth, 1) == pytest.approx(top)


def test_values_worked_by_hand():
    assert metrics.accuracy(HAND, TRUTH) == 0.75
    assert metrics.balanced_accuracy(HAND, TRUTH) == pytest.approx((0.5 + 1 + 1) / 3)
    assert metrics.macro_f1(HAND, TRUTH) == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert metrics.brier_score(HAND, TRUTH) == pytest.approx((0.02 + 0.72 + 0.06 + 0.24) / 4)
    assert metrics.negative_log_likelihood(HAND, TRUTH) == pytest.approx(-np.log([0.9, 0.4, 0.8, 0.6]).mean())
    assert metrics.top_accuracy(HAND, TRUTH, 2) == 1


def test_the_best_and_the_worst_brier_score():
    sure = np.eye(2)
    assert metrics.brier_score(sure, np.array([0, 1])) == 0
    assert metrics.brier_score(sure, np.array([1, 0])) == 2


def test_a_label_called_impossible_costs_much_but_not_all():
    assert 20 < metrics.negative_log_likelihood(np.array([[1.0, 0.0]]), np.array([1])) < 30


def test_sensitivity_and_specificity_at_a_threshold():
    called = np.array([0.9, 0.4, 0.6, 0.1, 0.2]) >= 0.4
    positive = np.array([True, True, False, False, False])
    assert metrics.sensitivity(called, positive) == 1
    assert metrics.specificity(called, positive) == pytest.approx(2 / 3)


def test_what_no_image_can_answer_is_no_number():
    called, none = np.array([True, False]), np.array([False, False])
    assert np.isnan(metrics.sensitivity(called, none))
    assert np.isnan(metrics.specificity(called, ~none))
    one_label = np.array([[0.8, 0.2], [0.6, 0.4]]), np.array([0, 0])
    assert np.isnan(metrics.label_aucs(*one_label)).all()
    assert np.isnan(metrics.macro_auc(*one_label))
    assert np.isnan(metrics.label_coverage(np.array([[True, False]]), np.array([0]))).tolist() == [False, True]


def test_means_over_labels_are_over_those_that_occur():
    probabilities, truth = HAND[:2], TRUTH[:2]
    assert metrics.balanced_accuracy(probabilities, truth) == 0.5
    assert metrics.macro_f1(probabilities, truth) == pytest.approx(2 / 3)
    assert metrics.macro_auc(HAND, np.array([0, 0, 1, 1])) == pytest.approx((1 + 0.75) / 2)


def test_bins_of_the_reliability_diagram():
    probabilities = np.array([[0.62, 0.38], [0.66, 0.34], [0.95, 0.05], [1.0, 0.0]])
    found = metrics.reliability(probabilities, np.array([0, 1, 0, 0]), bins=10)
    assert [one.n for one in found] == [2, 2]
    assert [one.confidence for one in found] == pytest.approx([0.64, 0.975])
    assert [one.accuracy for one in found] == [0.5, 1.0]


def test_the_calibration_error_weighs_bins_by_their_images():
    probabilities = np.array([[0.62, 0.38], [0.66, 0.34], [0.95, 0.05], [1.0, 0.0]])
    found = metrics.expected_calibration_error(probabilities, np.array([0, 1, 0, 0]), bins=10)
    assert found == pytest.approx(0.5 * 0.14 + 0.5 * 0.025)


def test_honest_probabilities_have_nearly_no_calibration_error():
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.5, 1, 20_000)
    truth = (rng.random(20_000) > sure).astype(int)
    assert metrics.expected_calibration_error(np.column_stack([sure, 1 - sure]), truth) < 0.015


def test_the_calibration_error_that_chance_gives_to_honest_probabilities():
    """Its range holds the error of honest answers, not that of boastful ones, and shrinks with the number of images."""
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.5, 0.9, 2_000)
    truth = (rng.random(2_000) > sure).astype(int)
    by_chance = metrics.calibration_error_by_chance(np.column_stack([sure, 1 - sure]))
    honest = metrics.expected_calibration_error(np.column_stack([sure, 1 - sure]), truth)
    boastful = metrics.expected_calibration_error(np.column_stack([sure + 0.1, 0.9 - sure]), truth)
    assert by_chance.low < by_chance.value < by_chance.high
    assert by_chance.low <= honest <= by_chance.high < boastful
    few = metrics.calibration_error_by_chance(np.column_stack([sure, 1 - sure])[:100])
    assert few.value > 3 * by_chance.value


def test_coverage_and_size_of_prediction_sets():
    in_set = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 0]], bool)
    assert metrics.label_coverage(in_set, TRUTH).tolist() == [0.5, 1, 0]
    assert metrics.mean_set_size(in_set) == 1


def test_the_risk_coverage_curve_by_hand():
    # From sure to unsure: right, right, wrong, and last a right one.
    probabilities = np.array([[0.9, 0.1], [0.55, 0.45], [0.7, 0.3], [0.8, 0.2]])
    coverage, risk = metrics.risk_coverage_curve(probabilities, np.array([0, 0, 1, 0]))
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1]
    assert risk == pytest.approx([0, 0, 1 / 3, 1 / 4])
    assert metrics.aurc(probabilities, np.array([0, 0, 1, 0])) == pytest.approx(7 / 48)


def test_equally_sure_images_share_their_errors():
    probabilities = np.array([[0.8, 0.2]] * 4)
    for truth in ([0, 0, 0, 1], [1, 0, 0, 0]):
        assert metrics.risk_coverage_curve(probabilities, np.array(truth))[1] == pytest.approx([0.25] * 4)


def share_of(hits: np.ndarray):
    return lambda rows: {"share": metrics.share(hits[rows])}


def test_the_bootstrap_of_a_share_is_as_wide_as_theory_says():
    hits = np.arange(500) % 4 == 0
    found = bootstrap(share_of(hits), np.arange(500))["share"]
    half = 1.96 * np.sqrt(0.25 * 0.75 / 500)
    assert found.value == 0.25
    assert (found.low, found.high) == pytest.approx((0.25 - half, 0.25 + half), abs=0.006)


def test_images_of_one_patient_count_as_one():
    hits = np.repeat(np.arange(100) % 4 == 0, 5)
    alone = bootstrap(share_of(hits), np.arange(500))["share"]
    grouped = bootstrap(share_of(hits), np.repeat([f"patient {number}" for number in range(100)], 5))["share"]
    assert (grouped.high - grouped.low) / (alone.high - alone.low) == pytest.approx(np.sqrt(5), rel=0.1)


def test_an_interval_holds_its_value_where_samples_are_biased():
    """Every sample has fewer different images than the whole, as its ECE is larger."""

    def different(rows: np.ndarray) -> dict[str, float]:
        return {"fewer": -len(np.unique(rows)) / 50, "more": len(np.unique(rows)) / 50}

    found = bootstrap(different, np.arange(50))
    assert found["fewer"].low == -1 and found["fewer"].high > -1
    assert found["more"].high == 1 and found["more"].low < 1


def test_the_bootstrap_draws_the_same_samples_each_time():
    hits = np.random.default_rng(0).random(60) > 0.3
    assert bootstrap(share_of(hits), np.arange(60)) == bootstrap(share_of(hits), np.arange(60))


def test_one_group_has_an_interval_without_width():
    found = bootstrap(share_of(np.array([True, False])), np.array(["g", "g"]))["share"]
    assert (found.low, found.value, found.high) == (0.5, 0.5, 0.5)


def test_samples_that_cannot_answer_say_nothing():
    positive = np.array([True] + [False] * 9)

    def statistics(rows):
        return {
            "rare": metrics.sensitivity(np.ones(len(rows), bool), positive[rows]),
            "never": metrics.sensitivity(np.ones(len(rows), bool), np.zeros(len(rows), bool)),
        }

    found = bootstrap(statistics, np.arange(10))
    assert list(found) == ["rare"]
    assert (found["rare"].low, found["rare"].high) == (1, 1)
