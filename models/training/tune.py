"""Search hyper-parameters: python -m models.training.tune TASK [--trials N] [--epochs E] [--size PX] ...

Each trial trains a short network with other parameters and is scored on validation as `fit` scores its epochs; trials
that fall behind the median are stopped early. The study lies in runs/<task>/tuning.db: a stopped search goes on where
it was. What was tried is kept in models/weights/<task>/<network>/tuning.json, the best first:

    {"created": ISO date, "study": {"network", "size", "epochs", "seed", "validation_images", "score"},
     "space": {PARAMETER: {"low", "high", "log"}},
     "trials": [{"number", "state": "complete" or "pruned", "score", "epochs", "seconds", "parameters": {NAME: value}}]}

The best is printed as a recipe; a human takes it over into that of the task, after a whole training that confirms it.
"""

import argparse
import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import optuna
from tqdm import tqdm

from models.architectures import TRUNKS
from models.deployment import NetworkId
from models.imaging import InputSpec
from models.task import Task
from models.training import store
from models.training.augment import Augmentation
from models.training.datasets import load_examples
from models.training.fit.batches import Batches
from models.training.fit.network import imagenet_weights, start_network
from models.training.fit.optimiser import compile_for_training
from models.training.fit.score import ValidationScore
from models.training.manifest import Example, read_pixels
from models.training.recipe import Recipe
from models.training.recipes import RECIPES, training_task

SEED = 20261120
SCORE = "best epoch's mean of accuracy, balanced accuracy and macro AUC on validation, heads weighted as their losses"
# Trials that run through before any is stopped early, and epochs that each may take: the first ones tell little.
UNPRUNED_TRIALS, UNPRUNED_EPOCHS = 4, 1
FINISHED = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)


@dataclasses.dataclass(frozen=True)
class Range:
    """Where one parameter is searched; `log`: evenly in its logarithm."""

    low: float
    high: float
    log: bool = False


# Fields of Recipe, and `augmentation`: the factor on the strengths of the task's own augmentation.
SPACE = {
    "learning_rate": Range(5e-5, 3e-3, log=True),
    "weight_decay": Range(1e-4, 1e-1, log=True),
    "dropout": Range(0.0, 0.6),
    "balance": Range(0.0, 1.0),
    "label_smoothing": Range(0.0, 0.2),
    "averaging": Range(0.9, 0.999),
    "augmentation": Range(0.3, 1.7),
}


def parameters_of(recipe: Recipe) -> dict[str, float]:
    """Where a recipe lies in the space: itself, with its augmentation as it is."""
    return {name: getattr(recipe, name) for name in SPACE if name != "augmentation"} | {"augmentation": 1.0}


def recipe_with(recipe: Recipe, parameters: dict[str, float]) -> Recipe:
    """The recipe with these parameters in place of its own."""
    plain: dict[str, Any] = {name: value for name, value in parameters.items() if name != "augmentation"}
    return dataclasses.replace(recipe, augmentation=scaled(recipe.augmentation, parameters["augmentation"]), **plain)


def scaled(change: Augmentation, factor: float) -> Augmentation:
    """The augmentation with every strength times `factor`: angles up to 180 degrees, shares and ranges up to 1.

    Mirroring and flipping are no strengths and stay; zoom factors are scaled about 1.
    """
    values: dict[str, Any] = {}
    for name, value in dataclasses.asdict(change).items():
        if isinstance(value, tuple):
            values[name] = tuple(round(end**factor, 4) for end in value)
        elif not isinstance(value, bool):
            values[name] = round(min(value * factor, 180.0 if value > 1 else 1.0), 4)
    return dataclasses.replace(change, **values)


class ReportScore(keras.callbacks.Callback):
    """Tells the study the validation score of each epoch, keeps the best, and stops a trial that falls behind."""

    def __init__(self, trial: optuna.Trial) -> None:
        super().__init__()
        self.trial, self.best, self.pruned = trial, 0.0, False

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        score = (logs or {})["val_score"]
        self.best = max(self.best, score)
        self.trial.report(score, epoch)
        # Not by an exception: that would leave the threads of the batches behind.
        self.pruned = self.model.stop_training = self.trial.should_prune()


