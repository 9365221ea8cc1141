"""The sections of a model card that a human declares in the task file: what it is for, and what it is not."""

import models
from app.services.cards.content import Section, Table
from app.services.report.content import RESEARCH_USE


def intended_use_section(task: models.Task) -> Section:
    """What the network is for, the kind of image that it reads, and every question with its answers."""
    rows = [
        (head.title, ", ".join(f"{label.name} ({label.note})" if label.note else label.name for label in head.labels))
        for head in task.heads
    ]
    return Section(
        key="use",
        title="Intended use",
        paragraphs=(
            task.intended_use,
            f"Type of image: {task.image_kind}.",
            *(f"{head.title}: {head.note}" for head in task.heads if head.note),
        ),
        tables=(Table("What it can answer", ("Question", "Answers"), tuple(rows), word_columns=2),),
    )


def out_of_scope_section(task: models.Task) -> Section:
    """What it must not be used for."""
    return Section(key="scope", title="Out of scope", paragraphs=(RESEARCH_USE,), points=task.out_of_scope)


def limits_section(task: models.Task) -> Section:
    """Where it is known to fail."""
    return Section(key="limits", title="Known limitations", points=task.limitations)


def subgroups_section(task: models.Task) -> Section:
    """For which people and devices nothing is known."""
    return Section(key="subgroups", title="Subgroups", points=task.subgroups)
