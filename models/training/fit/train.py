"""One training from its first epoch to its best, which goes on where it was stopped."""

import csv
from pathlib import Path

import keras

from models.task import Task
from models.training.datasets import load_examples
from models.training.fit.batches import Batches
from models.training.fit.network import start_network
from models.training.fit.optimiser import compile_for_training
from models.training.fit.score import ValidationScore
from models.training.recipe import Recipe
from models.training.store import EPOCHS, run_folder

BEST = "best.weights.h5"


def train(
    task: Task,
    name: str,
    recipe: Recipe,
    *,
    weights: Path | None,
    start: Path | None = None,
    exclude: tuple[str, ...],
    seed: int,
    precision: str = "float32",
) -> keras.Model:
    """Fit the network of this name, which begins with its trunk's; returns it with the weights of its best epoch.

    `weights`: ImageNet start of the trunk. `start`: a network trained before, to go on from; it wins over `weights`.
    `precision`: Keras's policy for what the trunk computes while it learns; what is returned computes in float32.
    """
    keras.utils.set_random_seed(seed)
    run = run_folder(task.name, name)
    run.mkdir(parents=True, exist_ok=True)
    examples = load_examples(task, splits=("train",), exclude=exclude)
    batches = Batches(task, examples, recipe, training=True, seed=seed)
    validation = Batches(task, load_examples(task, splits=("val",), exclude=exclude), recipe, training=False, seed=seed)
    network = start_network(task, name, recipe, weights=weights, start=start, precision=precision)
    compile_for_training(task, network, examples, recipe, steps=recipe.epochs * len(batches))
    network.fit(
        batches,
        epochs=recipe.epochs,
        verbose="auto",
        callbacks=_callbacks(task, validation, recipe, run),
    )
    network.load_weights(run / BEST)
    plain = start_network(task, name, recipe, weights=None)
    plain.set_weights(network.get_weights())
    return plain


def _callbacks(task: Task, validation: Batches, recipe: Recipe, run: Path) -> list[keras.callbacks.Callback]:
    reached = _best_before_the_stop(run)
    return [
        # First, so that the others see the averaged weights at the end of each epoch.
        keras.callbacks.SwapEMAWeights(swap_on_epoch=True),
        ValidationScore(task, validation),
        keras.callbacks.ModelCheckpoint(
            run / BEST,
            monitor="val_score",
            mode="max",
            save_best_only=True,
            save_weights_only=True,
            initial_value_threshold=reached,
        ),
        keras.callbacks.CSVLogger(run / EPOCHS, append=True),
        keras.callbacks.EarlyStopping(monitor="val_score", mode="max", patience=recipe.patience, baseline=reached),
        keras.callbacks.BackupAndRestore(run / "backup"),
    ]


def _best_before_the_stop(run: Path) -> float | None:
    """The best validation score of a stopped run that goes on now; None, and a clean log, for a new run."""
    log = run / EPOCHS
    if not (run / "backup").exists():
        log.unlink(missing_ok=True)
    if not log.exists():
        return None
    with log.open(newline="", encoding="utf-8") as file:
        return max((float(row["val_score"]) for row in csv.DictReader(file)), default=None)
