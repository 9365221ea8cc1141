"""Probabilities and thresholds to a decision for each label, an outcome and its reason.

The labels at or above their thresholds are the conformal set. With thresholds set on validation so that each label's
own images stay in the set 90 times in 100, this is class-conditional (Mondrian) split-conformal prediction (Vovk et
al., 2005; Sadinle, Lei and Wasserman, JASA 2019). Its thresholds differ from label to label, so that by itself it would
rule out a label of 0.69 and keep one of 0.09, which nobody could follow. Two rules put it in order:

1. A label of the set that must not be missed (operating point SENSITIVITY_95), does not reach its balanced threshold
   and is not the most probable is kept for its sensitivity alone.
2. The rest of the set is closed upwards: possible are all labels at least as probable as the least probable of it, the
   most probable label always among them. A label kept for its sensitivity that is less probable than every possible
   one is NOT_EXCLUDED: it stands apart and lifts no other label into the possible ones.

Possible and not excluded labels together, the prediction set, hold all of the conformal set, so coverage can only rise,
and the size of the set with it. One possible label with none beside it that is not excluded: decided. Several, or none
since no label reaches its threshold: inconclusive. Which images are decided, and for what, the two rules do not change.

The thresholds of a head of two labels are at most 0.5 each and span a band of probabilities: at or above one label's
threshold and at most 1 minus the other's, both are possible. Its set is never empty, and the rules do not touch it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.reason import Reason, ReasonCode, Value
from models.task import Decision, Head, HeadResult, LabelResult, OperatingPoint, Outcome


@dataclass(frozen=True)
class PredictionSet:
    """Which labels of a head stay in question, bool [..., labels] each; no label is both.

    `possible` is closed upwards: no other label is more probable than one of them. Both are empty when no label reaches
    its threshold.
    """

    possible: np.ndarray
    not_excluded: np.ndarray

    @property
    def members(self) -> np.ndarray:
        """Bool [..., labels]: possible or not excluded."""
        return self.possible | self.not_excluded

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """The decision for each label of one image, in the head's order."""
        kept = Decision.LIKELY if self.members.sum() == 1 else Decision.POSSIBLE
        return tuple(
            kept if is_possible else Decision.NOT_EXCLUDED if is_not_excluded else Decision.UNLIKELY
            for is_possible, is_not_excluded in zip(self.possible, self.not_excluded, strict=True)
        )


def decide_head(
    head: Head, probabilities: np.ndarray, thresholds: Mapping[str, float], balanced: Mapping[str, float]
) -> HeadResult:
    """The result of one head for one image; arguments and errors as for `prediction_set`."""
    decisions = prediction_set(head, probabilities, thresholds, balanced).decisions
    results = tuple(
        LabelResult(label, float(p), decision)
        for label, p, decision in zip(head.labels, probabilities, decisions, strict=True)
    )
    decided = next((result.label for result in results if result.decision is Decision.LIKELY), None)
    return HeadResult(head=head, labels=results, decided=decided, reason=_reason(head, results, thresholds))


def prediction_set(
    head: Head, probabilities: np.ndarray, thresholds: Mapping[str, float], balanced: Mapping[str, float]
) -> PredictionSet:
    """The labels that stay in question by the rules above, for one image or for many.

    `probabilities`: [..., labels] in 0 to 1, in the head's order. Label key -> 0 to 1: `thresholds` of the decision,
    and those of the `balanced` operating point. Raises ValueError for another number of probabilities than of labels.
    """
    conformal = conformal_set(head, probabilities, thresholds)
    kept_for_sensitivity = conformal & _below_balanced(head, probabilities, balanced)
    most_probable = np.eye(len(head.labels), dtype=bool)[probabilities.argmax(axis=-1)]
    firm = (conformal & ~kept_for_sensitivity) | most_probable
    least = np.where(firm, probabilities, np.inf).min(axis=-1, keepdims=True)
    possible = (probabilities >= least) & conformal.any(axis=-1, keepdims=True)
    return PredictionSet(possible, kept_for_sensitivity & ~possible)


def conformal_set(head: Head, probabilities: np.ndarray, thresholds: Mapping[str, float]) -> np.ndarray:
    """Bool [..., labels]: at or above the label's threshold; arguments and errors as for `prediction_set`."""
    if probabilities.shape[-1] != len(head.labels):
        raise ValueError(f"{head.key!r} has {len(head.labels)} labels, not {probabilities.shape[-1]}")
    return probabilities >= np.array([thresholds[label.key] for label in head.labels])


def _below_balanced(head: Head, probabilities: np.ndarray, balanced: Mapping[str, float]) -> np.ndarray:
    """Bool [..., labels]: must not be missed, and its balanced threshold would not keep it."""
    if len(head.labels) == 2:
        return np.zeros(probabilities.shape, bool)
    grave = [label.operating_point is OperatingPoint.SENSITIVITY_95 for label in head.labels]
    return np.array(grave) & (probabilities < np.array([balanced[label.key] for label in head.labels]))


def _reason(head: Head, results: Sequence[LabelResult], thresholds: Mapping[str, float]) -> Reason:
    ranked = sorted(results, key=lambda result: -result.probability)
    not_excluded = [result for result in ranked if result.decision is Decision.NOT_EXCLUDED]
    possible = [result.label.key for result in ranked if result.decision in (Decision.LIKELY, Decision.POSSIBLE)]
    if not_excluded:
        return _not_excluded_reason(head, possible, not_excluded, thresholds)
    if not possible:
        return Reason(ReasonCode.NO_LABEL, {"head": head.key})
    if len(possible) == 1:
        return Reason(ReasonCode.ONE_LABEL, {"head": head.key, "label": possible[0]})
    if len(results) == 2:
        return _band_reason(head, results, thresholds)
    return Reason(ReasonCode.SEVERAL_LABELS, {"head": head.key, "labels": possible})


def _not_excluded_reason(
    head: Head, possible: list[str], not_excluded: Sequence[LabelResult], thresholds: Mapping[str, float]
) -> Reason:
    values: dict[str, Value] = {
        "head": head.key,
        "labels": possible,
        "not_excluded": [result.label.key for result in not_excluded],
        "probabilities": [result.probability for result in not_excluded],
        "thresholds": [thresholds[result.label.key] for result in not_excluded],
    }
    return Reason(ReasonCode.NOT_EXCLUDED, values)


def _band_reason(head: Head, results: Sequence[LabelResult], thresholds: Mapping[str, float]) -> Reason:
    finding, other = sorted(results, key=lambda result: not result.label.is_finding)
    values: dict[str, Value] = {
        "head": head.key,
        "label": finding.label.key,
        "probability": finding.probability,
        "low": thresholds[finding.label.key],
        "high": 1 - thresholds[other.label.key],
    }
    return Reason(ReasonCode.BETWEEN_THRESHOLDS, values)


def outcome_of(primary: HeadResult) -> Outcome:
    """What the deciding head's result means for the image."""
    if primary.decided is None:
        return Outcome.INCONCLUSIVE
    return Outcome.FINDING if primary.decided.is_finding else Outcome.NO_FINDING


def asked_heads(heads: tuple[HeadResult, ...]) -> tuple[HeadResult, ...]:
    """The heads whose question makes sense, in their order: those whose `asked_if` label has not been ruled out."""
    results = {result.head.key: result for result in heads}

    def is_asked(head: Head) -> bool:
        if head.asked_if is None:
            return True
        asked, key = head.asked_if
        return any(line.label.key == key and line.in_set for line in results[asked].labels)

    return tuple(result for result in heads if is_asked(result.head))
