"""Measures as the tables of a model card."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import models
from app.services.cards.content import Table

# As measures of models/training/measuring.py name the threshold of an answer.
AT_OPERATING_POINT = re.compile(r"at the \w+ threshold")


def measures_of(found: Iterable[Mapping[str, Any]]) -> list[models.Measure]:
    """Measures as cards and audits keep them in JSON."""
    return [models.Measure(**entry) for entry in found]


def measures_table(caption: str, measures: Iterable[models.Measure]) -> Table:
    """One row for each measure."""
    rows = tuple((m.name, f"{m.value:.3f}", f"{m.low:.3f} to {m.high:.3f}", f"{m.n:,}") for m in measures)
    return Table(caption, ("Measure", "Value", "95 % interval", "Images"), rows)


def crossed_table(caption: str, first: str, measured: Mapping[str, Iterable[models.Measure]]) -> Table:
    """One row for each name, under the heading `first`, and one column for each measure that any of them has."""
    found = {name: {measure.name: measure for measure in measures} for name, measures in measured.items()}
    names = list(dict.fromkeys(name for measures in found.values() for name in measures))
    rows = tuple((row, *(cell(measures.get(name)) for name in names)) for row, measures in found.items())
    return Table(caption, (first, *names), rows)


def cell(measure: models.Measure | None) -> str:
    """A measure in one cell, empty for one that was not taken; a line may break before the n, not inside."""
    return f"{interval(measure)}, n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{measure.n:,}" if measure else ""


def interval(measure: models.Measure) -> str:
    """Value and 95 % interval: 0.913 [0.884, 0.941]."""
    return f"{measure.value:.3f} [{measure.low:.3f}, {measure.high:.3f}]"


def input_words(card: models.Card) -> str:
    """What the network reads of an image: "320 x 320 pixels, 2 views"."""
    views = f"{len(card.views)} views" if len(card.views) > 1 else "1 view"
    return f"{card.spec.width} x {card.spec.height} pixels, {views}"


def target_words(task: models.Task, target: models.Target) -> str:
    """The measure, and of what: "Tuberculosis: AUC (Shenzhen and Montgomery alone)"."""
    head = task.head(target.head or task.primary)
    about = head.label(target.label).name if target.label else head.title if target.head else ""
    measure = AT_OPERATING_POINT.sub("at its operating point", target.measure)
    words = f"{about}: {measure}" if about else measure
    return f"{words} ({target.source} alone)" if target.source else words
