"""Targets beside what was measured, as rows of a table."""

from collections.abc import Sequence

import models
from app.services.cards.tables import cell

TARGET_COLUMNS = ("Measure", "Result", "Target", "Stretch target", "Measured")


def target_row(words: str, target: models.Target, measure: models.Measure | None) -> tuple[str, ...]:
    """One row under TARGET_COLUMNS. `words`: what the target is of; `measure`: None where it was not measured."""
    return (
        words,
        _verdict(measure, target.reach, target.stretch, is_ceiling=target.is_ceiling),
        _bound(target.reach, is_ceiling=target.is_ceiling),
        _bound(target.stretch, is_ceiling=target.is_ceiling) if target.stretch else "",
        cell(measure),
    )


def gate_row(target: models.GateTarget, measure: models.Measure | None) -> tuple[str, ...]:
    """One row under TARGET_COLUMNS of what the gate refused; `measure`: None where it was not measured."""
    return (
        target.images.words,
        _verdict(measure, target.reach, None, is_ceiling=target.is_ceiling),
        _bound(target.reach, is_ceiling=target.is_ceiling),
        "",
        cell(measure),
    )


def _bound(value: float, *, is_ceiling: bool) -> str:
    return f"{'at most' if is_ceiling else 'at least'} {value:.2f}"


def _verdict(measure: models.Measure | None, reach: float, stretch: float | None, *, is_ceiling: bool) -> str:
    if measure is None:
        return "not measured"
    sign = -1 if is_ceiling else 1
    if stretch and sign * measure.value >= sign * stretch:
        return "stretch target reached"
    return "reached" if sign * measure.value >= sign * reach else "not reached"


def leading_measure(task: models.Task, measures: Sequence[models.Measure]) -> models.Measure | None:
    """The measure that the task's first target names, else the first of them; None where nothing was measured."""
    wanted = models.find_measure(measures, task.targets[0].metric) if task.targets else None
    return wanted or next(iter(measures), None)


def target_words(task: models.Task, target: models.Target) -> str:
    """The measure, and of what: "Tuberculosis: AUC (Shenzhen and Montgomery alone)".

    Raises KeyError for a target of a head or label that the task does not have.
    """
    head = task.head(target.head or task.primary)
    about = head.label(target.label).name if target.label else head.title if target.head else ""
    title = target.metric.words
    words = f"{about}: {title}" if about else title
    return f"{words} ({target.source} alone)" if target.source else words
