"""Leave one source out: does a network that never saw a source read its images?

For each origin that shares a label with another, a short network learns without it and is measured on its images; a
network of the same recipe that learned from everything is measured on the validation images of that origin. The
difference is what knowing the source was worth (Zech et al., PLoS Medicine 2018). None of these networks serves.
"""

import dataclasses
import json
import re
from collections.abc import Callable
from typing import TypeVar

import keras
import numpy as np
from tqdm import tqdm

from models.architectures import trunk_of
from models.audit import LeftOut
from models.calibration import calibrated
from models.deployment import current_deployment
from models.imaging import InputSpec
from models.measures import Measure, MeasureSet, Metric
from models.records import from_json, to_json
from models.task import Task
from models.training import store
from models.training.answers import Answers
from models.training.datasets import load_examples
from models.training.fit.batches import Batches
from models.training.fit.network import imagenet_weights, start_network
from models.training.fit.optimiser import compile_for_training
from models.training.manifest import MISSING, Example
from models.training.recipe import Recipe
from models.training.recipes import RECIPES
from models.training.sources import origins

Result = TypeVar("Result")

SEED = 20261120
EPOCHS = 5
# Faster than in a whole training: this average has to forget its start within a few hundred steps.
AVERAGING = 0.97
# A label of which a source has fewer images is left with it.
FEWEST = 10


@dataclasses.dataclass(frozen=True)
class Images:
    """All images with a known answer to the primary question: label (index) and origin of each, [n]."""

    task: Task
    examples: list[Example]
    labels: np.ndarray
    sources: np.ndarray

    def of(self, source: str, labels: list[int]) -> np.ndarray:
        """Whether each image is of this source and one of these labels, bool [n]."""
        return (self.sources == source) & np.isin(self.labels, labels)

    def in_split(self, split: str) -> np.ndarray:
        return np.array([example.split == split for example in self.examples])

    def take(self, chosen: np.ndarray) -> list[Example]:
        return [self.examples[row] for row in np.flatnonzero(chosen)]

    def shared_labels(self) -> dict[str, list[int]]:
        """Source -> its labels (indices) that another source has, too; sources without one are absent."""
        shared: dict[str, list[int]] = {}
        for label in np.unique(self.labels).tolist():
            names, counts = np.unique(self.sources[self.labels == label], return_counts=True)
            holders = names[counts >= FEWEST].tolist()
            for name in holders if len(holders) > 1 else ():
                shared.setdefault(name, []).append(label)
        return shared


def read_images(task: Task) -> Images:
    examples = [example for example in load_examples(task) if example.targets[task.primary] != MISSING]
    targets = np.array([example.targets[task.primary] for example in examples])
    return Images(task, examples, targets % len(task.labels), origins(task, examples))


def leave_sources_out(task: Task, *, side: int | None = None, epochs: int = EPOCHS) -> tuple[LeftOut, ...]:
    """`left_out` of the audit, by networks that read `side` x `side` pixels (default: those of the task's recipe).

    Each result is kept under runs/<task>/<network>/left_out/ and not worked out twice for one recipe.
    """
    images, recipe = read_images(task), short_recipe(task, side, epochs)
    shared = images.shared_labels()
    if not shared:
        return ()
    whole = _kept("every source", dict[str, MeasureSet], recipe, images, lambda: with_all(images, recipe, shared))

    def leave_out(source: str) -> LeftOut:
        result = _kept(source, LeftOut, recipe, images, lambda: without(images, recipe, source, shared[source]))
        return dataclasses.replace(result, with_source=whole[source])

    return tuple(leave_out(source) for source in tqdm(shared, desc="sources left out"))


def short_recipe(task: Task, side: int | None, epochs: int) -> Recipe:
    """The recipe of `task`, smaller and shorter."""
    recipe = RECIPES[task.name]
    side = side or recipe.left_out_side
    return dataclasses.replace(recipe, spec=InputSpec(side, side, recipe.spec.fit), epochs=epochs, averaging=AVERAGING)


