"""Manifests of labelled images: which file, which labels, which source, which split (by patient or group)."""

import csv
import os
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from models.decoders.single import decode_image
from models.task import Head, Task

SPLITS = ("train", "val", "test")
MISSING = -1
# Longest side kept in memory: every network reads less, and the affine of the augmentation wants some more.
CACHED_SIDE = 320
# Rows of a manifest are counted as a spreadsheet counts them: the header is row 1.
FIRST_ROW = 2
# Labels that are wrong in the manifests, by eye on the images alone: columns folder, path, column and right label.
# docs/networks.md says how they were found.
CORRECTIONS = Path(__file__).with_name("corrections.csv")
# Training images that show an image of validation or test once more: columns folder, path, copy_of (both paths of that
# folder), and what the two are by eye: a copy, a neighbour (the same patient or object once more) or only alike.
# docs/networks.md says how they were found.
COPIES = Path(__file__).with_name("copies.csv")


class UnfitManifest(ValueError):
    """This manifest cannot be read as one of the task; the message names the file, the row and the column."""


@dataclass(frozen=True)
class Example:
    """One image. `targets`: head key -> index into the head's labels (label of the condition x label for a
    specialist's head), or MISSING. `origin`: the clinic where that is known, else the name of its data set in
    Task.sources. `block`: its part in a stricter split (one of SPLITS or "guard"), "" where there is none. `pixels`:
    uint8 RGB of a drawn image; None for one that is read from `path`.
    """

    path: Path
    targets: dict[str, int]
    dataset_name: str
    group: str
    split: str
    pixels: np.ndarray | None = None
    origin: str = ""
    block: str = ""


@dataclass(frozen=True)
class Source:
    """One folder with a manifest, and how its columns name the labels of a task's heads (head key -> column).

    `same`: head key -> label of all its images. Files in the folder: `copies` lists pairs of images of which one is a
    mirrored or turned copy of the other (columns image, its_split, copy, copy_split), `blocks` a stricter split by
    neighbouring slices (path, block_split). `clinics`: a file beside this module that names the clinic of each image of
    a data set that several made (path, clinic).
    """

    folder: str
    columns: Mapping[str, str]
    same: Mapping[str, str] = field(default_factory=dict)
    copies: str = ""
    clinics: str = ""
    blocks: str = ""

    @property
    def manifest(self) -> Path:
        """The file that lists its images."""
        return datasets_root() / self.folder / "manifest.csv"

    def read(self, task: Task) -> list[Example]:
        """All its images with origin and block; wrong labels are corrected."""
        examples = read_examples(task, self.manifest, self.columns, self.same, read_corrections(self.folder))
        clinics, blocks = read_clinics(self), read_blocks(self)
        declared = {dataset: source.name for source in task.sources for dataset in source.datasets}
        return [
            replace(
                one,
                origin=clinics.get(one.path) or declared.get(one.dataset_name, one.dataset_name),
                block=blocks.get(one.path, ""),
            )
            for one in examples
        ]

    def load(self, task: Task, splits: Container[str]) -> list[Example]:
        """Its images in these splits, as `read` gives them; known copies are left out of `train` and `val`."""
        left_out = {"train": known_copies(self).keys(), "val": copies_of_test(self)}
        return [one for one in self.read(task) if one.split in splits and one.path not in left_out.get(one.split, ())]


def datasets_root() -> Path:
    """The folder of data sets: LUMEN_DATASETS, else ../shared/datasets beside the checkout."""
    return Path(os.environ.get("LUMEN_DATASETS", Path(__file__).parents[3] / "shared" / "datasets"))


def read_upload(example: Example) -> np.ndarray:
    """uint8 RGB [h, w, 3] in full size, decoded as a user's upload is."""
    return example.pixels if example.pixels is not None else decode_image(example.path.read_bytes()).pixels


