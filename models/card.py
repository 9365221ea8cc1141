"""The card of a trained network: what training and evaluation measured, kept in weights/<task>/<network>/card.json."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.imaging import InputSpec
from models.task import Head, OperatingPoint, Target, Task
from models.views import VIEWS

CARD = "card.json"
WEIGHTS = Path(__file__).parent / "weights"
SCHEMA = 2
# Of the weights in the serving graph; models/training/precision.py measures what the smaller ones cost.
PRECISIONS = ("float32", "float16", "int8")
_ADVICE = "An administrator runs `python -m models.training.calibrate` for it."


class NetworkUnavailable(RuntimeError):
    """This task's network cannot answer now; the message says why and what an administrator should do."""


class UnfitCard(ValueError):
    """A network must not be used with this card; the message says why, and what an administrator should do."""


@dataclass(frozen=True)
class Measure:
    """One number measured on the test split, with its 95 % bootstrap interval and the number of images."""

    name: str
    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class HeadCard:
    """Calibration of one head, fitted on validation.

    `thresholds`: label key -> probability at and above which the label stays possible. `operating_points`: point name
    -> label key -> probability at and above which that label counts as seen, against all others.
    """

    temperature: float
    thresholds: dict[str, float]
    operating_points: dict[str, dict[str, float]]


@dataclass(frozen=True)
class DistanceCard:
    """The feature-distance test of the gate: `threshold` in the unit of its method, from validation images.

    `sha256` is that of the file of reference features beside the card.
    """

    method: str
    threshold: float
    sha256: str


@dataclass(frozen=True)
class Card:
    """Facts about one trained network. `sha256` is that of model.keras; `created` an ISO date.

    `views`: names of models.views.VIEWS whose logits are averaged. `distance` is None for a network without that test.
    `precision`: one of PRECISIONS, of the weights in the serving graph.
    `training_images`: name of each data set -> how many of its images it learned from; `excluded`: names of those that
    were left out.
    """

    task: str
    network: str
    version: str
    created: str
    sha256: str
    spec: InputSpec
    heads: dict[str, HeadCard]
    training_images: dict[str, int]
    excluded: tuple[str, ...]
    metrics: dict[str, Any]
    views: tuple[str, ...] = ("original",)
    distance: DistanceCard | None = None
    precision: str = "float32"
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def trained_on(self) -> tuple[str, ...]:
        """The names of the data sets that it learned from."""
        return tuple(self.training_images)

    def measures(self, head: str) -> tuple[Measure, ...]:
        """How good the head was measured to be, all labels together; empty before the first evaluation."""
        return _measures(self.metrics.get("heads", {}).get(head, {}).get("measures", []))

    def target_measure(self, task: Task, target: Target) -> Measure | None:
        """What was measured of this target of `task`; None before the evaluation that measures it."""
        found = self.metrics.get("heads", {}).get(target.head or task.primary, {})
        if target.source:
            found = found.get("sources", {}).get(target.source, {})
        measures = (*_of_label(found, target.label), *_of_label(found.get("details", {}), target.label))
        return next((Measure(**entry) for entry in measures if entry["name"] == target.measure), None)

    def label_measures(self, head: str) -> dict[str, tuple[Measure, ...]]:
        """Label key -> its measures (sensitivity, specificity, AUC)."""
        per_label = self.metrics.get("heads", {}).get(head, {}).get("labels", {})
        return {label: _measures(found) for label, found in per_label.items()}

    def dataset_measures(self, head: str) -> dict[str, tuple[Measure, ...]]:
        """Name of a data set -> the head's measures on its test images alone."""
        per_dataset = self.metrics.get("heads", {}).get(head, {}).get("datasets", {})
        return {name: _measures(found) for name, found in per_dataset.items()}

    def source_measures(self, head: str) -> dict[str, tuple[Measure, ...]]:
        """Name in Task.sources -> the head's measures on all its data sets together, where it has several."""
        per_source = self.metrics.get("heads", {}).get(head, {}).get("sources", {})
        return {name: _measures(found["measures"]) for name, found in per_source.items()}


def _of_label(found: dict[str, Any], label: str) -> list[dict[str, Any]]:
    """The measures of one label, or of all together if that is empty."""
    return found.get("labels", {}).get(label, []) if label else found.get("measures", [])


def _distance(found: dict[str, Any]) -> DistanceCard:
    return DistanceCard(found["method"], found["threshold"], found["sha256"])


def _measures(found: list[dict[str, Any]]) -> tuple[Measure, ...]:
    return tuple(Measure(**entry) for entry in found)


