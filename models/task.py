"""What a human declares about a clinical question, and the pure result of answering it. No network is loaded here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from models.measures import GateSet, Metric
from models.reason import Reason


class Modality(StrEnum):
    """Kinds of picture that the gate tells apart."""

    CLINICAL_PHOTO = "clinical_photo"
    DERMOSCOPY = "dermoscopy"
    BONE_XRAY = "bone_xray"
    CHEST_XRAY = "chest_xray"
    BRAIN_MRI = "brain_mri"
    # No task reads these: they are told apart so that a refusal can name them.
    HEAD_CT = "head_ct"
    LESION_PHOTO = "lesion_photo"
    OTHER_MEDICAL = "other_medical"
    NOT_MEDICAL = "not_medical"


class Outcome(StrEnum):
    """What one analysis came to."""

    FINDING = "finding"
    NO_FINDING = "no_finding"
    INCONCLUSIVE = "inconclusive"
    NOT_ASSESSED = "not_assessed"


class Decision(StrEnum):
    """Where one label stands after the decision (models/decision.py): the only one in question, one of several, kept
    apart since it must not be missed, or ruled out."""

    LIKELY = "likely"
    POSSIBLE = "possible"
    NOT_EXCLUDED = "not_excluded"
    UNLIKELY = "unlikely"


class OperatingPoint(StrEnum):
    """Named thresholds of one label against all others, chosen on validation."""

    BALANCED = "balanced"
    SENSITIVITY_95 = "sensitivity_95"


@dataclass(frozen=True)
class Label:
    """One possible answer. `is_finding` is False for the answer "nothing of the kind is seen".

    `operating_point`: SENSITIVITY_95 for a label that must not be missed; it is then ruled out at lower probabilities.
    """

    key: str
    name: str
    is_finding: bool = True
    note: str = ""
    operating_point: OperatingPoint = OperatingPoint.BALANCED


@dataclass(frozen=True)
class Head:
    """One question to the network.

    `conditioned_on`: the head whose most probable label picks the specialist that answers this one.

    `asked_if` (head key, label key): the question makes sense only while that label is not ruled out.
    """

    key: str
    title: str
    labels: tuple[Label, ...]
    conditioned_on: str | None = None
    asked_if: tuple[str, str] | None = None
    note: str = ""

    @property
    def grave(self) -> tuple[int, ...]:
        """The indices of the labels that must not be missed."""
        return tuple(i for i, one in enumerate(self.labels) if one.operating_point is OperatingPoint.SENSITIVITY_95)

    @property
    def ill(self) -> tuple[int, ...]:
        """The same, or the indices of all findings where no label is declared so: whoever has one of them is ill."""
        return self.grave or tuple(i for i, label in enumerate(self.labels) if label.is_finding)

    def label(self, key: str) -> Label:
        """The label of this key; KeyError if the head has none such."""
        for label in self.labels:
            if label.key == key:
                return label
        raise KeyError(f"head {self.key!r} has no label {key!r}")


@dataclass(frozen=True)
class DataSource:
    """Images of one origin that the network learned from. `datasets`: the names that the manifests give to its parts.

    `licence` says so where it is unknown, or was not read at the source.
    """

    name: str
    datasets: tuple[str, ...]
    licence: str
    bias: str


@dataclass(frozen=True)
class Target:
    """What a measure should come to on the test split; `is_ceiling`: the lower the better.

    The measure is that of the primary head, or of `head`; of all labels together, or of `label`; on all images, or on
    those of `source`, a name in Task.sources.
    """

    metric: Metric
    reach: float
    stretch: float | None = None
    is_ceiling: bool = False
    head: str = ""
    label: str = ""
    source: str = ""


@dataclass(frozen=True)
class GateTarget:
    """What share of one set of images the gate should refuse: at least `reach`, or at most where `is_ceiling`."""

    images: GateSet
    reach: float
    is_ceiling: bool = False


# The same for every task: how far probabilities may be off, and what the gate may let through and refuse.
CALIBRATION_TARGET = Target(Metric.ECE, reach=0.03, is_ceiling=True)
GATE_TARGETS = (
    GateTarget(GateSet.RIGHT_KIND, reach=0.05, is_ceiling=True),
    GateTarget(GateSet.OTHER_KIND, reach=0.95),
    GateTarget(GateSet.OTHER_KIND_GREY, reach=0.95),
    GateTarget(GateSet.NOT_MEDICAL, reach=0.98),
)


@dataclass(frozen=True)
class Task:
    """One clinical question that a network answers, declared in models/tasks/<name>.py.

    `default_network` serves unless another one is chosen (models/deployment.py). `primary` names the head that decides
    the outcome; the other heads are shown beside it. `subgroups`: for which people and devices nothing is known. The
    first of `targets` is of the primary head and decides between networks.
    """

    name: str
    title: str
    question: str
    image_kind: str
    modality: Modality
    default_network: str
    heads: tuple[Head, ...]
    primary: str
    intended_use: str
    limitations: tuple[str, ...]
    out_of_scope: tuple[str, ...] = ()
    subgroups: tuple[str, ...] = ()
    sources: tuple[DataSource, ...] = ()
    targets: tuple[Target, ...] = ()

    def head(self, key: str) -> Head:
        """The head of this key; KeyError if the task has none such."""
        for head in self.heads:
            if head.key == key:
                return head
        raise KeyError(f"task {self.name!r} has no head {key!r}")

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels of the primary head: the possible answers to `question`."""
        return self.head(self.primary).labels