def read_pixels(example: Example) -> np.ndarray:
    """uint8 RGB [h, w, 3], longest side at most CACHED_SIDE."""
    pixels = read_upload(example)
    scale = CACHED_SIDE / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def read_manifest(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, as column -> text."""
    # Spreadsheets write a byte order mark first.
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def read_corrections(folder: str) -> dict[str, dict[str, str]]:
    """Path in this folder's manifest -> {column: right label}."""
    corrections: dict[str, dict[str, str]] = {}
    for row in read_manifest(CORRECTIONS):
        if row["folder"] == folder:
            corrections.setdefault(row["path"], {})[row["column"]] = row["label"]
    return corrections


def known_copies(source: Source) -> dict[Path, list[Path]]:
    """The training images of this source that show images of validation or test once more, and which: what is learned
    by heart there would count as recognised."""
    folder = datasets_root() / source.folder
    copies: dict[Path, list[Path]] = {}
    for row in read_manifest(COPIES):
        if row["folder"] == source.folder:
            copies.setdefault(folder / row["path"], []).append(folder / row["copy_of"])
    return copies


def copies_of_test(source: Source) -> set[Path]:
    """The validation images of this source that show a test image mirrored or turned: what is chosen on validation must
    not have seen the test split."""
    if not source.copies:
        return set()
    folder = datasets_root() / source.folder
    return {
        folder / row["image"]
        for row in read_manifest(folder / source.copies)
        if (row["its_split"], row["copy_split"]) == ("val", "test")
    }


def read_clinics(source: Source) -> dict[Path, str]:
    """The clinic of each image of this source whose data set was made by several."""
    if not source.clinics:
        return {}
    folder = datasets_root() / source.folder
    return {folder / row["path"]: row["clinic"] for row in read_manifest(Path(__file__).with_name(source.clinics))}


def read_blocks(source: Source) -> dict[Path, str]:
    """The part of each image of this source in its stricter split."""
    if not source.blocks:
        return {}
    folder = datasets_root() / source.folder
    return {folder / row["path"]: row["block_split"] for row in read_manifest(folder / source.blocks)}


def read_examples(
    task: Task,
    manifest: Path,
    columns: Mapping[str, str],
    same: Mapping[str, str] | None = None,
    corrections: Mapping[str, Mapping[str, str]] | None = None,
) -> list[Example]:
    """The rows of a manifest whose `path` is relative to its folder; `columns`: head key -> column of its labels.

    `same`: head key -> label of all rows. `corrections`: path -> {column: label} to read instead of what is there.

    Label columns that the manifest lacks leave their heads MISSING. Without `group` each image is a group of its own,
    without `dataset_name` all are of one set with the manifest's name, without `split` of none (""). Raises
    UnfitManifest with the row and the column.
    """
    try:
        rows = read_manifest(manifest)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnfitManifest(f"{manifest} cannot be read: {error}.") from None
    if not rows:
        raise UnfitManifest(f"{manifest} has no rows.")
    if "path" not in rows[0]:
        raise UnfitManifest(f"{manifest} has no column 'path'.")
    if columns and not set(columns.values()) & set(rows[0]):
        raise UnfitManifest(f"{manifest} has no column of labels; {task.title} reads {_listed(columns.values())}.")
    corrected = [{**row, **(corrections or {}).get(row["path"], {})} for row in rows]
    return [
        _example(task, manifest, columns, same or {}, row, number)
        for number, row in enumerate(corrected, start=FIRST_ROW)
    ]


def _example(
    task: Task, manifest: Path, columns: Mapping[str, str], same: Mapping[str, str], row: dict[str, str], number: int
) -> Example:
    path = manifest.parent / (row["path"] or "")
    words = {head: row[column] for head, column in columns.items() if row.get(column)}
    for head, word in words.items():
        _check_word(task, task.head(head), word, words, f"{manifest}, row {number}, column {columns[head]!r}")
    return Example(
        path=path,
        targets=targets_of_row(task, {**same, **words}),
        dataset_name=row.get("dataset_name") or manifest.stem,
        group=row.get("group") or str(path),
        split=row.get("split") or "",
    )


def _check_word(task: Task, head: Head, word: str, words: dict[str, str], place: str) -> None:
    keys = [label.key for label in head.labels]
    if not head.asked_if and word.lower() not in keys:
        raise UnfitManifest(f"{place}: {word!r} is no label of {head.title!r}; those are {_listed(keys)}.")
    if head.conditioned_on and head.conditioned_on not in words:
        raise UnfitManifest(
            f"{place}: {word!r} takes the answer to {task.head(head.conditioned_on).title!r} in the same row."
        )


def _listed(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))


def targets_of_row(task: Task, answers: dict[str, str]) -> dict[str, int]:
    """Head key -> target index for the label words of one row; heads without a word are MISSING."""
    plain = {head.key: _label_index(task, head.key, answers.get(head.key)) for head in task.heads}
    targets = dict(plain)
    for head in task.heads:
        if head.conditioned_on and plain[head.key] != MISSING:
            targets[head.key] = plain[head.conditioned_on] * len(head.labels) + plain[head.key]
    return targets


def _label_index(task: Task, head: str, word: str | None) -> int:
    keys = [label.key for label in task.head(head).labels]
    # A question that is asked only of some images (the degree of a burn) has no answer for the others.
    if not word or (task.head(head).asked_if and word.lower() not in keys):
        return MISSING
    return keys.index(word.lower())
