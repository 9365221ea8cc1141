"""How one network is trained: its task, its images, and every hyper-parameter, chosen on the validation split."""

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Protocol

from models.imaging import InputSpec
from models.task import Task
from models.training.augment import Augmentation
from models.training.manifest import Example, Source


class ExampleSource(Protocol):
    """Where labelled images come from: a folder with a manifest (manifest.Source), or code that makes them."""

    def load(self, task: Task, splits: Container[str]) -> list[Example]:
        """Its images of these splits, with targets for every head of `task`."""
        ...


@dataclass(frozen=True)
class Fold:
    """What `abroad` leaves out of one training: the images whose `Example.origin` begins with one of `origins`.

    `name` is for readers. Origins are joined where one alone has a single label, so that each fold can be ranked.
    """

    name: str
    origins: tuple[str, ...]

    def holds(self, origin: str) -> bool:
        """Whether images of this origin are left out."""
        return origin.startswith(self.origins)


@dataclass(frozen=True)
class Recipe:
    """`balance`: exponent of the inverse label frequency used as loss weight (0: none, 1: full). `patience`: epochs.
    `averaging`: momentum, per step, of the moving average of the weights. `hidden`: widths of the heads' hidden layers.

    `miss_rate`: share of a label's own validation images for which it may be ruled out. `behind_gate`: whether the gate
    refuses images before this network is asked. `folds`: what `abroad` leaves out in turn, with networks that read
    `abroad_side` pixels and learn for `abroad_epochs`. `sampling`: exponent of the inverse size of an image's origin
    and label, by which an epoch draws its images (0: each once, 1: every source of a label equally often).
    `distill_share`: images of this task in a batch of `distill`, of those with the label `distill_label` if it is set.
    """

    task: Task = field(repr=False)
    sources: tuple[ExampleSource, ...] = field(repr=False)
    spec: InputSpec
    augmentation: Augmentation
    epochs: int
    learning_rate: float = 4e-4
    weight_decay: float = 1e-2
    batch_size: int = 32
    dropout: float = 0.3
    balance: float = 0.5
    label_smoothing: float = 0.05
    patience: int = 8
    averaging: float = 0.995
    hidden: tuple[int, ...] = ()
    head_weights: tuple[tuple[str, float], ...] = ()
    miss_rate: float = field(default=0.10, repr=False)
    behind_gate: bool = field(default=True, repr=False)
    folds: tuple[Fold, ...] = field(default=(), repr=False)
    abroad_side: int = field(default=128, repr=False)
    abroad_epochs: int = field(default=5, repr=False)
    sampling: float = 0.0
    distill_share: int = field(default=0, repr=False)
    distill_label: str = field(default="", repr=False)

    @property
    def manifests(self) -> tuple[Source, ...]:
        """Its sources that are folders with a manifest."""
        return tuple(source for source in self.sources if isinstance(source, Source))
