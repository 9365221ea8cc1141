"""The section of a model card that says how much the source of an image gives away.

The shape of an audit is described in models/training/audit.py, which writes it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import models
from app.services.cards.content import Section, Table
from app.services.cards.tables import cell, crossed_table, measures_of

SPLITS = {"train": "training", "val": "validation", "test": "test"}
KEY, TITLE = "audit", "Shortcuts: could the source give the answer away?"
BASELINE = (
    "Superficial cues: trees that see no more than 32 x 32 grey pixels, brightness, colour cast, sharpness, shape, "
    "borders and compression. What they reach needs no understanding of disease."
)
PROBE = "Source: how well the source of an image can be told from what the network reads out of it."
LEFT_OUT = (
    "Left out: short networks, trained for this purpose without one source and measured on it. This is nearest to what "
    "an image of another hospital meets."
)
ALTERED = "Altered images: the same test with images altered in ways that would not change a reader's answer."


def audit_section(task: models.Task, card: models.Card, audit: Mapping[str, Any]) -> Section:
    """What the audit found, or that there was none; it tells of an audit of another version than the card's."""
    if not audit:
        return Section(KEY, TITLE, paragraphs=("This network was not audited for shortcuts.",))
    parts = (
        (BASELINE, _baseline_tables(task, audit["tiny_image_baseline"])),
        (PROBE, _probe_tables(task, audit["source_classifier"])),
        (LEFT_OUT, _left_out_tables(task, audit["left_out"])),
        (ALTERED, _altered_tables(audit["altered_images"])),
    )
    other = f"This audit is of an earlier version of the network, SHA-256 {audit['sha256']}."
    return Section(
        key=KEY,
        title=TITLE,
        paragraphs=(
            f"Audited on {audit['created']}, on the {SPLITS[audit['split']]} images.",
            *((other,) if audit["sha256"] != card.sha256 else ()),
        ),
        tables=tuple(table for words, tables in parts for table in _noted(words, tables)),
    )


def _noted(words: str, tables: list[Table]) -> list[Table]:
    """The tables, the first of them with these words before it."""
    return [replace(table, note="" if index else words) for index, table in enumerate(tables)]


def _baseline_tables(task: models.Task, baseline: Mapping[str, Any]) -> list[Table]:
    return [
        crossed_table(
            f"{task.head(key).title}: superficial cues against the network (chance: {found['chance']:.2f})",
            "Answered by",
            {
                "Trees on superficial cues": measures_of(found["measures"]),
                "The network, same images": measures_of(found["network"]),
            },
        )
        for key, found in baseline.items()
    ]


def _probe_tables(task: models.Task, classifier: Mapping[str, Any]) -> list[Table]:
    names = {label.key: label.name for label in task.labels}
    probes = {"All images": classifier["overall"]} | {
        f"Images of one label, {names[key]}": probe for key, probe in classifier["labels"].items()
    }
    named = {
        f"{name}: {len(probe['sources'])} sources, chance {probe['chance']:.2f}": measures_of(probe["measures"])
        for name, probe in probes.items()
        if probe
    }
    return [crossed_table("Telling the source of an image", "Among", named)] if named else []


def _left_out_tables(task: models.Task, left_out: Iterable[Mapping[str, Any]]) -> list[Table]:
    rows = tuple(row for entry in left_out for row in _left_out_rows(task, entry))
    columns = ("Source left out", "Answers", "Measure", "Trained with it", "Trained without it")
    return [Table("Trained without a source, measured on it", columns, rows, word_columns=3)] if rows else []


def _left_out_rows(task: models.Task, entry: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    answers = ", ".join(label.name for label in task.labels if label.key in entry["labels"])
    before = {measure.name: measure for measure in measures_of(entry["with_source"])}
    for measure in measures_of(entry["measures"]):
        yield entry["source"], answers, measure.name, cell(before.get(measure.name)), cell(measure)


def _altered_tables(altered: Iterable[Mapping[str, Any]]) -> list[Table]:
    named = {entry["change"]: measures_of(entry["measures"]) for entry in altered}
    return [crossed_table("Answers to altered images", "Image", named)] if named else []
