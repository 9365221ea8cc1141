"""What stands in for the networks in tests of pages: everything around `predict` stays real."""

import io
from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image

import models
from models import (
    NO_HEADER,
    Decision,
    HeadCard,
    Header,
    HeadResult,
    LabelResult,
    NetworkVersion,
    Outcome,
    Prediction,
    Quality,
    QualityPart,
    Reason,
    ReasonCode,
    Task,
)
from models.card import Calibration, CalibrationErrors, HeadFit, HeadMetrics, Metrics, ReliabilityBin, TrainingData
from models.decision import asked_heads
from models.imaging import InputSpec
from models.measures import Measure, MeasureSet, Metric
from models.task import OperatingPoint

SHA256 = "f" * 64
# Scores 71: between their mean, 88, and the lowest.
QUALITY = {
    QualityPart.SHARPNESS: 54, QualityPart.EXPOSURE: 96, QualityPart.FRAMING: 100, QualityPart.SIZE: 90,
    QualityPart.LIKENESS: 100,
}  # fmt: skip
MEASURE = Measure(Metric.ACCURACY, 0.9, 0.85, 0.94, n=120)
LABEL_MEASURE = Measure(Metric.SENSITIVITY, 0.8, 0.7, 0.9, n=60)
# What was measured of images from elsewhere, as `abroad` orders it.
MEASURES_ELSEWHERE = (
    Measure(Metric.ACCURACY, 0.72, 0.65, 0.78, n=512),
    Measure(Metric.ILL_AUC, 0.905, 0.846, 0.947, n=512),
    Measure(Metric.ANSWERED, 0.31, 0.25, 0.37, n=512),
    Measure(Metric.ANSWERED_WRONGLY, 0.027, 0.013, 0.044, n=512),
    Measure(Metric.CALLED_CLEAR, 0.014, 0.0, 0.042, n=71),
)
ELSEWHERE = models.Elsewhere(
    created="2026-02-01",
    network="mobilenet_v2",
    side=128,
    epochs=5,
    decision=HeadCard(1.2, {}, {}),
    miss_rates={"glioma": 0.02, "no_tumor": 0.1},
    overall=MeasureSet(MEASURES_ELSEWHERE),
    home=MeasureSet((Measure(Metric.ACCURACY, 0.94, 0.91, 0.97, n=744),)),
    folds={"Vienna": MeasureSet(MEASURES_ELSEWHERE), "Queensland": MeasureSet(MEASURES_ELSEWHERE[:1])},
)


