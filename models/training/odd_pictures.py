"""Odd pictures for the heads of the gate's network: right images of every task, altered by code.

Training and validation see one set of alterations, the test split another, made in another way; odd_rates.py measures
with that one on any split.
"""

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, replace
from types import ModuleType

import numpy as np

from models.imaging import shrink
from models.modality import ASKED_OF, INVERTED, MODALITY_TASK, ODD_HEADS, SCREEN, Layout, Marks, Turned
from models.task import Modality, Task
from models.training import alterations, other_alterations
from models.training.manifest import MISSING, SPLITS, Example, Source, read_pixels, targets_of_row

DRAWERS = {"train": alterations, "val": alterations, "test": other_alterations}
SEEDS = {"train": 11, "val": 12, "test": 13}
# Odd pictures of each split for each type of image.
COUNTS = {"train": 1200, "val": 100, "test": 160}
# Longest side kept of them: the gate reads 128 pixels.
SIDE = 192
NAME = "altered by code"
KIND = MODALITY_TASK.primary
QUARTERS = {Turned.LEFT: 1, Turned.UPSIDE_DOWN: 2, Turned.RIGHT: 3}

# Picture, another of its type, random numbers -> the altered picture.
Alter = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Way:
    """One way to alter a picture: the labels of heads that tell it (none where nothing is odd), and how it is made."""

    name: str
    labels: Mapping[str, str]
    alter: Alter


@dataclass(frozen=True)
class OddPictures:
    """Altered copies of images of `sources`, each in the split and group of its image.

    Their type of image is a target in training alone: thresholds are for images as they come.
    """

    sources: tuple[Source, ...]

    def load(self, task: Task, splits: Container[str]) -> list[Example]:
        """The altered pictures of these splits, always the same; none for another task than the gate's."""
        if task.name != MODALITY_TASK.name:
            return []
        wanted = [split for split in SPLITS if split in splits]
        return [odd for split in wanted for _, _, odd in self.of_split(split, DRAWERS[split], COUNTS[split])]

    def of_split(self, split: str, drawers: ModuleType, count: int) -> Iterator[tuple[Modality, str, Example]]:
        """Type of image, name of the way, and the altered picture: at most `count` of each type, by these drawers."""
        by_kind: dict[Modality, list[Example]] = {}
        for source in self.sources:
            by_kind.setdefault(Modality(source.same[KIND]), []).extend(source.load(MODALITY_TASK, {split}))
        for number, (kind, examples) in enumerate(by_kind.items()):
            rng, ways = np.random.default_rng((SEEDS[split], number)), ways_of(kind, drawers)
            for index, place in enumerate(rng.permutation(len(examples))[:count]):
                one, other, way = examples[place], examples[int(rng.integers(len(examples)))], ways[index % len(ways)]
                yield kind, way.name, _altered(kind, one, other, way, rng)


def usual_targets(kind: Modality) -> dict[str, str]:
    """Head key -> the label that says that nothing is odd, of the heads that are asked of this type of image."""
    return {head.key: head.labels[0].key for head in ODD_HEADS if kind in ASKED_OF[head.key]}


def ways_of(kind: Modality, drawers: ModuleType) -> list[Way]:
    """How images of this type are altered, by the functions of this module."""
    d = drawers
    ways = [
        Way("beside", {"layout": Layout.BESIDE}, lambda one, two, rng: d.join(one, two, rng, beside=True)),
        Way("above", {"layout": Layout.ABOVE}, lambda one, two, rng: d.join(one, two, rng, beside=False)),
        *2 * [Way("screen", {"capture": SCREEN}, lambda one, _, rng: d.photograph(one, rng))],
        *2 * [Way("drawn on", {"marks": Marks.DRAWN}, lambda one, _, rng: d.draw_on(one, rng))],
        Way("covered", {"marks": Marks.COVERING}, lambda one, _, rng: d.cover(one, rng)),
        Way("letter", {}, lambda one, _, rng: d.letter(one, rng)),
        Way("frame", {}, lambda one, _, rng: d.frame(one, rng)),
    ]
    if kind is Modality.DERMOSCOPY:
        ways += 2 * [Way("round field", {}, lambda one, _, rng: d.see_round(one, rng))]
    if kind in ASKED_OF["inverted"]:
        ways += 2 * [Way("inverted", {"inverted": INVERTED}, lambda one, _, rng: d.invert(one, rng))]
    if kind in ASKED_OF["turned"]:
        ways += [Way("turned", {"turned": label}, _turning(d, quarters)) for label, quarters in QUARTERS.items()]
    return ways


def _turning(drawers: ModuleType, quarters: int) -> Alter:
    return lambda one, _, rng: drawers.turn(one, quarters)


def _altered(kind: Modality, one: Example, other: Example, way: Way, rng: np.random.Generator) -> Example:
    picture, second = (shrink(read_pixels(example), 2 * SIDE) for example in (one, other))
    targets = targets_of_row(MODALITY_TASK, {**usual_targets(kind), **way.labels, KIND: kind.value})
    if one.split != "train":
        targets[KIND] = MISSING
    pixels = shrink(way.alter(picture, second, rng), SIDE)
    return replace(one, targets=targets, dataset_name=NAME, pixels=pixels)