@dataclass(frozen=True)
class LabelResult:
    """One label with its calibrated probability (0 to 1) and the decision on it."""

    label: Label
    probability: float
    decision: Decision

    @property
    def in_set(self) -> bool:
        """Whether it is in the prediction set: likely, possible or not excluded."""
        return self.decision is not Decision.UNLIKELY


@dataclass(frozen=True)
class HeadResult:
    """All labels of one head in the head's order; probabilities sum to 1. `decided` is None when inconclusive.

    `top` is the most probable label, decided or not.
    """

    head: Head
    labels: tuple[LabelResult, ...]
    decided: Label | None
    reason: Reason

    @property
    def top(self) -> LabelResult:
        """The label of the highest probability, whether it is decided on or not."""
        return max(self.labels, key=lambda result: result.probability)


class QualityPart(StrEnum):
    """In which respects the quality of a picture is rated (models/quality.py)."""

    SHARPNESS = "sharpness"
    EXPOSURE = "exposure"
    FRAMING = "framing"
    SIZE = "size"
    LIKENESS = "likeness"


@dataclass(frozen=True)
class Quality:
    """How good a picture is in each respect, 0 to 100."""

    parts: Mapping[QualityPart, int]

    @property
    def score(self) -> int:
        """Between the mean of the parts and the lowest, so that one bad part is not hidden by good ones."""
        scores = list(self.parts.values())
        return round((sum(scores) / len(scores) + min(scores)) / 2)


@dataclass(frozen=True)
class NetworkVersion:
    """Which network answered: its name, the version of its card and the SHA-256 of its model.keras."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True)
class Prediction:
    """The pure result of one image. `heads` and `saliencies` are empty when the image was NOT_ASSESSED.

    `reason`: why the primary head decided so, or why the gate refused the image; None where there is nothing to say.
    `saliencies`: label key of the primary head -> float32 [height, width] in 0 to 1 over the whole image (any aspect,
    low resolution), for the labels worth a look, the most probable (`lead`) first; empty when nothing spoke for any.
    `suggested`: name of the task that the gate takes the picture to be for, when that is another one; else "".
    `righted`: what was done to the picture before it was read, each a RightingCode with its values. `quality`: None for
    a task of which no anchors were measured.
    """

    task: Task
    outcome: Outcome
    reason: Reason | None
    network: NetworkVersion
    heads: tuple[HeadResult, ...] = ()
    saliencies: dict[str, np.ndarray] = field(default_factory=dict)
    suggested: str = ""
    righted: tuple[Reason, ...] = ()
    quality: Quality | None = None
    timings_ms: dict[str, float] = field(default_factory=dict)

    @property
    def primary(self) -> HeadResult | None:
        """The head that decided the outcome; None when the image was not assessed."""
        return next((result for result in self.heads if result.head.key == self.task.primary), None)

    @property
    def lead(self) -> LabelResult | None:
        """The primary head's most probable label; None when the image was not assessed."""
        return self.primary.top if self.primary else None
