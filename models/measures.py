"""What is measured of a network: the names of the measures, their titles, and one measured number."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Metric(StrEnum):
    """Names of what is measured; cards, audits and targets keep these. models/training/metrics.py computes them."""

    ACCURACY = "accuracy"
    BALANCED_ACCURACY = "balanced_accuracy"
    MACRO_F1 = "macro_f1"
    MEAN_AUC = "mean_auc"
    AUC = "auc"
    AUC_AGAINST_OTHER_SOURCES = "auc_against_other_sources"
    TOP_THREE_ACCURACY = "top_three_accuracy"
    DECIDED = "decided"
    ACCURACY_WHEN_DECIDED = "accuracy_when_decided"
    REFUSED = "refused"
    NOT_ASKED = "not_asked"
    INCONCLUSIVE = "inconclusive"
    ANSWERED = "answered"
    ACCURACY_WHEN_ANSWERED = "accuracy_when_answered"
    ECE = "ece"
    ECE_BY_CHANCE = "ece_by_chance"
    BRIER_SCORE = "brier_score"
    NEGATIVE_LOG_LIKELIHOOD = "negative_log_likelihood"
    COVERAGE = "coverage"
    MEAN_SET_SIZE = "mean_set_size"
    AURC = "aurc"
    SENSITIVITY = "sensitivity"
    SPECIFICITY = "specificity"
    SENSITIVITY_AT_OPERATING_POINT = "sensitivity_at_operating_point"
    SPECIFICITY_AT_OPERATING_POINT = "specificity_at_operating_point"
    ILL_AUC = "ill_auc"
    ANSWERED_WRONGLY = "answered_wrongly"
    CALLED_CLEAR = "called_clear"
    INSERTION_LESS_DELETION = "insertion_less_deletion"
    INSERTION_LESS_DELETION_OF_CENTRE = "insertion_less_deletion_of_centre"
    HEAT_IN_RIGHT_QUARTER = "heat_in_right_quarter"
    LIKENESS_MIRRORED_BACK = "likeness_mirrored_back"
    LIKENESS_MIRRORED = "likeness_mirrored"
    LIKENESS_TO_RANDOM_WEIGHTS = "likeness_to_random_weights"

    @property
    def words(self) -> str:
        """What pages, reports and commands call it."""
        return _TITLES[self]


_TITLES = {
    Metric.ACCURACY: "Accuracy",
    Metric.BALANCED_ACCURACY: "Balanced accuracy",
    Metric.MACRO_F1: "Macro F1",
    Metric.MEAN_AUC: "Mean AUC",
    Metric.AUC: "AUC",
    Metric.AUC_AGAINST_OTHER_SOURCES: "AUC against other sources",
    Metric.TOP_THREE_ACCURACY: "Top-3 accuracy",
    Metric.DECIDED: "Decided (not inconclusive)",
    Metric.ACCURACY_WHEN_DECIDED: "Accuracy when decided",
    Metric.REFUSED: "Refused",
    Metric.NOT_ASKED: "Not asked",
    Metric.INCONCLUSIVE: "Inconclusive",
    Metric.ANSWERED: "Answered",
    Metric.ACCURACY_WHEN_ANSWERED: "Accuracy when answered",
    Metric.ECE: "Calibration error (ECE)",
    Metric.ECE_BY_CHANCE: "Calibration error expected by chance",
    Metric.BRIER_SCORE: "Brier score",
    Metric.NEGATIVE_LOG_LIKELIHOOD: "Negative log likelihood",
    Metric.COVERAGE: "Coverage",
    Metric.MEAN_SET_SIZE: "Mean set size",
    Metric.AURC: "Area under the risk-coverage curve (AURC)",
    Metric.SENSITIVITY: "Sensitivity",
    Metric.SPECIFICITY: "Specificity",
    Metric.SENSITIVITY_AT_OPERATING_POINT: "Sensitivity at its operating point",
    Metric.SPECIFICITY_AT_OPERATING_POINT: "Specificity at its operating point",
    Metric.ILL_AUC: "AUC, ill or not",
    Metric.ANSWERED_WRONGLY: "Answered and wrong, of all images",
    Metric.CALLED_CLEAR: "Ill, called clear",
    Metric.INSERTION_LESS_DELETION: "Insertion less deletion, hottest places first",
    Metric.INSERTION_LESS_DELETION_OF_CENTRE: "The same, the middle of the image first",
    Metric.HEAT_IN_RIGHT_QUARTER: "Heat in the right one of four images (chance: 0.25)",
    Metric.LIKENESS_MIRRORED_BACK: "Likeness to the map of the mirrored image, mirrored back",
    Metric.LIKENESS_MIRRORED: "Likeness to that map as it is",
    Metric.LIKENESS_TO_RANDOM_WEIGHTS: "Likeness to the map of random weights",
}

# What pages show first of a head, of one of its labels, of the images of one source, and of images from elsewhere; the
# rest are details.
SUMMARY = (
    Metric.ACCURACY,
    Metric.BALANCED_ACCURACY,
    Metric.MEAN_AUC,
    Metric.AUC,
    Metric.TOP_THREE_ACCURACY,
    Metric.DECIDED,
    Metric.ACCURACY_WHEN_DECIDED,
    Metric.ECE,
)
LABEL_SUMMARY = (Metric.SENSITIVITY, Metric.SPECIFICITY, Metric.AUC)
SOURCE_SUMMARY = (Metric.ACCURACY, Metric.BALANCED_ACCURACY, Metric.MEAN_AUC, Metric.AUC)
ELSEWHERE_SUMMARY = (Metric.ACCURACY, Metric.ANSWERED, Metric.ANSWERED_WRONGLY, Metric.CALLED_CLEAR)


class GateSet(StrEnum):
    """Sets of images that the gate of one task is tried on: those it should let through, and three to refuse.

    `OTHER_KIND_GREY`: the images of other kinds that have colour, turned grey.
    """

    RIGHT_KIND = "right_kind"
    OTHER_KIND = "other_kind"
    OTHER_KIND_GREY = "other_kind_grey"
    NOT_MEDICAL = "not_medical"

    @property
    def words(self) -> str:
        """What pages and commands call the share of them that was refused."""
        return _REFUSED_TITLES[self]


_REFUSED_TITLES = {
    GateSet.RIGHT_KIND: "Refused: images of the right type",
    GateSet.OTHER_KIND: "Refused: medical images of another type",
    GateSet.OTHER_KIND_GREY: "Refused: colour images among these, converted to grey",
    GateSet.NOT_MEDICAL: "Refused: non-medical pictures",
}


@dataclass(frozen=True)
class Measure:
    """One measured number with its 95 % bootstrap interval and the number of images that it is of."""

    metric: Metric
    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class MeasureSet:
    """What was measured on some images: of all labels together, and label key -> of that label against all others."""

    measures: tuple[Measure, ...] = ()
    labels: dict[str, tuple[Measure, ...]] = field(default_factory=dict)

    def of(self, label: str) -> tuple[Measure, ...]:
        """The measures of one label, or of all together for an empty `label`; empty where there are none."""
        return self.labels.get(label, ()) if label else self.measures


def chosen(measures: Iterable[Measure], metrics: Iterable[Metric]) -> tuple[Measure, ...]:
    """Those of these metrics, in the order of `measures`."""
    wanted = set(metrics)
    return tuple(one for one in measures if one.metric in wanted)


def find_measure(measures: Iterable[Measure], metric: Metric) -> Measure | None:
    """The measure of this metric; None if it was not measured."""
    return next((one for one in measures if one.metric is metric), None)
