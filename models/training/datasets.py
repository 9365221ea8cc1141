"""Labelled images from the manifests: which file, which labels, which source, which split (by patient or group)."""

import csv
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from models.decoders.single import decode_image
from models.gate import MODALITY_TASK
from models.registry import get_task
from models.task import Head, Modality, Task
from models.training.synthetic import draw_negatives, vary_photo
from models.training.xray import XRAY_TASK

SPLITS = ("train", "val", "test")
MISSING = -1
# Seed and number of drawn pictures of the gate's network, and of changed copies of each picture that is not medical:
# there are few of those. On test they are as they are.
DRAWN = {"train": (1, 1200), "val": (2, 96), "test": (3, 120)}
COPIES = {"train": 8, "val": 2, "test": 0}
# Longest side kept in memory: every network reads less, and the affine of the augmentation wants some more.
CACHED_SIDE = 320
# Rows of a manifest are counted as a spreadsheet counts them: the header is row 1.
FIRST_ROW = 2
# Labels that are wrong in the manifests, by eye on the images alone: columns folder, path, column and right label.
# docs/networks.md says how they were found.
CORRECTIONS = Path(__file__).with_name("corrections.csv")


class UnfitManifest(ValueError):
    """This manifest cannot be read as one of the task; the message names the file, the row and the column."""


@dataclass(frozen=True)
class Source:
    """One folder with a manifest, and how its columns name the labels of a task's heads.

    `same`: head key -> label of all its images. `copies`: a file in the folder that lists pairs of images of which
    one is a mirrored or turned copy of the other (columns image, its_split, copy, copy_split).
    """

    folder: str
    columns: dict[str, str]
    same: dict[str, str] = field(default_factory=dict)
    copies: str = ""


SOURCES: dict[str, tuple[Source, ...]] = {
    "injury": (Source("injury", {"injury": "label", "burn_degree": "subtype", "wound_kind": "subtype"}),),
    "skin_lesion": (Source("skin", {"lesion": "label"}),),
    "fracture": (
        Source("fracture", {"part": "part", "fractured": "fractured"}),
        Source("fracture_type", {"type": "type"}),
    ),
    "chest": (Source("chest", {"chest": "label"}),),
    "brain": (Source("brain", {"tumour": "label"}, copies="known_copies_val_test_holdout.csv"),),
}
SOURCES[XRAY_TASK.name] = tuple(
    replace(source, same={MODALITY_TASK.primary: get_task(name).modality})
    for name in ("fracture", "chest")
    for source in SOURCES[name]
)

MODALITY_FOLDERS = {
    "injury": Modality.CLINICAL_PHOTO,
    "skin": Modality.DERMOSCOPY,
    "fracture": Modality.BONE_XRAY,
    "fracture_type": Modality.BONE_XRAY,
    "chest": Modality.CHEST_XRAY,
    "brain": Modality.BRAIN_MRI,
    "not_medical": Modality.NOT_MEDICAL,
}


@dataclass(frozen=True)
class Example:
    """One image. `targets`: head key -> index into the head's labels (given label x label for a specialist's head),
    or MISSING. `pixels`: uint8 RGB of a drawn image; None for one that is read from `path`."""

    path: Path
    targets: dict[str, int]
    dataset_name: str
    group: str
    split: str
    pixels: np.ndarray | None = None


def datasets_root() -> Path:
    """The folder of data sets: LUMEN_DATASETS, else ../shared/datasets beside the checkout."""
    return Path(os.environ.get("LUMEN_DATASETS", Path(__file__).parents[3] / "shared" / "datasets"))


def training_task(name: str) -> Task:
    """A clinical task, or one that is trained alike and never offered to users: the gate's `modality`, and `xray`."""
    inner = {task.name: task for task in (MODALITY_TASK, XRAY_TASK)}
    return inner[name] if name in inner else get_task(name)


def load_examples(task: Task, *, splits: Iterable[str] = SPLITS, exclude: Iterable[str] = ()) -> list[Example]:
    """All examples of `task` in these splits, without the data sets named in `exclude`; wrong labels are corrected."""
    wanted, unwanted = set(splits), set(exclude)
    found = _modality_examples(wanted) if task.name == MODALITY_TASK.name else _task_examples(task)
    return [example for example in found if example.split in wanted and example.dataset_name not in unwanted]


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
    # Spreadsheets write a byte order mark first.
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def _task_examples(task: Task) -> list[Example]:
    found: list[Example] = []
    for source in SOURCES[task.name]:
        manifest = datasets_root() / source.folder / "manifest.csv"
        examples = read_examples(task, manifest, source.columns, source.same, read_corrections(source.folder))
        copied = copies_of_test(source)
        found += [example for example in examples if example.split != "val" or example.path not in copied]
    return found


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


