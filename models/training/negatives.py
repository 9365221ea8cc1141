"""Pictures that no task reads, for the gate's network: those that are not medical are few, so they are changed, and
others drawn."""

from collections.abc import Container
from dataclasses import dataclass, replace
from pathlib import Path

from models.task import Task
from models.training.manifest import SPLITS, Example, Source, read_pixels, targets_of_row
from models.training.synthetic import draw_negatives, vary_photo

# Of each split: seed and number of drawn pictures, and changed copies of each photo. On test they are as they are.
DRAWN = {"train": (1, 1200), "val": (2, 96), "test": (3, 120)}
COPIES = {"train": 8, "val": 2, "test": 0}


@dataclass(frozen=True)
class ChangedPhotos:
    """Changed copies of each photo of a source, in its own split and group."""

    photos: Source

    def load(self, task: Task, splits: Container[str]) -> list[Example]:
        """The copies of the photos in these splits."""
        photos = enumerate(self.photos.load(task, SPLITS))
        return [copy for seed, photo in photos if photo.split in splits for copy in _copies(photo, seed)]


@dataclass(frozen=True)
class InFolders:
    """The images of a source that lie in some of its folders."""

    source: Source
    folders: tuple[str, ...]

    def load(self, task: Task, splits: Container[str]) -> list[Example]:
        """Those of these splits."""
        return [one for one in self.source.load(task, splits) if one.path.parent.name in self.folders]


@dataclass(frozen=True)
class DrawnPictures:
    """Pictures drawn by code that all have the label `label` of the task's primary head."""

    label: str

    def load(self, task: Task, splits: Container[str]) -> list[Example]:
        """The pictures of these splits, each a group of its own."""
        targets = targets_of_row(task, {task.primary: self.label})
        return [one for split in sorted(SPLITS) if split in splits for one in _drawn(split, targets)]


def _copies(photo: Example, seed: int) -> list[Example]:
    varied = vary_photo(read_pixels(photo), COPIES[photo.split], seed)
    return [replace(photo, dataset_name=f"{photo.dataset_name}, changed", pixels=pixels) for pixels in varied]


def _drawn(split: str, targets: dict[str, int]) -> list[Example]:
    seed, count = DRAWN[split]
    return [
        Example(Path(f"drawn-{split}-{index}"), targets, "drawn by code", f"{split}-{index}", split, pixels)
        for index, pixels in enumerate(draw_negatives(count, seed))
    ]
