"""The labelled images, where they are: they are not part of the repository."""

import functools

import numpy as np
import pytest

from models.task import Task
from models.training.datasets import load_examples
from models.training.manifest import Example, datasets_root
from models.training.recipes import training_task

needs_labelled_images = pytest.mark.skipif(
    not datasets_root().is_dir(), reason="the labelled images are not on this machine (LUMEN_DATASETS)"
)


@functools.cache
def examples_of(name: str, split: str) -> list[Example]:
    """All examples of one split, read once: manifests are long, and the gate's drawn pictures take seconds."""
    return load_examples(training_task(name), splits=(split,))


def sample(task: Task, split: str, count: int, *, target: int | None = None) -> list[Example]:
    """`count` examples of this split drawn at random, always the same; only those of `target` where it is given."""
    found = examples_of(task.name, split)
    if target is not None:
        found = [example for example in found if example.targets[task.primary] == target]
    chosen = np.random.default_rng(11).permutation(len(found))[:count]
    return [found[index] for index in chosen]
