"""Probabilities and thresholds to an outcome, with the reason in words.

The labels at or above their thresholds are the prediction set. With thresholds set on validation so that each label's
own images stay in the set 90 times in 100, this is class-conditional (Mondrian) split-conformal prediction (Vovk et
al., 2005; Sadinle, Lei and Wasserman, JASA 2019). The most probable label joins a set that lacks it: thresholds differ,
and nobody would follow an answer that is less probable than another. One label in the set: decided. None or several:
inconclusive.

The thresholds of a head of two labels are at most 0.5 each and span a band of probabilities: at or above one label's
threshold and at most 1 minus the other's, both stay in the set. Its set is never empty.
"""

import numpy as np

from models.task import Decision, Head, HeadResult, Label, LabelResult, OperatingPoint, Outcome


def decide_head(head: Head, probabilities: np.ndarray, thresholds: dict[str, float]) -> HeadResult:
    """`probabilities`: [labels] in 0 to 1, in the head's order."""
    above = _prediction_set(head, probabilities, thresholds)
    decided = above[0] if len(above) == 1 else None
    results = tuple(
        LabelResult(label, float(p), _decision(label, above))
        for label, p in zip(head.labels, probabilities, strict=True)
    )
    return HeadResult(head=head, labels=results, decided=decided, reason=_reason(results, thresholds))


def _prediction_set(head: Head, probabilities: np.ndarray, thresholds: dict[str, float]) -> list[Label]:
    above = [p >= thresholds[label.key] for label, p in zip(head.labels, probabilities, strict=True)]
    if any(above):
        above[int(np.argmax(probabilities))] = True
    return [label for label, is_in in zip(head.labels, above, strict=True) if is_in]


def _decision(label: Label, above: list[Label]) -> Decision:
    if label not in above:
        return Decision.UNLIKELY
    return Decision.LIKELY if len(above) == 1 else Decision.POSSIBLE


def _reason(results: tuple[LabelResult, ...], thresholds: dict[str, float]) -> str:
    above = [result for result in results if result.decision is not Decision.UNLIKELY]
    if len(above) == 1:
        return f"Only {above[0].label.name} reaches its threshold."
    if not above:
        return "No answer reaches its threshold: the network was surer of most images that it was tried on."
    return _band_reason(results, thresholds) if len(results) == 2 else _set_reason(above)


def _band_reason(results: tuple[LabelResult, ...], thresholds: dict[str, float]) -> str:
    finding, other = sorted(results, key=lambda result: not result.label.is_finding)
    low, high = thresholds[finding.label.key], 1 - thresholds[other.label.key]
    return (
        f"{finding.label.name} has a probability of {finding.probability:.2f}, which lies between {low:.2f} and "
        f"{high:.2f}, where right and wrong answers mix."
    )


def _set_reason(above: list[LabelResult]) -> str:
    names = [result.label.name for result in above]
    most = max(result.probability for result in above)
    kept = [
        f"{result.label.name} must not be missed, so it stays possible at low probabilities too."
        for result in above
        if result.label.operating_point is OperatingPoint.SENSITIVITY_95 and result.probability < most
    ]
    return " ".join([f"The network cannot choose between {', '.join(names[:-1])} and {names[-1]}.", *kept])


def outcome_of(primary: HeadResult) -> Outcome:
    """What the deciding head's result means for the image."""
    if primary.decided is None:
        return Outcome.INCONCLUSIVE
    return Outcome.FINDING if primary.decided.is_finding else Outcome.NO_FINDING


def asked_heads(heads: tuple[HeadResult, ...]) -> tuple[HeadResult, ...]:
    """The heads whose question makes sense: those whose `asked_if` label has not been ruled out."""
    results = {result.head.key: result for result in heads}

    def is_asked(head: Head) -> bool:
        if head.asked_if is None:
            return True
        asked, key = head.asked_if
        return any(line.label.key == key and line.decision is not Decision.UNLIKELY for line in results[asked].labels)

    return tuple(result for result in heads if is_asked(result.head))