def registered_networks(task: Task) -> tuple[str, ...]:
    """The names of the networks of `task` that have a card, in alphabetical order: those that can be made to serve."""
    return tuple(sorted(path.parent.name for path in (WEIGHTS / task.name).glob("*/card.json")))


def card_path(task: Task) -> Path:
    """Where the card of the network that serves `task` lies."""
    return WEIGHTS / task.name / task.network / CARD


def read_card(task: Task) -> Card:
    """The checked card of the network that serves `task`; raises NetworkUnavailable if it is missing or unfit."""
    path = card_path(task)
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        _check_origin(facts)
        _check_labels(task, facts)
        card = _card(facts)
        _check_calibration(task, card)
        _check_measures(task, card)
    except FileNotFoundError:
        raise NetworkUnavailable(f"The network of {task.title} is not installed: its card is missing.") from None
    except UnfitCard as error:
        raise NetworkUnavailable(f"The network of {task.title} cannot be used: {error}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NetworkUnavailable(
            f"The card of the network of {task.title} is damaged or incomplete. Check it out or train it again."
        ) from None
    return card


def read_audit(task: Task) -> dict[str, Any]:
    """What models/training/audit.py found out about the network that serves `task`; empty if it was not audited."""
    path = card_path(task).with_name("audit.json")
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _card(facts: dict[str, Any]) -> Card:
    return Card(
        task=facts["task"],
        network=facts["network"],
        version=facts["version"],
        created=facts["created"],
        sha256=facts["sha256"],
        spec=InputSpec(**facts["input"]),
        views=tuple(facts["views"]),
        heads={
            key: HeadCard(head["temperature"], head["thresholds"], head["operating_points"])
            for key, head in facts["calibration"]["heads"].items()
        },
        distance=_distance(facts["distance"]) if facts.get("distance") else None,
        precision=facts.get("precision", "float32"),
        training_images={source["dataset_name"]: source["train_images"] for source in facts["training"]["data"]},
        excluded=tuple(facts["training"]["excluded"]),
        metrics=facts.get("metrics", {}),
        facts=facts,
    )


def _check_origin(facts: dict[str, Any]) -> None:
    """A calibration of other weights or unknown views would make every probability a wrong one."""
    if facts["schema"] != SCHEMA:
        raise UnfitCard(f"its card has schema {facts['schema']}, and this version of Lumen reads {SCHEMA}.")
    if facts["calibration"]["sha256"] != facts["sha256"]:
        raise UnfitCard(f"its card holds the calibration of another network. {_ADVICE}")
    if facts.get("precision", "float32") not in PRECISIONS:
        raise UnfitCard(f"its card wants weights of {facts['precision']}; there are {', '.join(PRECISIONS)}.")
    if not facts["views"]:
        raise UnfitCard(f"its card names no view of the image. {_ADVICE}")
    if unknown := set(facts["views"]) - set(VIEWS):
        raise UnfitCard(f"its card names views of the image that do not exist: {', '.join(sorted(unknown))}. {_ADVICE}")


def _check_labels(task: Task, facts: dict[str, Any]) -> None:
    """A network of other labels, or of labels in another order, would give every probability a wrong name."""
    trained = [(key, head["labels"]) for key, head in facts["calibration"]["heads"].items()]
    if trained != [(head.key, [label.key for label in head.labels]) for head in task.heads]:
        raise UnfitCard("it was trained for other labels than the task declares. Train it again.")


def _check_calibration(task: Task, card: Card) -> None:
    for head in task.heads:
        fitted = card.heads[head.key]
        points = [fitted.operating_points.get(point, {}) for point in OperatingPoint]
        if not all(_is_complete(head, thresholds) for thresholds in (fitted.thresholds, *points)):
            raise UnfitCard(f"in its card some answer to {head.title} has no probability as threshold. {_ADVICE}")
        if not fitted.temperature > 0:
            raise UnfitCard(f"in its card the temperature of {head.title} is not above 0. {_ADVICE}")
        if len(head.labels) == 2 and max(fitted.thresholds.values()) > 0.5:
            raise UnfitCard(f"by its card {head.title} could rule out the likelier one of two answers. {_ADVICE}")


def _check_measures(task: Task, card: Card) -> None:
    """Read them all once, so that measures which cannot be read are told here, and break no page later."""
    for head in task.heads:
        card.measures(head.key)
        card.label_measures(head.key)
        card.dataset_measures(head.key)


def _is_complete(head: Head, thresholds: dict[str, float]) -> bool:
    """Whether every label of the head, and nothing else, has a probability as its threshold."""
    return set(thresholds) == {label.key for label in head.labels} and all(0 <= p <= 1 for p in thresholds.values())
