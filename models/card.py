"""The card of a trained network: what training and evaluation measured, kept in weights/<task>/<network>/card.json.

models/card_file.py reads and writes it: each field stands there under its name.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from models.calibration import HeadCard
from models.elsewhere import Elsewhere
from models.imaging import InputSpec
from models.measures import (
    LABEL_SUMMARY,
    SOURCE_SUMMARY,
    SUMMARY,
    GateSet,
    Measure,
    MeasureSet,
    chosen,
    find_measure,
)
from models.task import Target, Task

# Of the weights in the serving graph; models/training/precision.py measures what the smaller ones cost.
PRECISIONS = ("float32", "float16", "int8")


@dataclass(frozen=True)
class CalibrationErrors:
    """How far probabilities are to be believed: expected calibration error, Brier score, negative log likelihood."""

    ece: float
    brier: float
    nll: float


@dataclass(frozen=True)
class HeadFit:
    """How the calibration of one head came about: on `n` images, with errors `before` and `after` it.

    `labels`: in the order of the network's outputs. `miss_rate`: share of a label's own images for which it may be
    ruled out.
    """

    labels: tuple[str, ...]
    miss_rate: float
    n: int
    before: CalibrationErrors
    after: CalibrationErrors


@dataclass(frozen=True)
class Calibration:
    """Head key -> what serves, and how it was fitted on `split`, for the network whose model.keras has `sha256`.

    `limits`: of the gate's own network, key of a head of models.modality.ODD_HEADS -> type of image -> probability of
    its usual label below which a picture of that type is refused.
    """

    sha256: str
    split: str
    heads: dict[str, HeadCard]
    fits: dict[str, HeadFit]
    limits: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class DistanceCard:
    """The feature-distance test of the gate: `threshold` in the unit of its method, from images of `split`.

    `sha256` is that of the file of reference features beside the card. `auroc`: method -> how well it told images of
    other kinds. `refused`: the share of each of the sets of `n` images.
    """

    method: str
    threshold: float
    sha256: str
    split: str = "val"
    auroc: dict[str, float] = field(default_factory=dict)
    refused: dict[GateSet, float] = field(default_factory=dict)
    n: dict[GateSet, int] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingData:
    """How many images of one data set the network learned from."""

    dataset_name: str
    train_images: int


class Start(StrEnum):
    """Where the weights began."""

    IMAGENET = "imagenet"
    RANDOM = "random"
    NETWORK = "network"


@dataclass(frozen=True)
class Training:
    """How the network was trained. `start_sha256`: the first digits of that of the network that it went on from.

    `excluded`: data sets that were left out. `hidden`: widths of the heads' hidden layers. `precision`: Keras's policy.
    `learning_rate` and `precision` are None where that was not noted.
    """

    epochs: int
    seed: int
    start: Start
    data: tuple[TrainingData, ...]
    start_sha256: str = ""
    excluded: tuple[str, ...] = ()
    learning_rate: float | None = None
    hidden: tuple[int, ...] = ()
    precision: str | None = None


@dataclass(frozen=True)
class ReliabilityBin:
    """The images whose top label's probability lies in one of the equal bins of 0 to 1.

    `confidence`: their mean probability. `accuracy`: share of them that the top label was right for. `n`: how many.
    """

    confidence: float
    accuracy: float
    n: int


@dataclass(frozen=True)
class RiskPoint:
    """The share of wrong answers (`risk`) among the surest images, and the share of all that those are (`coverage`)."""

    coverage: float
    risk: float


@dataclass(frozen=True)
class HeadMetrics:
    """What was measured of one head on the `n` images whose label is known.

    `datasets`: name of a data set -> on its images alone. `sources`: name in Task.sources -> on all its data sets
    together, where it has several. `reliability`: the bins that hold images, from low to high.
    """

    n: int
    overall: MeasureSet
    datasets: dict[str, MeasureSet] = field(default_factory=dict)
    sources: dict[str, MeasureSet] = field(default_factory=dict)
    reliability: tuple[ReliabilityBin, ...] = ()
    risk_coverage: tuple[RiskPoint, ...] = ()


@dataclass(frozen=True)
class Metrics:
    """What `evaluate` measured of the network whose model.keras has `sha256`, on the `n` images of `split`.

    `refused_by_gate`: the share of the task's own images that its gate refused. `gate`: of the gate's own network, task
    name -> the shares that this task's gate refused.
    """

    split: str
    sha256: str
    n: int
    heads: dict[str, HeadMetrics]
    refused_by_gate: Measure | None = None
    gate: dict[str, dict[GateSet, Measure]] = field(default_factory=dict)

    def overall(self, head: str) -> MeasureSet:
        """What was measured of the head on all images; empty for one that had no labelled images."""
        return self.heads[head].overall if head in self.heads else MeasureSet()


@dataclass(frozen=True)
class Card:
    """Facts about one trained network. `sha256` is that of model.keras; `created` an ISO date.

    `tta_views`: names in models.tta.TTA_VIEWS whose logits are averaged. `distance` is None for a network without that
    test, `metrics` before the first evaluation, `elsewhere` before the first measurement abroad. `precision`: one of
    PRECISIONS, of the weights in the serving graph.
    """

    task: str
    network: str
    version: str
    created: str
    sha256: str
    spec: InputSpec
    calibration: Calibration
    training: Training
    tta_views: tuple[str, ...] = ("original",)
    precision: str = "float32"
    distance: DistanceCard | None = None
    metrics: Metrics | None = None
    elsewhere: Elsewhere | None = None

    @property
    def heads(self) -> dict[str, HeadCard]:
        """Head key -> its calibration."""
        return self.calibration.heads

    @property
    def training_images(self) -> dict[str, int]:
        """Name of each data set -> how many of its images the network learned from."""
        return {one.dataset_name: one.train_images for one in self.training.data}

    @property
    def trained_on(self) -> tuple[str, ...]:
        """The names of the data sets that it learned from."""
        return tuple(self.training_images)

    def overall(self, head: str) -> MeasureSet:
        """All that was measured of the head on all images; empty before the first evaluation."""
        return self.metrics.overall(head) if self.metrics else MeasureSet()

    def measures(self, head: str) -> tuple[Measure, ...]:
        """How good the head was measured to be, all labels together: what comes first of `overall`."""
        return chosen(self.overall(head).measures, SUMMARY)

    def label_measures(self, head: str) -> dict[str, tuple[Measure, ...]]:
        """Label key -> what comes first of its measures (sensitivity, specificity, AUC)."""
        return {label: chosen(measures, LABEL_SUMMARY) for label, measures in self.overall(head).labels.items()}

    def dataset_measures(self, head: str) -> dict[str, tuple[Measure, ...]]:
        """Name of a data set -> what comes first of the head's measures on its test images alone."""
        return _first_of_sources(self._head(head).datasets)

    def source_measures(self, head: str) -> dict[str, tuple[Measure, ...]]:
        """Name in Task.sources -> the same on all its data sets together, where it has several."""
        return _first_of_sources(self._head(head).sources)

    def reliability(self, head: str) -> tuple[ReliabilityBin, ...]:
        """The bins of the head's reliability diagram; none before the first evaluation."""
        return self._head(head).reliability

    def target_measure(self, task: Task, target: Target) -> Measure | None:
        """What was measured of this target of `task`; None before the evaluation that measures it."""
        head = self._head(target.head or task.primary)
        on_images = head.sources.get(target.source, MeasureSet()) if target.source else head.overall
        return find_measure(on_images.of(target.label), target.metric)

    def _head(self, head: str) -> HeadMetrics:
        heads = self.metrics.heads if self.metrics else {}
        return heads.get(head) or HeadMetrics(n=0, overall=MeasureSet())


def _first_of_sources(sources: dict[str, MeasureSet]) -> dict[str, tuple[Measure, ...]]:
    return {name: chosen(some.measures, SOURCE_SUMMARY) for name, some in sources.items()}
