"""The section of a model card that tells what the gate before the network refuses."""

import models
from app.services.cards.content import Section, Table
from app.services.cards.targets import TARGET_COLUMNS, gate_row


def gate_section(task: models.Task, card: models.Card, gate: models.Card | None) -> Section:
    """What the gate refused, against its targets; `gate` is the card of the gate's own network, None without one."""
    refused = _refused(task, card, gate)
    rows = tuple(gate_row(target, refused.get(target.images)) for target in models.GATE_TARGETS)
    paragraphs = [
        "Before any finding, a gate checks that the image is of the right type; an image that it refuses gets none."
    ]
    if gate:
        paragraphs.append(f"The gate is {gate.network}, version {gate.version}, SHA-256 {gate.sha256}.")
    return Section(
        key="gate",
        title="The gate",
        paragraphs=tuple(paragraphs),
        tables=(Table("What the gate refused", TARGET_COLUMNS, rows, word_columns=2),),
    )


def _refused(task: models.Task, card: models.Card, gate: models.Card | None) -> dict[models.GateSet, models.Measure]:
    """What was measured with the gate; of its own images, what was measured with this network."""
    refused = dict(gate.metrics.gate.get(task.name, {})) if gate and gate.metrics else {}
    if card.metrics and card.metrics.refused_by_gate:
        refused[models.GateSet.RIGHT_KIND] = card.metrics.refused_by_gate
    return refused
