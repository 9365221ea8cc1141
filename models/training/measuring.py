"""All measures of one head from its scores: named, rounded, each with its interval and its number of images."""

from collections.abc import Callable, Iterable

import numpy as np

from models.card import HeadCard, Measure
from models.task import Head, Label
from models.training import metrics
from models.training.datasets import MISSING
from models.training.scoring import HeadScores, Reply

ACCURACY, BALANCED_ACCURACY, MACRO_F1 = "Accuracy", "Balanced accuracy", "Macro F1"
MEAN_AUC, AUC = "Mean AUC", "AUC"
TOP_THREE = "Right label among the top three"
DECIDED, DECIDED_ACCURACY = "Decided (not inconclusive)", "Accuracy when decided"
ECE_BY_CHANCE = "Calibration error that chance alone would give"
ECE, BRIER, NLL = "Calibration error (ECE)", "Brier score", "Negative log likelihood"
COVERAGE, SET_SIZE, AURC = "Coverage", "Mean set size", "Area under the risk-coverage curve (AURC)"
ANSWERED_ACCURACY = "Accuracy when answered"
SENSITIVITY, SPECIFICITY = "Sensitivity", "Specificity"
REPLIES = {
    Reply.REFUSED: "Refused",
    Reply.NOT_ASKED: "Not asked",
    Reply.INCONCLUSIVE: "Inconclusive",
    Reply.ANSWERED: "Answered",
}
# What pages show first; the rest stands under "details".
SUMMARY = (ACCURACY, BALANCED_ACCURACY, MEAN_AUC, AUC, TOP_THREE, DECIDED, DECIDED_ACCURACY, ECE)
LABEL_SUMMARY = (SENSITIVITY, SPECIFICITY, AUC)
SOURCE_SUMMARY = (ACCURACY, BALANCED_ACCURACY, MEAN_AUC, AUC)
MANY_LABELS = 7
CURVE_POINTS = 20

# Label key, "" for all labels together, and the name of the measure.
Key = tuple[str, str]


def measure_head(scores: HeadScores, card: HeadCard) -> dict[str, list[Measure]]:
    """Label key, or "" for all labels together -> its measures; labels that no image has are left out."""
    counts = _counts(scores)
    found: dict[str, list[Measure]] = {}
    for (label, name), interval in metrics.bootstrap(_statistics(scores, card), scores.groups).items():
        n = counts.get((label, name), len(scores.truth))
        found.setdefault(label, []).append(_measure(name, interval, n))
    by_chance = metrics.calibration_error_by_chance(scores.probabilities)
    found[""].append(_measure(ECE_BY_CHANCE, by_chance, len(scores.truth)))
    return found


def measure_share(name: str, hits: np.ndarray, groups: np.ndarray) -> Measure:
    """The share of a bool [n] as a measure."""
    interval = metrics.bootstrap(lambda rows: {name: metrics.share(hits[rows])}, groups)[name]
    return _measure(name, interval, len(hits))


def _measure(name: str, interval: metrics.Interval, n: int) -> Measure:
    return Measure(name, *(round(value, 4) for value in (interval.value, interval.low, interval.high)), n=n)


def named(measures: Iterable[Measure], names: Iterable[str]) -> list[Measure]:
    """Those of these names, in the order of `measures`."""
    wanted = set(names)
    return [one for one in measures if one.name in wanted]


def unnamed(measures: Iterable[Measure], names: Iterable[str]) -> list[Measure]:
    """Those of other names."""
    unwanted = set(names)
    return [one for one in measures if one.name not in unwanted]


def operating_thresholds(head: Head, card: HeadCard) -> np.ndarray:
    """The threshold of each label at the operating point that the task declares for it, [labels]."""
    return np.array([card.operating_points[label.operating_point][label.key] for label in head.labels])


def thin_risk_coverage(scores: HeadScores) -> list[dict[str, float]]:
    """The risk-coverage curve at CURVE_POINTS coverages at most."""
    coverage, risk = metrics.risk_coverage_curve(scores.probabilities, scores.truth)
    rows = np.unique(np.linspace(0, len(coverage) - 1, CURVE_POINTS).round().astype(int))
    return [{"coverage": round(float(coverage[row]), 4), "risk": round(float(risk[row]), 4)} for row in rows]


