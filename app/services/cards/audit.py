"""The section of a model card that says how much the source of an image gives away."""

from dataclasses import replace

import models
from app.services.cards.content import Section, Table
from app.services.cards.tables import crossed_table, measures_table

SPLITS = {"train": "training", "val": "validation", "test": "test"}
KEY, TITLE = "audit", "Shortcuts: could the source give the answer away?"
BASELINE = (
    "Superficial cues: decision trees that see only 32 x 32 grey pixels, brightness, colour cast, sharpness, shape, "
    "borders and compression. What they reach needs no understanding of disease."
)
PROBE = "Source: how well the source of an image can be told from the network's features."
ALTERED = (
    "Altered images: the same test with images altered in ways that would not change a reader's answer, or that a "
    "reader would send back. Refused and answered wrongly are what a user meets; the rest is of the network alone."
)
HEATMAPS = (
    "Heatmaps: whether the places shown as hot carry the answer. Insertion less deletion is how much more of the "
    "answer's probability comes with the hottest places than is left without them: above 0 they carry it. The middle "
    "of the image is shown for comparison. Likeness is a rank correlation, 1 for the same map: a mirrored image should "
    "give the mirrored map, and a network with random weights another one."
)
COPIES = (
    "Copies: images that occur twice, whether turned, mirrored or recompressed. Most are found by likeness, so that "
    "the next slice of one patient, or another image in the very same position, may count. A copy in training "
    "flatters what is measured. Copies that are known are left out of training and validation from the next training "
    "on; this network may have learned from them."
)


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
    models.Change.SIDE_MARKER: "with a side marker",
    models.Change.TEXT: "with two lines of text",
    models.Change.WHITE_FRAME: "white frame",
    models.Change.ROUND_FIELD: "black outside a circle",
    models.Change.SIDEWAYS: "turned sideways",
    models.Change.TWO_VIEWS: "two views side by side",
}


def audit_section(task: models.Task, card: models.Card, audit: models.Audit | None) -> Section:
    """The results of the audit, or that there was none; it tells of an audit of another version than the card's."""
    if audit is None:
        return Section(KEY, TITLE, paragraphs=("This network has not been audited for shortcuts.",))
    parts = (
        (BASELINE, _baseline_tables(task, audit)),
        (PROBE, _probe_tables(task, audit)),
        (ALTERED, _altered_tables(audit)),
        (HEATMAPS, _heatmap_tables(audit)),
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


def _altered_tables(audit: models.Audit) -> list[Table]:
    named = {CHANGES[altered.change]: altered.measures for altered in audit.altered_images}
    return [crossed_table("Answers to altered images", "Image", named)] if named else []


def _heatmap_tables(audit: models.Audit) -> list[Table]:
    if audit.heatmaps is None:
        return []
    height, width = audit.heatmaps.cells
    return [measures_table(f"Heatmaps of {height} x {width} cells", audit.heatmaps.measures)]


def _copies_tables(audit: models.Audit) -> list[Table]:
    if audit.copies is None:
        return []
    rows = tuple(
        (SPLITS[one.split], SPLITS[one.other], f"{one.copied:,} of {one.n:,}", f"{one.in_use:,} of {one.n:,}")
        for one in audit.copies.splits
    )
    columns = ("Images of", "With a copy in", "In the data sets", "Without those left out")
    return [Table(f"Copies among the images, searched for on {audit.copies.searched}", columns, rows, word_columns=2)]
