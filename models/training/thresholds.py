"""From which probability on a label counts: its operating points, and the thresholds of the decision, from validation.

Throughout, `probabilities` is float [n, labels], calibrated, `truth` int [n] the index of the right label, and a fitted
threshold the probability at and above which a label counts.
"""

import math

import numpy as np
from sklearn.metrics import roc_curve

from models.task import Head, OperatingPoint

# Share of a label's own images that may fall below its threshold of this name.
SENSITIVE_MISS_RATE = 0.05
# A label that is likelier than the other one of its head is never excluded.
EVEN = 0.5


def conformal_threshold(true_probabilities: np.ndarray, miss_rate: float) -> float:
    """The threshold that a new image of the label reaches with probability 1 - miss_rate or more.

    `true_probabilities`: [n] probabilities of the label on validation images of that label. Split-conformal prediction
    (Vovk et al., 2005): it holds for any n, for images exchangeable with these. With too few images for the rate asked,
    the threshold is 0: the label can never be ruled out.
    """
    rank = math.floor(miss_rate * (len(true_probabilities) + 1))
    return float(np.sort(true_probabilities)[rank - 1]) if rank >= 1 else 0.0


def label_thresholds(head: Head, probabilities: np.ndarray, truth: np.ndarray, miss_rate: float) -> dict[str, float]:
    """Label key -> conformal threshold from that label's own validation images.

    A label with too few of them for the rate asked would never be ruled out; it gets the threshold of all labels
    together (marginal instead of class-conditional coverage).
    """
    of_right_label = probabilities[np.arange(len(truth)), truth]
    pooled = conformal_threshold(of_right_label, miss_rate)
    thresholds = {}
    for index, label in enumerate(head.labels):
        of_label = of_right_label[truth == index]
        thresholds[label.key] = conformal_threshold(of_label, miss_rate) if _are_enough(of_label, miss_rate) else pooled
    return thresholds


def sensitive_thresholds(head: Head, probabilities: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Label key -> the highest threshold that 95 in 100 new images of the label reach (`label_thresholds`).

    A label with too few images for that gets a threshold that at least all of its own reach.
    """
    of_right_label = probabilities[np.arange(len(truth)), truth]
    thresholds = label_thresholds(head, probabilities, truth, SENSITIVE_MISS_RATE)
    for index, label in enumerate(head.labels):
        of_label = of_right_label[truth == index]
        if not _are_enough(of_label, SENSITIVE_MISS_RATE):
            thresholds[label.key] = min([thresholds[label.key], *of_label.tolist()])
    return thresholds


def _are_enough(true_probabilities: np.ndarray, miss_rate: float) -> bool:
    """Whether `conformal_threshold` can rule the label of these images [n] out at all."""
    return len(true_probabilities) >= math.ceil(1 / miss_rate) - 1


def balanced_thresholds(head: Head, probabilities: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Label key -> threshold that maximises sensitivity + specificity of the label against all others.

    Youden's J (Cancer 1950). A label that none or all of the images have gets the threshold that is best for all labels
    together.
    """
    positive = truth[:, None] == np.arange(len(head.labels))
    pooled = youden_threshold(probabilities.ravel(), positive.ravel())
    return {
        label.key: youden_threshold(probabilities[:, index], positive[:, index])
        if 0 < positive[:, index].sum() < len(truth)
        else pooled
        for index, label in enumerate(head.labels)
    }


def youden_threshold(probabilities: np.ndarray, positive: np.ndarray) -> float:
    """The highest of the [n] probabilities that maximises Youden's J for bool [n] `positive`, which holds both."""
    false_rate, true_rate, thresholds = roc_curve(positive, probabilities, drop_intermediate=False)
    # The first one is infinite: nothing is called positive.
    return float(thresholds[1:][np.argmax((true_rate - false_rate)[1:])])


def operating_points(
    head: Head, probabilities: np.ndarray, truth: np.ndarray
) -> dict[OperatingPoint, dict[str, float]]:
    """Each operating point -> label key -> threshold."""
    return {
        OperatingPoint.BALANCED: balanced_thresholds(head, probabilities, truth),
        OperatingPoint.SENSITIVITY_95: sensitive_thresholds(head, probabilities, truth),
    }


def decision_thresholds(head: Head, probabilities: np.ndarray, truth: np.ndarray, miss_rate: float) -> dict[str, float]:
    """Label key -> threshold below which the decision rules the label out.

    Conformal, so that each label's own images keep it possible with 1 - `miss_rate`; a label that must not be missed
    stays possible at least down to its `sensitivity_95`. Two caps only widen what stays possible: of two labels the
    likelier is never ruled out, which makes the two thresholds the edges of a band of probabilities (prediction sets
    say little more about so few: Mehrtens, Bucher and Brinker, 2023, arXiv:2506.18162); of more, none that is as
    probable as the rate asked, or the surest networks would find most of their right answers not sure enough.
    """
    thresholds = label_thresholds(head, probabilities, truth, miss_rate)
    ceilings = _ceilings(head, probabilities, truth)
    highest = EVEN if len(head.labels) == 2 else 1 - miss_rate
    return {key: min(threshold, ceilings[key], highest) for key, threshold in thresholds.items()}


def _ceilings(head: Head, probabilities: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Label key -> the highest threshold that its declared operating point allows."""
    sensitive = sensitive_thresholds(head, probabilities, truth)
    return {
        label.key: sensitive[label.key] if label.operating_point is OperatingPoint.SENSITIVITY_95 else 1.0
        for label in head.labels
    }
