"""One image, one task, one Prediction: the stages in order, each timed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from models.calibration import calibrated
from models.card import Card
from models.card_file import NetworkUnavailable, read_card
from models.decision import asked_heads, decide_head, outcome_of
from models.deployment import NetworkId
from models.gate import (
    Detection,
    GateVerdict,
    check_quality,
    choose_task,
    judge_distance,
    judge_modality,
)
from models.imaging import InputSpec, prepare, shrink_to_read
from models.modality import MODALITY_TASK
from models.registry import all_tasks
from models.runtime import get_network, run_views
from models.saliency import saliency_over_image
from models.task import (
    Decision,
    Head,
    HeadResult,
    LabelResult,
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


def predict(task: Task, pixels: np.ndarray) -> Prediction:
    """What the network of `task` makes of uint8 RGB pixels [h, w, 3].

    Gate, network, distance, calibration, decision, saliency maps. An image that the gate refuses is NOT_ASSESSED,
    without probabilities. Raises NetworkUnavailable when the task's network or the gate's cannot be loaded.
    """
    watch = Stopwatch()
    network = get_network(task)
    version = NetworkVersion(network.card.network, network.card.version, network.card.sha256)
    with watch.stage("shrink"):
        pixels = shrink_to_read(pixels)
    with watch.stage("gate"):
        verdict = pass_gate(task, pixels)
    if not verdict.passed:
        return _not_assessed(task, verdict, version, watch)
    with watch.stage("prepare"):
        batch = prepare(pixels, network.card.spec)
    with watch.stage("network"):
        raw = run_views(network, batch)
    with watch.stage("distance"):
        verdict = judge_distance(network, raw.features)
    if not verdict.passed:
        return _not_assessed(task, verdict, version, watch)
    with watch.stage("decide"):
        heads = decide(task, network.card, raw.logits)
    primary = next(result for result in heads if result.head.key == task.primary)
    with watch.stage("saliency"):
        maps = _primary_maps(task, heads, raw.maps)
        saliencies = _saliencies(primary, maps, pixels.shape[:2], network.card.spec)
    return Prediction(
        task=task,
        outcome=outcome_of(primary),
        reason=primary.reason,
        network=version,
        heads=asked_heads(heads),
        saliencies=saliencies,
        timings_ms=watch.timings_ms,
    )


def _not_assessed(task: Task, verdict: GateVerdict, version: NetworkVersion, watch: Stopwatch) -> Prediction:
    return Prediction(
        task, Outcome.NOT_ASSESSED, verdict.reason, version, suggested=verdict.suggested, timings_ms=watch.timings_ms
    )


def pass_gate(task: Task, pixels: np.ndarray) -> GateVerdict:
    """The gate alone: whether uint8 RGB pixels [h, w, 3] are an image that `task` was made for.

    Raises NetworkUnavailable when the gate's network is missing.
    """
    verdict = check_quality(pixels)
    return judge_modality(task, *modality_probabilities(pixels)) if verdict.passed else verdict


def detect_task(pixels: np.ndarray) -> Detection:
    """Which task reads uint8 RGB pixels [h, w, 3]. Raises NetworkUnavailable when the gate's network is missing."""
    pixels = shrink_to_read(pixels)
    verdict = check_quality(pixels)
    return choose_task(*modality_probabilities(pixels)) if verdict.passed else Detection(None, verdict.reason)


def modality_probabilities(pixels: np.ndarray) -> tuple[dict[str, float], dict[str, float]]:
    """The modality network's probabilities of uint8 RGB pixels [h, w, 3], and the thresholds of its card.

    Modality -> 0 to 1 each. Raises NetworkUnavailable when the gate's network is missing.
    """
    gate = get_network(MODALITY_TASK)
    head = gate.card.heads[MODALITY_TASK.primary]
    probabilities = calibrated(run_views(gate, prepare(pixels, gate.card.spec)).logits, head.temperature)
    return {label.key: float(p) for label, p in zip(MODALITY_TASK.labels, probabilities, strict=True)}, head.thresholds


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


def _saliencies(
    primary: HeadResult, maps: np.ndarray, shape: tuple[int, int], spec: InputSpec
) -> dict[str, np.ndarray]:
    """Label key -> map over the image of `shape` (height, width), for the labels worth a look, the most probable first.

    `maps`: [h, w, labels] of the primary head. A label that nothing in the image speaks for has none.
    """
    worth = _worth_a_look(primary)
    all_of_them = {
        line.label.key: saliency_over_image(maps[..., primary.labels.index(line)], shape, spec) for line in worth
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
