"""The sections of a model card: words from the task file, numbers from the card that training and evaluation wrote."""

from collections.abc import Sequence

import models
from app.services.cards.audit import audit_section
from app.services.cards.calibration import calibration_section
from app.services.cards.content import Section
from app.services.cards.decision import decision_section
from app.services.cards.elsewhere import elsewhere_section
from app.services.cards.gate import gate_section
from app.services.cards.networks import network_sections
from app.services.cards.performance import performance_section, sources_section
from app.services.cards.purpose import intended_use_section, limits_section, out_of_scope_section, subgroups_section
from app.services.cards.reproduction import reproduction_section
from app.services.cards.tables import interval
from app.services.cards.targets import leading_measure
from app.services.cards.training_data import training_data_section


def build_sections(
    task: models.Task, card: models.Card | None, gate: models.Card | None, audit: models.Audit | None
) -> tuple[Section, ...]:
    """All sections of the model card of `task`. `card` and `gate` are None when that network is not installed."""
    purpose = (intended_use_section(task), out_of_scope_section(task), limits_section(task), *network_sections(task))
    origin = (training_data_section(task, card), subgroups_section(task), reproduction_section(task, card))
    if card is None:
        return (*purpose, *origin)
    measured = (
        performance_section(task, card),
        elsewhere_section(task, card),
        sources_section(task, card),
        audit_section(task, card, audit),
        calibration_section(task, card),
        decision_section(task, card),
        gate_section(task, card, gate),
    )
    return (*purpose, *measured, *origin)


def headline(task: models.Task, measures: Sequence[models.Measure]) -> str:
    """The measure that matters most, in a few words; empty where nothing was measured."""
    first = leading_measure(task, measures)
    return f"{first.metric.words} {interval(first)} on {first.n:,} images" if first else ""
