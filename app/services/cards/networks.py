"""The section of a model card that sets the registered networks of a task side by side."""

import models
from app.services.cards.content import Section, Table
from app.services.cards.tables import cell, input_words
from app.services.cards.targets import leading_measure, target_words

UNKNOWN, NOT_MEASURED = "–", "not measured"


def network_sections(task: models.Task) -> tuple[Section, ...]:
    """The registered networks side by side, in one section; none where there is no choice."""
    names = models.registered_networks(task)
    if len(names) < 2:
        return ()
    serving = models.current_deployment().network_of(task).name
    cards = {name: _card_or_reason(task, name) for name in names}
    facts = ("In use here", "Version", "Input", "Weights", "Excluded from training", "Training images")
    words = (*facts, *(target_words(task, target) for target in task.targets), "Elsewhere")
    rows = tuple(zip(words, *(_facts(task, card, serves=name == serving) for name, card in cards.items()), strict=True))
    other = next(name for name in names if name != serving)
    section = Section(
        key="networks",
        title="Networks for this question",
        paragraphs=(
            "All networks that are registered for this question; the rest of this page is about the one in use. "
            "The measures are those that have a target, on test images; elsewhere is of sources that were never seen.",
        ),
        points=tuple(f"{name}: {reason}" for name, reason in cards.items() if isinstance(reason, str)),
        tables=(Table("Registered networks", ("Network", *names), rows),),
        closing=(
            f"An administrator chooses by setting LUMEN_NETWORKS, for instance to {task.name}={other}, running "
            "`make compile` and restarting the server."
        ),
    )
    return (section,)


def _card_or_reason(task: models.Task, network: str) -> models.Card | str:
    try:
        return models.get_card(task, models.NetworkId(task.name, network))
    except models.NetworkUnavailable as error:
        return str(error)


def _facts(task: models.Task, card: models.Card | str, *, serves: bool) -> tuple[str, ...]:
    """What the table says of one network, from top to bottom."""
    served = "yes" if serves else "no"
    if isinstance(card, str):
        return (served, *[UNKNOWN] * (6 + len(task.targets)))
    return (
        served,
        card.version,
        input_words(card),
        card.precision,
        ", ".join(card.training.excluded) or "nothing",
        f"{sum(card.training_images.values()):,}",
        *(cell(card.target_measure(task, target)) or NOT_MEASURED for target in task.targets),
        _elsewhere(task, card),
    )


def _elsewhere(task: models.Task, card: models.Card) -> str:
    found = leading_measure(task, card.elsewhere.overall.measures) if card.elsewhere else None
    return f"{found.metric.words} {cell(found)}" if found else NOT_MEASURED