def _statistics(scores: HeadScores, card: HeadCard) -> Callable[[np.ndarray], dict[Key, float]]:
    several = len(np.unique(scores.truth)) > 1
    called = scores.probabilities >= operating_thresholds(scores.head, card)

    def statistics(rows: np.ndarray) -> dict[Key, float]:
        probabilities, truth = scores.probabilities[rows], scores.truth[rows]
        aucs = metrics.label_aucs(probabilities, truth)
        overall = _right_and_wrong(scores.head, probabilities, truth, aucs, several=several)
        overall |= _abstention(scores.head, truth, scores.decided[rows], scores.replies[rows])
        overall |= _trust(probabilities, truth, scores.in_set[rows])
        found: dict[Key, float] = {("", name): value for name, value in overall.items()}
        return found | _label_statistics(scores, rows, called[rows], aucs)

    return statistics


def _right_and_wrong(
    head: Head, probabilities: np.ndarray, truth: np.ndarray, aucs: np.ndarray, *, several: bool
) -> dict[str, float]:
    """`several`: whether all images together have more than one label; else means over labels say nothing."""
    found = {ACCURACY: metrics.accuracy(probabilities, truth)}
    if several:
        found |= {
            BALANCED_ACCURACY: metrics.balanced_accuracy(probabilities, truth),
            MACRO_F1: metrics.macro_f1(probabilities, truth),
            MEAN_AUC if len(head.labels) > 2 else AUC: metrics.mean_known(aucs),
        }
    if len(head.labels) > MANY_LABELS:
        found[TOP_THREE] = metrics.top_accuracy(probabilities, truth, 3)
    return found


def _abstention(head: Head, truth: np.ndarray, decided: np.ndarray, replies: np.ndarray) -> dict[str, float]:
    right, chose, answered = decided == truth, decided != MISSING, replies == Reply.ANSWERED
    possible = {reply: name for reply, name in REPLIES.items() if head.asked_if or reply is not Reply.NOT_ASKED}
    return {
        DECIDED: metrics.share(chose),
        DECIDED_ACCURACY: metrics.share(right[chose]),
        **{name: metrics.share(replies == reply) for reply, name in possible.items()},
        ANSWERED_ACCURACY: metrics.share(right[answered]),
    }


def _trust(probabilities: np.ndarray, truth: np.ndarray, in_set: np.ndarray) -> dict[str, float]:
    return {
        ECE: metrics.expected_calibration_error(probabilities, truth),
        BRIER: metrics.brier_score(probabilities, truth),
        NLL: metrics.negative_log_likelihood(probabilities, truth),
        COVERAGE: metrics.share(in_set[np.arange(len(truth)), truth]),
        SET_SIZE: metrics.mean_set_size(in_set),
        AURC: metrics.aurc(probabilities, truth),
    }


def _label_statistics(scores: HeadScores, rows: np.ndarray, called: np.ndarray, aucs: np.ndarray) -> dict[Key, float]:
    truth, guesses = scores.truth[rows], scores.probabilities[rows].argmax(axis=1)
    coverage = metrics.label_coverage(scores.in_set[rows], truth)
    found: dict[Key, float] = {}
    for index in np.unique(scores.truth):
        label = scores.head.labels[index]
        positive = truth == index
        found |= {
            (label.key, SENSITIVITY): metrics.sensitivity(guesses == index, positive),
            (label.key, SPECIFICITY): metrics.specificity(guesses == index, positive),
            (label.key, AUC): aucs[index],
            (label.key, _at(SENSITIVITY, label)): metrics.sensitivity(called[:, index], positive),
            (label.key, _at(SPECIFICITY, label)): metrics.specificity(called[:, index], positive),
            (label.key, COVERAGE): coverage[index],
        }
    return found


def _at(name: str, label: Label) -> str:
    return f"{name} at the {label.operating_point} threshold"


def _counts(scores: HeadScores) -> dict[Key, int]:
    """The number of images of each measure that is not over all of them."""
    counts = {
        ("", DECIDED_ACCURACY): int((scores.decided != MISSING).sum()),
        ("", ANSWERED_ACCURACY): int((scores.replies == Reply.ANSWERED).sum()),
    }
    for index, label in enumerate(scores.head.labels):
        positives = int((scores.truth == index).sum())
        negatives = len(scores.truth) - positives
        counts |= {(label.key, name): positives for name in (SENSITIVITY, _at(SENSITIVITY, label), COVERAGE)}
        counts |= {(label.key, name): negatives for name in (SPECIFICITY, _at(SPECIFICITY, label))}
    return counts