class Search:
    """The data of one task, read once, and what a trial does with it."""

    def __init__(self, task: Task, network: str, recipe: Recipe) -> None:
        self.task, self.network, self.recipe = task, network, recipe
        self.train, self.validation = (_read(load_examples(task, splits=(split,))) for split in ("train", "val"))

    def __call__(self, trial: optuna.Trial) -> float:
        """The validation score of the best epoch of a network with this trial's parameters."""
        drawn = {name: trial.suggest_float(name, one.low, one.high, log=one.log) for name, one in SPACE.items()}
        recipe = recipe_with(self.recipe, drawn)
        keras.utils.clear_session()
        keras.utils.set_random_seed(SEED)
        batches = Batches(self.task, self.train, recipe, training=True, seed=SEED)
        validation = Batches(self.task, self.validation, recipe, training=False, seed=SEED)
        network = start_network(self.task, self.network, recipe, weights=imagenet_weights(self.network))
        compile_for_training(self.task, network, self.train, recipe, steps=recipe.epochs * len(batches))
        report = ReportScore(trial)
        scores = [
            keras.callbacks.SwapEMAWeights(swap_on_epoch=True), ValidationScore(self.task, validation), report
        ]  # fmt: skip
        network.fit(batches, epochs=recipe.epochs, callbacks=scores)
        if report.pruned:
            raise optuna.TrialPruned
        return report.best


def _read(examples: list[Example]) -> list[Example]:
    return [dataclasses.replace(one, pixels=read_pixels(one)) for one in tqdm(examples, desc="reading")]


def open_study(task: Task, network: str, recipe: Recipe) -> optuna.Study:
    """The study of this network, size and number of epochs; a new one begins with the recipe as it stands.

    A trial that a stop cut short counts as failed. One search at a time may work on a study.
    """
    folder = store.RUNS / task.name
    folder.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        storage=f"sqlite:///{folder / 'tuning.db'}",
        study_name=f"{network}, {recipe.spec.height} px, {recipe.epochs} epochs",
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(UNPRUNED_TRIALS, UNPRUNED_EPOCHS),
    )
    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    # Seeded by what has been tried: a search that goes on must not draw its first parameters again.
    study.sampler = optuna.samplers.TPESampler(seed=SEED + len(study.get_trials(deepcopy=False)))
    if not study.get_trials(deepcopy=False, states=(*FINISHED, optuna.trial.TrialState.WAITING)):
        study.enqueue_trial(parameters_of(recipe))
    return study


def tried(study: optuna.Study) -> list[dict]:
    """`trials` of tuning.json, the best first; a pruned one has the score of its best epoch."""
    rows = [
        {
            "number": trial.number,
            "state": trial.state.name.lower(),
            "score": round(max(trial.intermediate_values.values()), 4),
            "epochs": len(trial.intermediate_values),
            "seconds": _seconds(trial),
            "parameters": {name: _shortened(value) for name, value in trial.params.items()},
        }
        for trial in study.get_trials(deepcopy=False, states=FINISHED)
    ]
    return sorted(rows, key=lambda row: (row["state"], -row["score"]))


def _seconds(trial: optuna.trial.FrozenTrial) -> int:
    """How long a finished trial took."""
    assert trial.duration is not None
    return round(trial.duration.total_seconds())


def _shortened(value: float) -> float:
    """Three significant digits: no score on some hundred images tells more apart."""
    return float(f"{value:.3g}")


def write_tuning(study: optuna.Study, search: Search, path: Path) -> None:
    facts = {
        "created": datetime.now(UTC).date().isoformat(),
        "study": {
            "network": search.network,
            "size": search.recipe.spec.height,
            "epochs": search.recipe.epochs,
            "seed": SEED,
            "validation_images": len(search.validation),
            "score": SCORE,
        },
        "space": {name: dataclasses.asdict(one) for name, one in SPACE.items()},
        "trials": tried(study),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m models.training.tune", description=__doc__.splitlines()[0])
    parser.add_argument("task", help="a task name, or `modality` for the gate's network")
    parser.add_argument("--network", default="mobilenet_v2", choices=sorted(TRUNKS))
    parser.add_argument("--trials", type=int, default=30, help="of the whole study, those of earlier runs included")
    parser.add_argument("--epochs", type=int, default=6, help="of each trial")
    parser.add_argument("--size", type=int, default=128, help="side in pixels of what the networks read")
    options = parser.parse_args(arguments)
    task, recipe = training_task(options.task), RECIPES[options.task]
    spec = InputSpec(options.size, options.size, recipe.spec.fit)
    search = Search(task, options.network, dataclasses.replace(recipe, spec=spec, epochs=options.epochs))
    path = NetworkId(task.name, options.network).folder / "tuning.json"
    study = open_study(task, options.network, search.recipe)
    done = len(study.get_trials(deepcopy=False, states=FINISHED))
    for _ in tqdm(range(done, options.trials), initial=done, total=options.trials, desc="trials"):
        study.optimize(search, n_trials=1)
        write_tuning(study, search, path)
    best = tried(study)[0]
    print(f"Best of {len(tried(study))} trials: number {best['number']}, score {best['score']:.4f}. Wrote {path}.")
    print(recipe_with(recipe, best["parameters"]))


if __name__ == "__main__":
    main()
