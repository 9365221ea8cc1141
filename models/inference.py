"""One image, one task, one Prediction: the stages in order, each timed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from models.calibration import calibrated
from models.card import Card
from models.card_file import NetworkUnavailable, read_card
from models.decision import asked_heads, decide_head, outcome_of
from models.deployment import NetworkId
from models.gate import (
    Detection,
    GateAnswers,
    GateVerdict,
    check_quality,
    choose_task,
    distance_share,
    is_surely_inverted,
    judge,
    judge_distance,
)
from models.header import NO_HEADER, Header, check_header
from models.imaging import InputSpec, prepare, shrink_to_read
from models.modality import MODALITY_TASK
from models.quality import rate_quality
from models.reason import Reason, ReasonCode
from models.registry import all_tasks
from models.righting import Righted, crop_to_field, invert_back, trim
from models.runtime import NetworkOutputs, ServingNetwork, get_network, run_views
from models.saliency import saliency_over_image
from models.task import (
    Decision,
    Head,
    HeadResult,
    LabelResult,
    Modality,
    NetworkVersion,
    OperatingPoint,
    Outcome,
    Prediction,
    Task,
)

# At most so many labels of the primary head get a saliency map: the most probable one and those that remain possible.
# One that is not excluded gets its own besides: where to look for what must not be missed.
MAPPED_LABELS = 3


class Stopwatch:
    """Milliseconds of each named stage."""

    def __init__(self) -> None:
        self.timings_ms: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Note how long the block takes, under this name."""
        start = time.perf_counter()
        yield
        self.timings_ms[name] = round((time.perf_counter() - start) * 1000, 3)


def predict(task: Task, pixels: np.ndarray, header: Header = NO_HEADER) -> Prediction:
    """What the network of `task` makes of uint8 RGB pixels [h, w, 3] out of a file with this header.

    Header, righting, gate, network, distance, calibration, decision, saliency maps. An image that its header or the
    gate refuses is NOT_ASSESSED, without probabilities. Raises NetworkUnavailable when the task's network or the gate's
    cannot be loaded.
    """
    watch = Stopwatch()
    network = get_network(task)
    with watch.stage("shrink"):
        pixels = shrink_to_read(pixels)
    with watch.stage("gate"):
        contradiction, suggested = check_header(task, header)
        verdict = GateVerdict(contradiction, suggested) if contradiction else pass_gate(task, pixels)
    reading = _Reading(task, network, watch, pixels.shape[:2], verdict.righted or Righted(pixels))
    if not verdict.passed:
        return reading.not_assessed(verdict)
    with watch.stage("prepare"):
        batch = prepare(reading.righted.pixels, network.card.spec)
    with watch.stage("network"):
        raw = run_views(network, batch)
    with watch.stage("distance"):
        verdict = judge_distance(network, raw.features)
    return reading.answer(raw) if verdict.passed else reading.not_assessed(verdict, raw)


@dataclass(frozen=True, eq=False)
class _Reading:
    """One picture on its way through `predict`. `shown`: height and width as sent, shrunk to read."""

    task: Task
    network: ServingNetwork
    watch: Stopwatch
    shown: tuple[int, int]
    righted: Righted

    def answer(self, raw: NetworkOutputs) -> Prediction:
        task, card = self.task, self.network.card
        with self.watch.stage("decide"):
            heads = decide(task, card, raw.logits)
        primary = next(result for result in heads if result.head.key == task.primary)
        with self.watch.stage("saliency"):
            saliencies = _saliencies(primary, _primary_maps(task, heads, raw.maps), self.righted, card.spec)
        return replace(
            self._prediction(outcome_of(primary), primary.reason, raw),
            heads=asked_heads(heads),
            saliencies=saliencies,
        )

    def not_assessed(self, verdict: GateVerdict, raw: NetworkOutputs | None = None) -> Prediction:
        return replace(self._prediction(Outcome.NOT_ASSESSED, verdict.reason, raw), suggested=verdict.suggested)

    def _prediction(self, outcome: Outcome, reason: Reason | None, raw: NetworkOutputs | None) -> Prediction:
        """What every answer tells; the network's own words are missing."""
        card = self.network.card
        with self.watch.stage("quality"):
            quality = rate_quality(
                self.task,
                self.righted,
                shown=self.shown,
                read_side=min(card.spec.height, card.spec.width),
                distance=distance_share(self.network, raw.features) if raw else None,
            )
        version = NetworkVersion(card.network, card.version, card.sha256)
        return Prediction(
            self.task, outcome, reason, version,
            righted=self.righted.done, quality=quality, timings_ms=self.watch.timings_ms,
        )  # fmt: skip


def pass_gate(task: Task, pixels: np.ndarray) -> GateVerdict:
    """The gate alone: whether uint8 RGB pixels [h, w, 3] are an image that `task` was made for, and what to read of it.

    Raises NetworkUnavailable when the gate's network is missing.
    """
    righted = trim(pixels)
    verdict = check_quality(righted.pixels)
    if verdict.passed:
        return judge_righted(task, righted, ask_gate(righted.pixels))
    return replace(verdict, righted=righted)


def judge_righted(task: Task, righted: Righted, answers: GateAnswers) -> GateVerdict:
    """The verdict on a picture of good quality of which the gate's network said `answers`.

    One that is surely inverted passes if it passes with light and dark exchanged. The round field of a dermatoscope is
    cut out after it has passed: without its black corners a picture of an eye could look like one of the skin.
    """
    verdict = judge(task, answers)
    if verdict.reason and verdict.reason.code == ReasonCode.INVERTED and is_surely_inverted(answers):
        back = invert_back(righted)
        again = judge(task, ask_gate(back.pixels))
        if again.passed:
            return replace(again, righted=back)
    if verdict.passed and task.modality is Modality.DERMOSCOPY:
        righted = crop_to_field(righted)
    return replace(verdict, righted=righted)