def without(images: Images, recipe: Recipe, source: str, labels: list[int]) -> LeftOut:
    """A network that never saw these labels of `source`, measured on them, in whatever split they are.

    Images whose group (patient, lesion) the network met in another source are not asked.
    """
    left_out = images.of(source, labels)
    learned = images.take(images.in_split("train") & ~left_out)
    met = {example.group for example in learned}
    asked = [example for example in images.take(left_out) if example.group not in met]
    network = train_short(images.task, recipe, learned)
    return LeftOut(
        labels=tuple(images.task.labels[label].key for label in labels),
        source=source,
        n=len(asked),
        without_source=measures_of(images, network, recipe, source, asked),
    )


def with_all(images: Images, recipe: Recipe, shared: dict[str, list[int]]) -> dict[str, MeasureSet]:
    """Source -> measures, on the validation images of its shared labels, of a network that learned from all sources."""
    network = train_short(images.task, recipe, images.take(images.in_split("train")))
    asked = {
        source: images.take(images.of(source, labels) & images.in_split("val")) for source, labels in shared.items()
    }
    return {source: measures_of(images, network, recipe, source, examples) for source, examples in asked.items()}


def measures_of(images: Images, network: keras.Model, recipe: Recipe, source: str, asked: list[Example]) -> MeasureSet:
    """How right the network is on `asked`, images of one source, and how well it ranks each finding there.

    Where all of `asked` have one label, they are ranked against validation images of other sources that have another.
    """
    if not asked:
        return MeasureSet()
    answers = ask(images.task, network, recipe, asked)
    label, *more = np.unique(answers.truth).tolist()
    ranked, metric = answers, Metric.AUC
    if not more:
        elsewhere = images.take(images.in_split("val") & (images.sources != source) & (images.labels != label))
        ranked = answers.join(ask(images.task, network, recipe, elsewhere))
        metric = Metric.AUC_AGAINST_OTHER_SOURCES
    labels = {index: images.task.labels[index] for index in (label, *more)}
    aucs: dict[str, tuple[Measure, ...]] = {
        one.key: (ranked.auc(index, metric),) for index, one in labels.items() if one.is_finding
    }
    return MeasureSet(answers.measures(), aucs)


def train_short(task: Task, recipe: Recipe, examples: list[Example]) -> keras.Model:
    """A network from the ImageNet start, with the averaged weights of its last epoch: nothing is chosen by a score."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(SEED)
    batches = Batches(task, examples, recipe, training=True, seed=SEED)
    trunk = trunk_of(current_deployment().network_of(task).name)
    network = start_network(task, trunk, recipe, weights=imagenet_weights(trunk))
    compile_for_training(task, network, examples, recipe, steps=recipe.epochs * len(batches))
    network.fit(batches, epochs=recipe.epochs, callbacks=[keras.callbacks.SwapEMAWeights(swap_on_epoch=True)])
    return network


def ask(task: Task, network: keras.Model, recipe: Recipe, examples: list[Example]) -> Answers:
    """The primary head's answers; a specialist's head is asked for the true label of its condition."""
    batches = Batches(task, examples, recipe, training=False, seed=SEED)
    logits = network.predict(batches, verbose=0)[task.primary]
    targets = batches.targets[task.primary]
    labels = len(task.labels)
    if logits.ndim == 3:
        logits = logits[np.arange(len(targets)), targets // labels]
    return Answers(calibrated(logits, 1.0), targets % labels, np.array([example.group for example in examples]))


def _kept(name: str, kind: type[Result], recipe: Recipe, images: Images, work_out: Callable[[], Result]) -> Result:
    """The result of this name and recipe from its file, else worked out and written there."""
    task = images.task
    network = current_deployment().network_of(task).name
    folder = store.RUNS / task.name / network / "left_out" / re.sub(r"\W+", "-", name).strip("-")
    path, words = folder / "result.json", repr(recipe)
    if path.exists():
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["recipe"] == words:
            return from_json(kind, kept["result"])
    result = work_out()
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"recipe": words, "result": to_json(result)}, indent=1) + "\n", encoding="utf-8")
    return result
