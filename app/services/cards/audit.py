"""The section of a model card that says how much the source of an image gives away."""

from collections.abc import Iterator
from dataclasses import replace

import models
from app.services.cards.content import Section, Table
from app.services.cards.tables import cell, crossed_table

SPLITS = {"train": "training", "val": "validation", "test": "test"}
KEY, TITLE = "audit", "Shortcuts: could the source give the answer away?"
BASELINE = (
    "Superficial cues: decision trees that see only 32 x 32 grey pixels, brightness, colour cast, sharpness, shape, "
    "borders and compression. What they reach needs no understanding of disease."
)
PROBE = "Source: how well the source of an image can be told from the network's features."
LEFT_OUT = (
    "Left out: networks trained briefly without one source and measured on it. This comes closest to what to expect of "
    "images from another hospital."
)
COPIES = (
    "Copies: images that occur twice, whether turned, mirrored or recompressed. Most are found by likeness, so that "
    "the next slice of one patient, or another image in the very same position, may count. A copy in training "
    "flatters what is measured. Copies that are known are left out of training and validation from the next training "
    "on; this network may have learned from them."
)
ALTERED = "Altered images: the same test with images altered in ways that would not change a reader's answer."


CHANGES = {
    models.Change.NONE: "unaltered",
    models.Change.BLURRED: "blurred",
    models.Change.HALF_RESOLUTION: "half resolution",
    models.Change.JPEG_30: "JPEG quality 30",
    models.Change.SQUEEZED: "squeezed to 3/4 width",
    models.Change.CROPPED: "border cropped",
    models.Change.FRAMED: "black frame",
    models.Change.DARKER: "darker",
    models.Change.BRIGHTER: "brighter",
    models.Change.LESS_CONTRAST: "less contrast",
    models.Change.WARM: "warm colour cast",
    models.Change.GREY: "greyscale",
    models.Change.INVERTED: "inverted",
    models.Change.MIRRORED: "mirrored",
}


def audit_section(task: models.Task, card: models.Card, audit: models.Audit | None) -> Section:
    """The results of the audit, or that there was none; it tells of an audit of another version than the card's."""
    if audit is None:
        return Section(KEY, TITLE, paragraphs=("This network has not been audited for shortcuts.",))
    parts = (
        (BASELINE, _baseline_tables(task, audit)),
        (PROBE, _probe_tables(task, audit)),
        (LEFT_OUT, _left_out_tables(task, audit)),
        (ALTERED, _altered_tables(audit)),
        (COPIES, _copies_tables(audit)),
    )
    other = f"This audit is of an earlier version of the network, SHA-256 {audit.sha256}."
    return Section(
        key=KEY,
        title=TITLE,
        paragraphs=(
            f"Audited on {audit.created}, on the {SPLITS[audit.split]} images.",
            *((other,) if audit.sha256 != card.sha256 else ()),
        ),
        tables=tuple(table for words, tables in parts for table in _noted(words, tables)),
    )


def _noted(words: str, tables: list[Table]) -> list[Table]:
    """The tables, the first of them with these words before it."""
    return [replace(table, note="" if index else words) for index, table in enumerate(tables)]


def _baseline_tables(task: models.Task, audit: models.Audit) -> list[Table]:
    return [
        crossed_table(
            f"{task.head(key).title}: superficial cues against the network (chance: {baseline.chance:.2f})",
            "Answered by",
            {"Trees on superficial cues": baseline.measures, "The network, same images": baseline.network},
        )
        for key, baseline in audit.tiny_image_baseline.items()
    ]


def _probe_tables(task: models.Task, audit: models.Audit) -> list[Table]:
    names = {label.key: label.name for label in task.labels}
    probes = {"All images": audit.source_classifier.overall} | {
        f"Images of one label, {names[key]}": probe for key, probe in audit.source_classifier.labels.items()
    }
    named = {
        f"{name}: {len(probe.sources)} sources, chance {probe.chance:.2f}": probe.measures
        for name, probe in probes.items()
        if probe
    }
    return [crossed_table("Telling the source of an image", "Among", named)] if named else []


def _left_out_tables(task: models.Task, audit: models.Audit) -> list[Table]:
    rows = tuple(row for entry in audit.left_out for row in _left_out_rows(task, entry))
    columns = ("Source left out", "Answers", "Measure", "Trained with it", "Trained without it")
    return [Table("Trained without a source, measured on it", columns, rows, word_columns=3)] if rows else []


def _left_out_rows(task: models.Task, entry: models.LeftOut) -> Iterator[tuple[str, ...]]:
    answers = ", ".join(label.name for label in task.labels if label.key in entry.labels)
    for key in ("", *entry.without_source.labels):
        about = f"{task.head(task.primary).label(key).name}: " if key else ""
        before = entry.with_source.of(key)
        for measure in entry.without_source.of(key):
            words = f"{about}{measure.metric.words}"
            yield entry.source, answers, words, cell(models.find_measure(before, measure.metric)), cell(measure)


def _altered_tables(audit: models.Audit) -> list[Table]:
    named = {CHANGES[altered.change]: altered.measures for altered in audit.altered_images}
    return [crossed_table("Answers to altered images", "Image", named)] if named else []


def _copies_tables(audit: models.Audit) -> list[Table]:
    if audit.copies is None:
        return []
    rows = tuple(
        (SPLITS[one.split], SPLITS[one.other], f"{one.copied:,} of {one.n:,}", f"{one.in_use:,} of {one.n:,}")
        for one in audit.copies.splits
    )
    columns = ("Images of", "With a copy in", "In the data sets", "Without those left out")
    return [Table(f"Copies among the images, searched for on {audit.copies.searched}", columns, rows, word_columns=2)]
