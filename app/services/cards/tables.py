"""Measures as the tables of a model card."""

from collections.abc import Iterable, Mapping

import models
from app.services.cards.content import Table


def measures_table(caption: str, measures: Iterable[models.Measure]) -> Table:
    """One row for each measure: name, value, 95 % interval, number of images."""
    rows = tuple((m.metric.words, f"{m.value:.3f}", f"{m.low:.3f} to {m.high:.3f}", f"{m.n:,}") for m in measures)
    return Table(caption, ("Measure", "Value", "95 % interval", "Images"), rows)


def crossed_table(caption: str, first: str, measured: Mapping[str, Iterable[models.Measure]]) -> Table:
    """One row for each name, under the heading `first`, and one column for each measure that any of them has."""
    by_row = {row: {measure.metric: measure for measure in measures} for row, measures in measured.items()}
    metrics = list(dict.fromkeys(metric for measures in by_row.values() for metric in measures))
    rows = tuple((row, *(cell(measures.get(metric)) for metric in metrics)) for row, measures in by_row.items())
    return Table(caption, (first, *(metric.words for metric in metrics)), rows)


def cell(measure: models.Measure | None) -> str:
    """A measure in one cell, empty for one that was not taken; a line may break before the n, not inside."""
    return f"{interval(measure)}, n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{measure.n:,}" if measure else ""


def interval(measure: models.Measure) -> str:
    """Value and 95 % interval: 0.913 [0.884, 0.941]."""
    return f"{measure.value:.3f} [{measure.low:.3f}, {measure.high:.3f}]"


def input_words(card: models.Card) -> str:
    """What the network reads of an image: "320 x 320 pixels, 2 views"."""
    views = f"{len(card.tta_views)} views" if len(card.tta_views) > 1 else "1 view"
    return f"{card.spec.width} x {card.spec.height} pixels, {views}"
