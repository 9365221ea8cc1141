"""Cards as files: read strictly, checked against the task, and written.

card.json holds `schema` and the fields of Card, each as its annotation says (models/records.py).
"""

import json
from pathlib import Path

from models.card import PRECISIONS, Card
from models.deployment import NetworkId, current_deployment
from models.records import UnfitRecord, from_json, to_json
from models.task import Head, OperatingPoint, Task
from models.tta import TTA_VIEWS

SCHEMA = 3
_ADVICE = "An administrator runs `python -m models.training.calibrate` for it."


class NetworkUnavailable(RuntimeError):
    """This task's network cannot answer now; the message says why and what an administrator should do."""


class UnfitCard(ValueError):
    """A network must not be used with this card; the message says why, and what an administrator should do."""


def read_card(task: Task, network: NetworkId | None = None) -> Card:
    """The checked card of a network of `task`, by default of the one that serves.

    Raises NetworkUnavailable if it is missing or unfit.
    """
    path = (network or current_deployment().network_of(task)).card_path
    try:
        card = load_card(path)
        _check_origin(card)
        _check_labels(task, card)
        _check_calibration(task, card)
    except FileNotFoundError:
        raise NetworkUnavailable(f"The network of {task.title} is not installed: its card is missing.") from None
    except UnfitCard as error:
        raise NetworkUnavailable(f"The network of {task.title} cannot be used: {error}") from None
    except UnfitRecord as error:
        raise NetworkUnavailable(
            f"The card of the network of {task.title} is damaged ({error}). Check it out or train it again."
        ) from None
    return card


def load_card(path: Path) -> Card:
    """The card in this file, whatever it is of. Raises FileNotFoundError, UnfitRecord, and UnfitCard for a schema that
    this version does not read."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise UnfitRecord("it is no JSON") from None
    if not isinstance(facts, dict) or "schema" not in facts:
        raise UnfitRecord("schema is missing")
    if (schema := facts.pop("schema")) != SCHEMA:
        raise UnfitCard(f"its card has schema {schema}, and this version of Lumen reads {SCHEMA}.")
    return from_json(Card, facts)


def write_card(path: Path, card: Card) -> None:
    """Write the card as `load_card` reads it."""
    path.write_text(json.dumps({"schema": SCHEMA} | to_json(card), indent=1) + "\n", encoding="utf-8")


def _check_origin(card: Card) -> None:
    """A calibration of other weights or unknown views would make every probability a wrong one."""
    if card.calibration.sha256 != card.sha256:
        raise UnfitCard(f"its card holds the calibration of another network. {_ADVICE}")
    if card.precision not in PRECISIONS:
        raise UnfitCard(f"its card wants weights of {card.precision}; there are {', '.join(PRECISIONS)}.")
    if not card.tta_views:
        raise UnfitCard(f"its card names no view of the image. {_ADVICE}")
    if unknown := set(card.tta_views) - set(TTA_VIEWS):
        raise UnfitCard(f"its card names views of the image that do not exist: {', '.join(sorted(unknown))}. {_ADVICE}")


def _check_labels(task: Task, card: Card) -> None:
    """A network of other labels, or of labels in another order, would give every probability a wrong name."""
    trained = [(key, fit.labels) for key, fit in card.calibration.fits.items()]
    if trained != [(head.key, tuple(label.key for label in head.labels)) for head in task.heads]:
        raise UnfitCard("it was trained for other labels than the task declares. Train it again.")


def _check_calibration(task: Task, card: Card) -> None:
    for head in task.heads:
        if head.key not in card.heads:
            raise UnfitCard(f"its card has no calibration of {head.title}. {_ADVICE}")
        fitted = card.heads[head.key]
        points = [fitted.operating_points.get(point, {}) for point in OperatingPoint]
        if not all(_is_complete(head, thresholds) for thresholds in (fitted.thresholds, *points)):
            raise UnfitCard(f"in its card some answer to {head.title} has no probability as threshold. {_ADVICE}")
        if not fitted.temperature > 0:
            raise UnfitCard(f"in its card the temperature of {head.title} is not above 0. {_ADVICE}")
        if len(head.labels) == 2 and max(fitted.thresholds.values()) > 0.5:
            raise UnfitCard(f"by its card {head.title} could rule out the likelier one of two answers. {_ADVICE}")


def _is_complete(head: Head, thresholds: dict[str, float]) -> bool:
    """Whether every label of the head, and nothing else, has a probability as its threshold."""
    return set(thresholds) == {label.key for label in head.labels} and all(0 <= p <= 1 for p in thresholds.values())
