"""From logits to what a reader would have been told abroad: decisions, and how often they are right or wrong."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.calibration import HeadCard
from models.decision import prediction_set
from models.measures import Measure, MeasureSet, Metric
from models.task import Head, OperatingPoint
from models.training import metrics
from models.training.abroad.answers import HeadAsked
from models.training.manifest import MISSING
from models.training.measuring import rounded


@dataclass(frozen=True)
class Told:
    """What one head said of n images: probabilities [n, labels], `decided` and `truth` int [n] (MISSING: undecided)."""

    head: Head
    probabilities: np.ndarray
    truth: np.ndarray
    decided: np.ndarray
    groups: np.ndarray

    def take(self, rows: np.ndarray) -> "Told":
        return Told(self.head, self.probabilities[rows], self.truth[rows], self.decided[rows], self.groups[rows])


def tell(asked: HeadAsked, card: HeadCard) -> Told:
    """What a network with this calibration says, by the decision that serves."""
    probabilities = asked.probabilities(card.temperature)
    balanced = card.operating_points[OperatingPoint.BALANCED]
    members = prediction_set(asked.head, probabilities, card.thresholds, balanced).members
    decided = np.where(members.sum(axis=1) == 1, members.argmax(axis=1), MISSING)
    return Told(asked.head, probabilities, asked.truth, decided, asked.groups)


def join(parts: Sequence[Told]) -> Told:
    """All images of several networks as if one had answered them."""
    arrays = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("probabilities", "truth", "decided", "groups")
    )
    return Told(parts[0].head, *arrays)


def measure(told: Told) -> MeasureSet:
    """All measures of the yardstick, with 95 % intervals over groups."""
    ill = np.isin(told.truth, told.head.ill)
    counts = {metric: int(ill.sum()) for metric in (Metric.SENSITIVITY, Metric.CALLED_CLEAR)}
    counts[Metric.SPECIFICITY] = int((~ill).sum())
    intervals = metrics.bootstrap(_statistics(told), told.groups)
    aucs = {key: intervals.pop(key) for key in list(intervals) if key.startswith("auc ")}
    overall = [rounded(Metric(name), one, counts.get(Metric(name), len(told.truth))) for name, one in intervals.items()]
    labels: dict[str, tuple[Measure, ...]] = {
        key.removeprefix("auc "): (rounded(Metric.AUC, interval, len(told.truth)),) for key, interval in aucs.items()
    }
    return MeasureSet(tuple(overall), labels)


def _statistics(told: Told) -> Callable[[np.ndarray], dict[str, float]]:
    """Metric -> value on the chosen images; "auc LABEL" for one label against all others."""
    several = len(np.unique(told.truth)) > 1

    def statistics(rows: np.ndarray) -> dict[str, float]:
        some = told.take(rows)
        values = {**_of_top_labels(some), **_of_decisions(some)}
        if several:
            aucs = metrics.label_aucs(some.probabilities, some.truth)
            values |= {Metric.BALANCED_ACCURACY: metrics.balanced_accuracy(some.probabilities, some.truth)}
            # As measure_head names it at home, so that the two stand side by side.
            values |= {Metric.MEAN_AUC if len(told.head.labels) > 2 else Metric.AUC: metrics.mean_known(aucs)}
            values |= {f"auc {label.key}": auc for label, auc in zip(told.head.labels, aucs, strict=True)}
        return values

    return statistics


def _of_top_labels(told: Told) -> dict[str, float]:
    ill, called = np.isin(told.truth, told.head.ill), np.isin(told.probabilities.argmax(axis=1), told.head.ill)
    suspicion = told.probabilities[:, list(told.head.ill)].sum(axis=1)
    both = np.column_stack([1 - suspicion, suspicion])
    return {
        Metric.ACCURACY: metrics.accuracy(told.probabilities, told.truth),
        Metric.ILL_AUC: float(metrics.label_aucs(both, ill.astype(int))[1]),
        Metric.SENSITIVITY: metrics.sensitivity(called, ill),
        Metric.SPECIFICITY: metrics.specificity(called, ill),
    }


def _of_decisions(told: Told) -> dict[str, float]:
    answered = told.decided != MISSING
    ill = np.isin(told.truth, told.head.ill)
    clear = answered & ~np.isin(told.decided, told.head.ill)
    return {
        Metric.ANSWERED: metrics.share(answered),
        Metric.ANSWERED_WRONGLY: metrics.share(answered & (told.decided != told.truth)),
        Metric.CALLED_CLEAR: metrics.share(clear[ill]),
    }
