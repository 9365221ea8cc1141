"""One short network for each fold, which learns without the fold's sources and is asked about them."""

import hashlib
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from models.architectures import trunk_of
from models.task import Task
from models.training import store
from models.training.abroad.answers import Asked, FoldAnswers, asked, read_answers, write_answers
from models.training.calibrate import validation_logits
from models.training.datasets import load_examples
from models.training.fit.batches import Batches
from models.training.fit.network import imagenet_weights, start_network
from models.training.fit.optimiser import compile_for_training
from models.training.manifest import MISSING, Example
from models.training.recipe import Fold, Recipe

SEED = 20261126
# A network that met fewer images of a label is not asked about it.
FEWEST = 30
WEIGHTS, ANSWERS = "last.weights.h5", "answers.npz"


@dataclass(frozen=True)
class Parts:
    """What one network learns from, the validation images like those, and the images that it is asked about."""

    learned: list[Example]
    home: list[Example]
    abroad: list[Example]


def answers_of(
    task: Task, network: str, recipe: Recipe, name: str, parts: Parts, folder: Path, views: tuple[str, ...]
) -> FoldAnswers:
    """Answers of one network: from `folder` if it was asked before, else trained, asked and written there.

    A training that was stopped goes on with the epoch after its last.
    """
    run = run_of(folder, name)
    words, done = run / "recipe.txt", run / ANSWERS
    asked_for = training_words(network, recipe, parts)
    if words.exists() and words.read_text(encoding="utf-8") != asked_for:
        # Answers, and the checkpoint of a stopped training, are of something else.
        shutil.rmtree(run)
    run.mkdir(parents=True, exist_ok=True)
    words.write_text(asked_for, encoding="utf-8")
    if done.exists():
        return read_answers(done, task)
    model = train_short(task, network, recipe, parts.learned, run)
    write_answers(done, ask_network(task, model, recipe, name, parts, views))
    return read_answers(done, task)


def run_of(folder: Path, name: str) -> Path:
    """The folder in `folder` of the fold of this name."""
    return folder / re.sub(r"\W+", "-", name).strip("-").lower()


def ask_network(
    task: Task, model: keras.Model, recipe: Recipe, name: str, parts: Parts, views: tuple[str, ...]
) -> FoldAnswers:
    """What a network that learned `parts.learned` says of the other images."""
    unlearned = {head.key: _unlearned(head.key, len(head.labels), parts.learned) for head in task.heads}

    def ask(examples: list[Example]) -> Asked:
        return asked(examples, validation_logits(model, examples, recipe.spec, views), unlearned)

    return FoldAnswers(name, ask(parts.home), ask(parts.abroad))


def training_words(network: str, recipe: Recipe, parts: Parts) -> str:
    """What tells one training from another: network, recipe, and the images learned from and asked about."""
    images = [[one.path.name for one in some] for some in (parts.learned, parts.home, parts.abroad)]
    digest = hashlib.sha256(json.dumps(images).encode()).hexdigest()
    return f"{network}\n{recipe!r}\n{digest}\n"


def leave_out(task: Task, folds: Sequence[Fold], fold: Fold) -> Parts:
    """Training and validation images without the fold's sources, and all but the test images of the fold.

    A group (patient, lesion) that the network met elsewhere is not asked about. The groups of an origin that several
    folds leave out are dealt among these.
    """
    examples = load_examples(task, splits=("train", "val"))
    rest = [one for one in examples if not fold.holds(one.origin)]
    met = {one.group for one in rest}
    dealt = _deal([one for one in examples if fold.holds(one.origin)], folds)
    abroad = [one for one in dealt[fold] if one.group not in met]
    if not abroad:
        raise SystemExit(f"No image of {task.title} is of {', '.join(fold.origins)}, the fold {fold.name!r}.")
    learned, home = ([one for one in rest if one.split == split] for split in ("train", "val"))
    return Parts(learned, home, abroad)


def keep_apart(task: Task) -> Parts | None:
    """The stricter split of a task that has one (`Source.blocks`); images without a block stay where they are.

    Test images take no part here either: training and validation images are dealt anew.
    """
    examples = load_examples(task, splits=("train", "val"))
    if not any(one.block for one in examples):
        return None
    by_part = {split: [one for one in examples if (one.block or one.split) == split] for split in ("train", "val")}
    without_block = [one for one in by_part["val"] if not one.block]
    apart = [one for one in examples if one.block == "test"]
    return Parts(by_part["train"], by_part["val"], [*apart, *without_block])


def _deal(examples: Sequence[Example], folds: Sequence[Fold]) -> dict[Fold, list[Example]]:
    """Fold -> those of the images that it is asked about."""
    dealt: dict[Fold, list[Example]] = {fold: [] for fold in folds}
    places = {group: place for place, group in enumerate(sorted({one.group for one in examples}))}
    for one in examples:
        holders = [fold for fold in folds if fold.holds(one.origin)]
        dealt[holders[places[one.group] % len(holders)]].append(one)
    return dealt


def _unlearned(key: str, labels: int, learned: Sequence[Example]) -> list[int]:
    """Targets of this head that fewer than FEWEST of the learned images have, by their label."""
    targets = np.array([one.targets[key] for one in learned])
    counts = np.bincount(targets[targets != MISSING] % labels, minlength=labels)
    scarce = np.flatnonzero(counts < FEWEST)
    return [target for target in range(targets.max(initial=0) + labels) if target % labels in scarce]


def train_short(task: Task, network: str, recipe: Recipe, examples: list[Example], run: Path) -> keras.Model:
    """A network from the ImageNet start, with the averaged weights of its last epoch: nothing is chosen by a score."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(SEED)
    batches = Batches(task, examples, recipe, training=True, seed=SEED)
    model = start_network(task, network, recipe, weights=imagenet_weights(trunk_of(network)))
    compile_for_training(task, model, examples, recipe, steps=recipe.epochs * len(batches))
    callbacks = [
        keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
        keras.callbacks.CSVLogger(run / store.EPOCHS, append=True),
        keras.callbacks.BackupAndRestore(run / "backup"),
    ]
    model.fit(batches, epochs=recipe.epochs, callbacks=callbacks, verbose=2)
    model.save_weights(run / WEIGHTS)
    return model
