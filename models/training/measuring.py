"""All measures of one head from its scores: named, rounded, each with its interval and its number of images."""

from collections.abc import Callable

import numpy as np

from models.calibration import HeadCard
from models.card import RiskPoint
from models.measures import Measure, MeasureSet, Metric
from models.task import Head
from models.training import metrics
from models.training.manifest import MISSING
from models.training.scoring import HeadScores, Reply

REPLIES = {
    Reply.REFUSED: Metric.REFUSED,
    Reply.NOT_ASKED: Metric.NOT_ASKED,
    Reply.INCONCLUSIVE: Metric.INCONCLUSIVE,
    Reply.ANSWERED: Metric.ANSWERED,
}
MANY_LABELS = 7
CURVE_POINTS = 20
# Measures of one label that are of the images that have it, and of those that do not.
OF_POSITIVES = (Metric.SENSITIVITY, Metric.SENSITIVITY_AT_OPERATING_POINT, Metric.COVERAGE)
OF_NEGATIVES = (Metric.SPECIFICITY, Metric.SPECIFICITY_AT_OPERATING_POINT)

# Label key, "" for all labels together, and the metric.
Key = tuple[str, Metric]


def measure_head(scores: HeadScores, card: HeadCard) -> MeasureSet:
    """All measures of one head, together and per label; labels that no image has are left out."""
    counts = _counts(scores)
    by_label: dict[str, list[Measure]] = {"": []}
    for (label, metric), interval in metrics.bootstrap(_statistics(scores, card), scores.groups).items():
        n = counts.get((label, metric), len(scores.truth))
        by_label.setdefault(label, []).append(rounded(metric, interval, n))
    by_chance = metrics.calibration_error_by_chance(scores.probabilities)
    overall = [*by_label.pop(""), rounded(Metric.ECE_BY_CHANCE, by_chance, len(scores.truth))]
    return MeasureSet(tuple(overall), {label: tuple(measures) for label, measures in by_label.items()})


def measure_shares(hits: dict[Metric, np.ndarray], groups: np.ndarray) -> tuple[Measure, ...]:
    """The share of each of these bool [n]."""
    shares = metrics.bootstrap(lambda rows: {key: metrics.share(some[rows]) for key, some in hits.items()}, groups)
    return tuple(rounded(key, interval, len(groups)) for key, interval in shares.items())


def measure_refusals(refused: np.ndarray, groups: np.ndarray) -> Measure:
    """The share of a bool [n] that the gate refused."""
    return measure_shares({Metric.REFUSED: refused}, groups)[0]


def rounded(metric: Metric, interval: metrics.Interval, n: int) -> Measure:
    """The measure to four places, more than any test set can tell."""
    return Measure(metric, round(interval.value, 4), round(interval.low, 4), round(interval.high, 4), n)


def operating_thresholds(head: Head, card: HeadCard) -> np.ndarray:
    """The threshold of each label at the operating point that the task declares for it, [labels]."""
    return np.array([card.operating_points[label.operating_point][label.key] for label in head.labels])


def thin_risk_coverage(scores: HeadScores) -> tuple[RiskPoint, ...]:
    """The risk-coverage curve at CURVE_POINTS coverages at most."""
    coverage, risk = metrics.risk_coverage_curve(scores.probabilities, scores.truth)
    rows = np.unique(np.linspace(0, len(coverage) - 1, CURVE_POINTS).round().astype(int))
    return tuple(RiskPoint(round(float(coverage[row]), 4), round(float(risk[row]), 4)) for row in rows)


def _statistics(scores: HeadScores, card: HeadCard) -> Callable[[np.ndarray], dict[Key, float]]:
    several = len(np.unique(scores.truth)) > 1
    called = scores.probabilities >= operating_thresholds(scores.head, card)

    def statistics(rows: np.ndarray) -> dict[Key, float]:
        probabilities, truth = scores.probabilities[rows], scores.truth[rows]
        aucs = metrics.label_aucs(probabilities, truth)
        overall = _right_and_wrong(scores.head, probabilities, truth, aucs, several=several)
        overall |= _abstention(scores.head, truth, scores.decided[rows], scores.replies[rows])
        overall |= _trust(probabilities, truth, scores.in_set[rows])
        together: dict[Key, float] = {("", metric): value for metric, value in overall.items()}
        return together | _label_statistics(scores, rows, called[rows], aucs)

    return statistics


