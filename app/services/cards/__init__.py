"""Model cards: what is known of each task's network, for the list, the page and the Markdown alike."""

import models
from app.errors import NotFound
from app.services import studies
from app.services.cards import sections
from app.services.cards.content import CardSummary, ModelCard
from app.services.cards.tables import input_words


def list_cards() -> tuple[CardSummary, ...]:
    """One line for each task, in the order in which a user is offered them."""
    reasons = studies.unavailable_reasons()
    return tuple(_summary(task, reasons.get(task.name, "")) for task in models.all_tasks())


def build_card(name: str) -> ModelCard:
    """The model card of the task of this name, installed or not. Raises NotFound for an unknown one."""
    try:
        task = models.get_task(name)
    except models.UnknownTask:
        raise NotFound() from None
    card = _card(task)
    return ModelCard(
        task=task.name,
        title=task.title,
        question=task.question,
        unavailable=studies.unavailable_reasons().get(task.name, ""),
        facts=_facts(card) if card else (),
        sections=sections.build_sections(task, card, _card(models.MODALITY_TASK), models.read_audit(task)),
    )


def _card(task: models.Task) -> models.Card | None:
    try:
        return models.get_card(task)
    except models.NetworkUnavailable:
        return None


def _summary(task: models.Task, reason: str) -> CardSummary:
    card = _card(task)
    return CardSummary(
        task=task.name,
        title=task.title,
        question=task.question,
        network=models.current_deployment().network_of(task).name,
        version=card.version if card else "",
        headline=sections.headline(task, card.measures(task.primary)) if card else "",
        elsewhere=sections.headline(task, card.elsewhere.overall.measures) if card and card.elsewhere else "",
        unavailable=reason,
    )


def _facts(card: models.Card) -> tuple[tuple[str, str], ...]:
    return (
        ("Network", card.network),
        ("Version", card.version),
        ("Created", card.created),
        ("Input", input_words(card)),
        ("SHA-256 of the weights", card.sha256),
    )