def read_corrections(folder: str) -> dict[str, dict[str, str]]:
    """Path in this folder's manifest -> {column: right label}."""
    found: dict[str, dict[str, str]] = {}
    for row in read_manifest(CORRECTIONS):
        if row["folder"] == folder:
            found.setdefault(row["path"], {})[row["column"]] = row["label"]
    return found


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
    if not set(columns.values()) & set(rows[0]):
        raise UnfitManifest(f"{manifest} has no column of labels; {task.title} reads {_listed(columns.values())}.")
    corrected = [row | (corrections or {}).get(row["path"], {}) for row in rows]
    return [
        _example(task, manifest, columns, same or {}, row, number)
        for number, row in enumerate(corrected, start=FIRST_ROW)
    ]


def load_manifest(task: Task, manifest: Path, split: str | None = None) -> list[Example]:
    """The examples of any manifest with the columns of a clinical task's own, of one split or of all.

    Raises UnfitManifest as `read_examples` does, for a file that is missing, and when the split is empty.
    """
    columns = {head: column for source in SOURCES[task.name] for head, column in source.columns.items()}
    found = list(enumerate(read_examples(task, manifest, columns), start=FIRST_ROW))
    wanted = [(row, example) for row, example in found if split in (None, example.split)]
    if not wanted:
        raise UnfitManifest(f"{manifest} has no row of the split {split!r} in its column 'split'.")
    for row, example in wanted:
        if not example.path.is_file():
            raise UnfitManifest(f"{manifest}, row {row}, column 'path': there is no file {example.path}.")
    return [example for _, example in wanted]


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
    if head.given and head.given not in words:
        raise UnfitManifest(f"{place}: {word!r} takes the answer to {task.head(head.given).title!r} in the same row.")


def _listed(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))


def targets_of_row(task: Task, answers: dict[str, str]) -> dict[str, int]:
    """Head key -> target index for the label words of one row; heads without a word are MISSING."""
    plain = {head.key: _label_index(task, head.key, answers.get(head.key)) for head in task.heads}
    targets = dict(plain)
    for head in task.heads:
        if head.given and plain[head.key] != MISSING:
            targets[head.key] = plain[head.given] * len(head.labels) + plain[head.key]
    return targets


def _label_index(task: Task, head: str, word: str | None) -> int:
    keys = [label.key for label in task.head(head).labels]
    # A question that is asked only of some images (the degree of a burn) has no answer for the others.
    if not word or (task.head(head).asked_if and word.lower() not in keys):
        return MISSING
    return keys.index(word.lower())


def _modality_examples(splits: set[str]) -> list[Example]:
    keys = [label.key for label in MODALITY_TASK.labels]
    examples = []
    for name, modality in MODALITY_FOLDERS.items():
        folder = datasets_root() / name
        targets = {MODALITY_TASK.primary: keys.index(modality)}
        for row in read_manifest(folder / "manifest.csv"):
            examples.append(Example(folder / row["path"], targets, row["dataset_name"], row["group"], row["split"]))
    not_medical = keys.index(Modality.NOT_MEDICAL)
    photos = [example for example in examples if example.targets[MODALITY_TASK.primary] == not_medical]
    copies = [copy for seed, photo in enumerate(photos) if photo.split in splits for copy in _copies(photo, seed)]
    return [*examples, *copies, *(drawn for split in sorted(splits) for drawn in _drawn(split, not_medical))]


def _copies(photo: Example, seed: int) -> list[Example]:
    """Changed copies of one picture, in its own split and group."""
    varied = vary_photo(read_pixels(photo), COPIES[photo.split], seed)
    return [replace(photo, dataset_name=f"{photo.dataset_name}, changed", pixels=pixels) for pixels in varied]


def _drawn(split: str, not_medical: int) -> list[Example]:
    seed, count = DRAWN[split]
    return [
        Example(
            Path(f"drawn-{split}-{index}"),
            {MODALITY_TASK.primary: not_medical},
            "drawn by code",
            f"{split}-{index}",
            split,
            pixels,
        )
        for index, pixels in enumerate(draw_negatives(count, seed))
    ]
