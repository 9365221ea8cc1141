"""What a network learns from, batch by batch."""

import math
from collections import Counter

import keras
import numpy as np

from models.imaging import prepare
from models.task import Task
from models.training.augment import augment
from models.training.manifest import Example, read_pixels
from models.training.recipe import Recipe


class Batches(keras.utils.PyDataset):
    """Batches of (float32 [n, h, w, 3] in 0 to 255, {head: int32 [n]}), augmented and shuffled when `recipe` trains."""

    def __init__(self, task: Task, examples: list[Example], recipe: Recipe, *, training: bool, seed: int) -> None:
        super().__init__(workers=2 if training else 1, max_queue_size=8)
        self.recipe, self.training, self.seed, self.epoch = recipe, training, seed, 0
        self.images = [read_pixels(example) for example in examples]
        self.targets = {
            head.key: np.array([example.targets[head.key] for example in examples], np.int32) for head in task.heads
        }
        self.chances = _chances(task, examples, recipe.sampling) if training and recipe.sampling else None
        self.order = np.arange(len(examples))
        self.shuffle()

    def __len__(self) -> int:
        return math.ceil(len(self.images) / self.recipe.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        chosen = self.order[index * self.recipe.batch_size : (index + 1) * self.recipe.batch_size]
        rng = np.random.default_rng((self.seed, self.epoch, index))
        pixels = np.stack([self._pixels(position, rng) for position in chosen])
        return pixels, {head: targets[chosen] for head, targets in self.targets.items()}

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self.shuffle()

    def shuffle(self) -> None:
        if not self.training:
            return
        rng, count = np.random.default_rng((self.seed, self.epoch)), len(self.images)
        self.order = rng.permutation(count) if self.chances is None else rng.choice(count, count, p=self.chances)

    def _pixels(self, position: int, rng: np.random.Generator) -> np.ndarray:
        if self.training:
            other = self.images[rng.integers(len(self.images))] if self.recipe.augmentation.mix else None
            return augment(self.images[position], self.recipe.spec, self.recipe.augmentation, rng, other)
        return prepare(self.images[position], self.recipe.spec)[0]


def _chances(task: Task, examples: list[Example], sampling: float) -> np.ndarray:
    """The chance of each image to be drawn, float [n], sum 1: no source that is large teaches its looks for a label."""
    places = [(example.origin, example.targets[task.primary]) for example in examples]
    sizes = Counter(places)
    weights = np.array([sizes[place] ** -sampling for place in places])
    return weights / weights.sum()
