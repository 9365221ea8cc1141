"""Which networks answered a study, and what their cards say of them, if there still are cards of the same weights."""

from collections.abc import Iterable, Mapping

import models
from app import wording
from app.entities import Analysis, Study
from app.services.report.content import MeasureLine, NetworkSection

Cards = Mapping[str, models.Card]


def answering_cards(study: Study, task: models.Task | None) -> dict[str, models.Card]:
    """SHA-256 of the weights -> card, for each network that answered an image of the study and still has its card.

    Another network may serve by now, and a network of the same name may have been trained again.
    """
    analyses = [image.analysis for image in study.images if image.analysis]
    networks = {analysis.weights_sha256: analysis.network for analysis in analyses if analysis.weights_sha256}
    cards = {sha256: _card_of(network, task) for sha256, network in networks.items()}
    return {sha256: card for sha256, card in cards.items() if card and card.sha256 == sha256}


def thresholds(analysis: Analysis, cards: Cards) -> dict[tuple[str, str], float]:
    """(Head, label) -> the threshold of the decision, of the network that answered; empty without its card."""
    card = cards.get(analysis.weights_sha256)
    heads = card.heads.items() if card else ()
    return {(head, label): value for head, fitted in heads for label, value in fitted.thresholds.items()}


def network_section(
    lead: Analysis | None, task: models.Task | None, cards: Cards, *, label: str
) -> NetworkSection | None:
    """The network that answered, as stored; before an answer the one that would. None if there is neither.

    `label`: the answer whose measures are told as well; "" while there is none.
    """
    if lead is None or not lead.weights_sha256:
        card = _card(task)
        return _section_of_card(card, task, "") if card and task else None
    if task and (card := cards.get(lead.weights_sha256)):
        return _section_of_card(card, task, label)
    return NetworkSection(
        name=lead.network,
        version=lead.weights_version,
        sha256=lead.weights_sha256,
        trained_on=(),
        measures=(),
        note="The measured performance of this version is no longer available: its model card is missing.",
    )


def _card_of(network: str, task: models.Task | None) -> models.Card | None:
    if task is None or network not in models.registered_networks(task):
        return None
    return _card(task, models.NetworkId(task.name, network))


def _card(task: models.Task | None, network: models.NetworkId | None = None) -> models.Card | None:
    try:
        return models.get_card(task, network) if task else None
    except models.NetworkUnavailable:
        return None


def _section_of_card(card: models.Card, task: models.Task, label: str) -> NetworkSection:
    return NetworkSection(
        name=card.network,
        version=card.version,
        sha256=card.sha256,
        trained_on=tuple(card.trained_on),
        measures=_measure_lines(card.measures(task.primary)),
        label=wording.label_name(task, label) if label else "",
        label_measures=_measure_lines(card.label_measures(task.primary).get(label, ())),
        elsewhere=_measure_lines(card.elsewhere.summary if card.elsewhere else ()),
    )


def _measure_lines(measures: Iterable[models.Measure]) -> tuple[MeasureLine, ...]:
    return tuple(MeasureLine(m.metric.words, m.value, m.low, m.high, m.n) for m in measures)