def detect_task(pixels: np.ndarray) -> Detection:
    """Which task reads uint8 RGB pixels [h, w, 3]. Raises NetworkUnavailable when the gate's network is missing."""
    pixels = trim(shrink_to_read(pixels)).pixels
    verdict = check_quality(pixels)
    if not verdict.passed:
        return Detection(None, verdict.reason)
    answers = ask_gate(pixels)
    return choose_task(answers.kinds, answers.thresholds)


def ask_gate(pixels: np.ndarray) -> GateAnswers:
    """What the gate's network says of uint8 RGB pixels [h, w, 3], with the limits of its card.

    Raises NetworkUnavailable when the gate's network is missing.
    """
    gate = get_network(MODALITY_TASK)
    logits = run_views(gate, prepare(pixels, gate.card.spec)).logits
    said = {
        head.key: _by_label(head, calibrated(values, gate.card.heads[head.key].temperature))
        for head, values in split_heads(MODALITY_TASK, logits)
    }
    kinds = said.pop(MODALITY_TASK.primary)
    return GateAnswers(kinds, gate.card.heads[MODALITY_TASK.primary].thresholds, said, gate.card.calibration.limits)


def _by_label(head: Head, probabilities: np.ndarray) -> dict[str, float]:
    return {label.key: float(p) for label, p in zip(head.labels, probabilities, strict=True)}


def decide(task: Task, card: Card, logits: np.ndarray) -> tuple[HeadResult, ...]:
    """All heads of one forward pass: logits [k], heads side by side, to calibrated and decided results."""
    results: dict[str, HeadResult] = {}
    for head, values in split_heads(task, logits):
        fitted = card.heads[head.key]
        probabilities = calibrated(_answering(head, values, results), fitted.temperature)
        results[head.key] = decide_head(
            head, probabilities, fitted.thresholds, fitted.operating_points[OperatingPoint.BALANCED]
        )
    return tuple(results.values())


def split_heads(task: Task, values: np.ndarray) -> Iterator[tuple[Head, np.ndarray]]:
    """Each head with its part of the last axis of logits [..., k] or maps [h, w, k]: [..., labels], or
    [..., labels of the condition, labels] for a head with `conditioned_on`.
    """
    start = 0
    for head in task.heads:
        shape: tuple[int, ...] = (len(head.labels),)
        if head.conditioned_on:
            shape = (len(task.head(head.conditioned_on).labels), *shape)
        size = int(np.prod(shape))
        yield head, values[..., start : start + size].reshape(*values.shape[:-1], *shape)
        start += size


def _answering(head: Head, values: np.ndarray, results: dict[str, HeadResult]) -> np.ndarray:
    """[..., labels] out of a part that `split_heads` gave: the head's own values, or those of its specialist for the
    most probable label of the head that it is `conditioned_on`.
    """
    if head.conditioned_on is None:
        return values
    condition = results[head.conditioned_on]
    return values[..., condition.labels.index(condition.top), :]


def _primary_maps(task: Task, heads: tuple[HeadResult, ...], maps: np.ndarray) -> np.ndarray:
    """The maps [h, w, labels] of the primary head, of all maps [h, w, k]."""
    results = {result.head.key: result for result in heads}
    return next(_answering(head, part, results) for head, part in split_heads(task, maps) if head.key == task.primary)


def _saliencies(primary: HeadResult, maps: np.ndarray, righted: Righted, spec: InputSpec) -> dict[str, np.ndarray]:
    """Label key -> map over the whole image as sent, for the labels worth a look, the most probable first.

    `maps`: [h, w, labels] of the primary head, over what was read of the image. A label that nothing in the image
    speaks for has none.
    """
    worth, shape = _worth_a_look(primary), righted.pixels.shape[:2]
    all_of_them = {
        line.label.key: saliency_over_image(maps[..., primary.labels.index(line)], shape, spec, righted.box)
        for line in worth
    }
    return {key: saliency for key, saliency in all_of_them.items() if saliency.any()}


def _worth_a_look(primary: HeadResult) -> list[LabelResult]:
    """The most probable label, the possible ones, MAPPED_LABELS of these at most, and those not excluded."""
    ranked = sorted(primary.labels, key=lambda line: -line.probability)
    not_excluded = [line for line in ranked if line.decision is Decision.NOT_EXCLUDED]
    others = [line for line in ranked if line not in not_excluded and (line is primary.top or line.in_set)]
    return others[:MAPPED_LABELS] + not_excluded


def load_networks() -> None:
    """Load and warm every network that can be loaded; see `network_status` for those that cannot."""
    network_status()


def network_status() -> dict[str, str]:
    """Task name -> "" when its network and the gate's are loaded and their hashes right, else the reason."""
    gate = _reason(MODALITY_TASK)
    return {task.name: _reason(task) or gate for task in all_tasks()}


def get_card(task: Task, network: NetworkId | None = None) -> Card:
    """The card of a network of `task`, by default of the one that serves. Raises NetworkUnavailable."""
    return read_card(task, network)


def _reason(task: Task) -> str:
    try:
        get_network(task)
    except NetworkUnavailable as error:
        return str(error)
    return ""
