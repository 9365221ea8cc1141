"""Whether the splits of the data sets are apart: no group in two of them, and no image in one that copies another's."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tqdm import tqdm

from models.audit import CopiedSplit, Copies
from models.decoders.errors import UnreadableImage
from models.task import Task
from models.training.copies import Likeness, Look, compare, find_copies, look_at
from models.training.manifest import SPLITS, Example, datasets_root, known_copies, read_upload
from models.training.recipes import RECIPES

# Training may see nothing of the other two.
LEAKING = (("train", "test"), ("train", "val"))
SPLIT_PAIRS = (*LEAKING, ("val", "test"), *((split, split) for split in SPLITS))
# Pairs of files that are copies of one another.
Found = dict[tuple[Path, Path], Likeness]


@dataclass(frozen=True)
class Listed:
    """One image of a folder's manifest. `used`: False for one that is left out of its split as a known copy."""

    folder: str
    example: Example
    used: bool

    @property
    def name(self) -> str:
        """Folder and path."""
        return str(self.example.path.relative_to(datasets_root()))


@dataclass(frozen=True)
class Pair:
    """Two images of which one is a copy of the other; that of the earlier split is the `first`."""

    first: Listed
    second: Listed
    likeness: Likeness

    @property
    def splits(self) -> tuple[str, str]:
        """The splits of the two."""
        return self.first.example.split, self.second.example.split

    @property
    def is_in_use(self) -> bool:
        """Whether neither is left out."""
        return self.first.used and self.second.used


@dataclass(frozen=True)
class Report:
    """What was found. `images`: folder -> number of images. `copies`: task name -> what an audit keeps of its images.

    `unreadable`, `crossing`: a sentence for each image that cannot be read, and for each group in two splits.
    """

    images: dict[str, int]
    unreadable: tuple[str, ...]
    crossing: tuple[str, ...]
    copies: dict[str, tuple[CopiedSplit, ...]]
    pairs: tuple[Pair, ...]

    @property
    def leaks(self) -> tuple[Pair, ...]:
        """The copies by which training sees images of validation or test."""
        return tuple(pair for pair in self.pairs if pair.splits in LEAKING and pair.is_in_use)

    @property
    def is_clean(self) -> bool:
        """Whether every image can be read and the splits are apart."""
        return not (self.unreadable or self.crossing or self.leaks)


def check(tasks: Sequence[Task]) -> Report:
    """Reads all images of these tasks, and compares each with every other, of whatever task.

    Raises UnfitManifest.
    """
    by_task = {task.name: list_images(task) for task in tasks}
    images = _each_once(image for listed in by_task.values() for image in listed)
    looks, unreadable = look_at_files(images)
    found = _by_rule(looks) | _by_eye(looks, tasks)
    return Report(
        images=dict(Counter(image.folder for image in images)),
        unreadable=tuple(unreadable),
        crossing=tuple(crossing_groups(images)),
        copies={name: count_copies(listed, pairs_among(listed, found)) for name, listed in by_task.items()},
        pairs=tuple(pairs_among(images, found)),
    )


def search_copies(task: Task) -> Copies:
    """What an audit keeps of the copies among the images of `task`. Raises SystemExit for one that cannot be read."""
    report = check([task])
    if report.unreadable:
        raise SystemExit("\n".join(report.unreadable))
    return Copies(searched=datetime.now(UTC).date().isoformat(), splits=report.copies[task.name])


def list_images(task: Task) -> list[Listed]:
    """All images of the manifests of `task` that are in a split. Raises UnfitManifest."""
    listed: list[Listed] = []
    for source in RECIPES[task.name].manifests:
        used = {example.path for example in source.load(task, SPLITS)}
        in_split = (example for example in source.read(task) if example.split in SPLITS)
        listed += [Listed(source.folder, example, example.path in used) for example in in_split]
    return listed


def _each_once(images: Iterable[Listed]) -> list[Listed]:
    """One entry for each file; what any task uses is used."""
    by_path: dict[Path, Listed] = {}
    for image in images:
        known = by_path.setdefault(image.example.path, image)
        if image.used and not known.used:
            by_path[image.example.path] = image
    return list(by_path.values())


def crossing_groups(images: Iterable[Listed]) -> list[str]:
    """A sentence for each group that has images in several splits of one folder."""
    splits: dict[tuple[str, str], set[str]] = {}
    for image in images:
        splits.setdefault((image.folder, image.example.group), set()).add(image.example.split)
    return [
        f"{folder}: the group {group} is in {' and '.join(sorted(found, key=SPLITS.index))}."
        for (folder, group), found in splits.items()
        if len(found) > 1
    ]


def look_at_files(images: Iterable[Listed]) -> tuple[dict[Path, Look], list[str]]:
    """The look of each file that decodes as an upload does, and a sentence for each that does not."""
    looks, unreadable = {}, []
    for image in tqdm(images, desc="images"):
        try:
            looks[image.example.path] = look_at(read_upload(image.example))
        except FileNotFoundError:
            unreadable.append(f"{image.name}: there is no such file.")
        except (OSError, UnreadableImage) as error:
            unreadable.append(f"{image.name}: {error}")
    return looks, unreadable


def _by_rule(looks: dict[Path, Look]) -> Found:
    paths = list(looks)
    return {
        (paths[one], paths[other]): likeness for (one, other), likeness in find_copies(list(looks.values())).items()
    }


def _by_eye(looks: dict[Path, Look], tasks: Iterable[Task]) -> Found:
    """The pairs that models/training/copies.csv names, whether the rules find them or not."""
    copies = (known_copies(source) for task in tasks for source in RECIPES[task.name].manifests)
    named = {(path, other) for known in copies for path, others in known.items() for other in others}
    return {(one, other): compare(looks[one], looks[other]) for one, other in named if {one, other} <= looks.keys()}


def pairs_among(images: Iterable[Listed], found: Found) -> list[Pair]:
    """Those pairs of which both are among `images`, each once."""
    by_path = {image.example.path: image for image in images}
    pairs = {}
    for (one, other), likeness in found.items():
        if one in by_path and other in by_path:
            first, second = sorted((by_path[one], by_path[other]), key=_order)
            pairs[first.name, second.name] = Pair(first, second, likeness)
    return list(pairs.values())


def _order(image: Listed) -> tuple[int, str]:
    return SPLITS.index(image.example.split), image.name


def count_copies(images: Iterable[Listed], pairs: Sequence[Pair]) -> tuple[CopiedSplit, ...]:
    """How many images of a split have a copy in an earlier one, or beside them, for all SPLIT_PAIRS."""
    counts = Counter(image.example.split for image in images)
    copied = [_copied_images(pairs, splits) for splits in SPLIT_PAIRS]
    in_use = [_copied_images([pair for pair in pairs if pair.is_in_use], splits) for splits in SPLIT_PAIRS]
    return tuple(
        CopiedSplit(split, other, counts[split], *numbers)
        for (other, split), *numbers in zip(SPLIT_PAIRS, copied, in_use, strict=True)
    )


def _copied_images(pairs: Iterable[Pair], splits: tuple[str, str]) -> int:
    """The images of the second of two splits that are in these pairs; of one and the same split, all images."""
    there = [pair for pair in pairs if pair.splits == splits]
    names = {pair.second.name for pair in there}
    return len(names | {pair.first.name for pair in there} if splits[0] == splits[1] else names)