def _right_and_wrong(
    head: Head, probabilities: np.ndarray, truth: np.ndarray, aucs: np.ndarray, *, several: bool
) -> dict[Metric, float]:
    """`several`: whether all images together have more than one label; else means over labels say nothing."""
    values = {Metric.ACCURACY: metrics.accuracy(probabilities, truth)}
    if several:
        values |= {
            Metric.BALANCED_ACCURACY: metrics.balanced_accuracy(probabilities, truth),
            Metric.MACRO_F1: metrics.macro_f1(probabilities, truth),
            Metric.MEAN_AUC if len(head.labels) > 2 else Metric.AUC: metrics.mean_known(aucs),
        }
    if len(head.labels) > MANY_LABELS:
        values[Metric.TOP_THREE_ACCURACY] = metrics.top_accuracy(probabilities, truth, 3)
    return values


def _abstention(head: Head, truth: np.ndarray, decided: np.ndarray, replies: np.ndarray) -> dict[Metric, float]:
    right, chose, answered = decided == truth, decided != MISSING, replies == Reply.ANSWERED
    possible = {reply: metric for reply, metric in REPLIES.items() if head.asked_if or reply is not Reply.NOT_ASKED}
    return {
        Metric.DECIDED: metrics.share(chose),
        Metric.ACCURACY_WHEN_DECIDED: metrics.share(right[chose]),
        **{metric: metrics.share(replies == reply) for reply, metric in possible.items()},
        Metric.ACCURACY_WHEN_ANSWERED: metrics.share(right[answered]),
    }


def _trust(probabilities: np.ndarray, truth: np.ndarray, in_set: np.ndarray) -> dict[Metric, float]:
    return {
        Metric.ECE: metrics.expected_calibration_error(probabilities, truth),
        Metric.BRIER_SCORE: metrics.brier_score(probabilities, truth),
        Metric.NEGATIVE_LOG_LIKELIHOOD: metrics.negative_log_likelihood(probabilities, truth),
        Metric.COVERAGE: metrics.share(in_set[np.arange(len(truth)), truth]),
        Metric.MEAN_SET_SIZE: metrics.mean_set_size(in_set),
        Metric.AURC: metrics.aurc(probabilities, truth),
    }


def _label_statistics(scores: HeadScores, rows: np.ndarray, called: np.ndarray, aucs: np.ndarray) -> dict[Key, float]:
    truth, guesses = scores.truth[rows], scores.probabilities[rows].argmax(axis=1)
    coverage = metrics.label_coverage(scores.in_set[rows], truth)
    values: dict[Key, float] = {}
    for index in np.unique(scores.truth):
        label = scores.head.labels[index]
        positive = truth == index
        values |= {
            (label.key, Metric.SENSITIVITY): metrics.sensitivity(guesses == index, positive),
            (label.key, Metric.SPECIFICITY): metrics.specificity(guesses == index, positive),
            (label.key, Metric.AUC): aucs[index],
            (label.key, Metric.SENSITIVITY_AT_OPERATING_POINT): metrics.sensitivity(called[:, index], positive),
            (label.key, Metric.SPECIFICITY_AT_OPERATING_POINT): metrics.specificity(called[:, index], positive),
            (label.key, Metric.COVERAGE): coverage[index],
        }
    return values


def _counts(scores: HeadScores) -> dict[Key, int]:
    """The number of images of each measure that is not over all of them."""
    counts: dict[Key, int] = {
        ("", Metric.ACCURACY_WHEN_DECIDED): int((scores.decided != MISSING).sum()),
        ("", Metric.ACCURACY_WHEN_ANSWERED): int((scores.replies == Reply.ANSWERED).sum()),
    }
    for index, label in enumerate(scores.head.labels):
        positives = int((scores.truth == index).sum())
        negatives = len(scores.truth) - positives
        counts |= {(label.key, metric): positives for metric in OF_POSITIVES}
        counts |= {(label.key, metric): negatives for metric in OF_NEGATIVES}
    return counts