def picture(*, kind: str = "JPEG", size: tuple[int, int] = (320, 240), seed: int = 0) -> bytes:
    """An encoded picture of smooth coloured noise, `size` as (width, height); the same for the same arguments."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    file = io.BytesIO()
    small.resize(size, Image.Resampling.BICUBIC).save(file, kind)
    return file.getvalue()


@dataclass
class FakeNetworks:
    """Answers for all networks. `outcome` and `probability` (of the leading label) shape what `predict` returns;
    `suggested` is the task that the gate offers when it refuses, `reason` why it does, if not for the type of image;
    `righted` and `quality` are what it says of the picture; `detected` is what it says of one image after the
    other whose task was left open; `failure` is raised instead of any answer, `failing` numbers the calls, from 1, that
    raise one each; `missing` maps a task's name to the reason why it cannot answer; `registered` a task's name to the
    networks that have a card, where those are not the serving one alone; `elsewhere` is in the card of each.
    """

    outcome: Outcome = Outcome.FINDING
    probability: float = 0.9
    suggested: str = ""
    reason: Reason | None = None
    righted: tuple[Reason, ...] = ()
    quality: Quality | None = field(default_factory=lambda: Quality(QUALITY))
    detected: list[models.Detection | Exception] = field(default_factory=list)
    failure: Exception | None = None
    failing: tuple[int, ...] = ()
    missing: dict[str, str] = field(default_factory=dict)
    registered: dict[str, tuple[str, ...]] = field(default_factory=dict)
    elsewhere: models.Elsewhere | None = None
    calls: int = 0
    headers: list[Header] = field(default_factory=list)

    def predict(self, task: Task, pixels: np.ndarray, header: Header = NO_HEADER) -> Prediction:
        self.calls += 1
        self.headers.append(header)
        if self.failure:
            raise self.failure
        if self.calls in self.failing:
            raise RuntimeError("broken")
        version = NetworkVersion(serving(task), "1.0.0", SHA256)
        if self.outcome is Outcome.NOT_ASSESSED:
            reason = self.reason or Reason(ReasonCode.UNEXPECTED_MODALITY, {"expected": task.modality.value})
            return Prediction(
                task, self.outcome, reason, version,
                suggested=self.suggested, righted=self.righted, quality=self.quality, timings_ms={"gate": 1.0},
            )  # fmt: skip
        heads = tuple(self._answer(head) for head in task.heads)
        primary = next(result for result in heads if result.head.key == task.primary)
        return Prediction(
            task=task,
            outcome=self.outcome,
            reason=primary.reason,
            network=version,
            heads=asked_heads(heads),
            saliencies=_blobs(primary),
            righted=self.righted,
            quality=self.quality,
            timings_ms={"gate": 1.0, "network": 2.5},
        )

    def _answer(self, head: models.Head) -> HeadResult:
        """The first finding leads, or the first answer that is none; when inconclusive another stands beside it."""
        wanted = self.outcome is not Outcome.NO_FINDING
        lead = next((label for label in head.labels if label.is_finding is wanted), head.labels[0])
        rest = (1 - self.probability) / (len(head.labels) - 1)
        possible = [lead]
        if self.outcome is Outcome.INCONCLUSIVE:
            possible.append(next(label for label in head.labels if label is not lead))
        decision = Decision.LIKELY if len(possible) == 1 else Decision.POSSIBLE
        lines = tuple(
            LabelResult(
                label,
                self.probability if label is lead else rest,
                decision if label in possible else Decision.UNLIKELY,
            )
            for label in head.labels
        )
        keys = [label.key for label in possible]
        if len(keys) == 1:
            return HeadResult(head, lines, lead, Reason(ReasonCode.ONE_LABEL, {"head": head.key, "label": keys[0]}))
        return HeadResult(head, lines, None, Reason(ReasonCode.SEVERAL_LABELS, {"head": head.key, "labels": keys}))

    def detect_task(self, pixels: np.ndarray) -> models.Detection:
        found = self.detected.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def status(self) -> dict[str, str]:
        return {task.name: self.missing.get(task.name, "") for task in models.all_tasks()}

    def registered_networks(self, task: Task) -> tuple[str, ...]:
        return self.registered.get(task.name, (serving(task),))

    def get_card(self, task: Task, network: models.NetworkId | None = None) -> models.Card:
        if task.name in self.missing:
            raise models.NetworkUnavailable(self.missing[task.name])
        return replace(make_card(task, network.name if network else serving(task)), elsewhere=self.elsewhere)


def serving(task: Task) -> str:
    """The name of the network that serves `task`."""
    return models.current_deployment().network_of(task).name


def make_card(task: Task, network: str = "mobilenet_v2") -> models.Card:
    """A complete card of a network that was never trained."""
    rates = dict.fromkeys(models.GateSet, MEASURE)
    declared = [name for source in task.sources for name in source.datasets]
    return models.Card(
        task=task.name,
        network=network,
        version="1.0.0",
        created="2026-01-31",
        sha256=SHA256,
        spec=InputSpec(height=160, width=160, fit="pad"),
        calibration=Calibration(
            sha256=SHA256,
            split="val",
            heads={head.key: _head_card(head) for head in task.heads},
            fits={head.key: _head_fit(head) for head in task.heads},
        ),
        training=models.Training(
            epochs=3,
            seed=7,
            start=models.Start.IMAGENET,
            data=tuple(TrainingData(name, 64) for name in ("drawn-by-code", *declared)),
        ),
        metrics=Metrics(
            split="test",
            sha256=SHA256,
            n=120,
            heads={head.key: _head_metrics(head) for head in task.heads},
            refused_by_gate=MEASURE,
            gate={other.name: rates for other in models.all_tasks()},
        ),
    )


def trained_on(card: models.Card, images: dict[str, int], **changes) -> models.Card:
    """The card of a network that learned from so many images of each data set, with these changes of its training."""
    data = tuple(TrainingData(name, count) for name, count in images.items())
    return replace(card, training=replace(card.training, data=data, **changes))


def _head_card(head: models.Head) -> HeadCard:
    halves = {label.key: 0.5 for label in head.labels}
    return HeadCard(temperature=1.0, thresholds=halves, operating_points=dict.fromkeys(OperatingPoint, halves))


def _head_fit(head: models.Head) -> HeadFit:
    return HeadFit(
        labels=tuple(label.key for label in head.labels),
        miss_rate=0.1,
        n=60,
        before=CalibrationErrors(ece=0.12, brier=0.3, nll=0.9),
        after=CalibrationErrors(ece=0.02, brier=0.2, nll=0.5),
    )


def _head_metrics(head: models.Head) -> HeadMetrics:
    return HeadMetrics(
        n=120,
        overall=MeasureSet((MEASURE,), {label.key: (LABEL_MEASURE,) for label in head.labels}),
        datasets={"drawn-by-code": MeasureSet((MEASURE,))},
        reliability=(ReliabilityBin(0.3, 0.2, 40), ReliabilityBin(0.9, 0.8, 80)),
    )


def _blobs(primary: HeadResult) -> dict[str, np.ndarray]:
    """A hot spot for each label that is not ruled out, the most probable first: each further to the right."""
    ranked = sorted(primary.labels, key=lambda line: -line.probability)
    mapped = [line.label.key for line in ranked if line.in_set]
    rows, columns = np.ogrid[-1:1:64j, -1:1:64j]
    return {
        key: np.exp(-4 * (rows**2 + (columns - index / 2) ** 2)).astype(np.float32) for index, key in enumerate(mapped)
    }
