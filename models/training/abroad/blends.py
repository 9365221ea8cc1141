"""Blends of networks abroad: python -m models.training.abroad.blends TASK RUN [RUN ...] [--soup] [--to-start SHARE]

Asks whether several networks answer better abroad than one, on the folds that `python -m models.training.abroad TASK
--name RUN` has trained. Without an option the logits of the runs are averaged, fold by fold. --soup averages their
weights instead (Wortsman et al., ICML 2022, arXiv:2203.05482), which costs nothing in serving but asks for one
architecture and start. --to-start moves the trunk back towards ImageNet by this share (WiSE-FT, Wortsman et al., CVPR
2022, arXiv:2109.01903), of one run or of a soup.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from models.architectures import trunk_of
from models.task import Task
from models.training import store
from models.training.abroad.answers import Asked, FoldAnswers, read_answers
from models.training.abroad.command import FIELDS, VIEWS, change, short_recipe, show
from models.training.abroad.networks import ANSWERS, WEIGHTS, ask_network, leave_out, run_of
from models.training.calibrate import fit_temperature
from models.training.fit.network import imagenet_weights, start_network
from models.training.recipe import Recipe
from models.training.recipes import RECIPES, training_task


def mean_answers(task: Task, answers: Sequence[FoldAnswers]) -> FoldAnswers:
    """One fold's answers of several networks as one: logits at the temperature of each one's own images, averaged."""
    head = task.head(task.primary)
    homes = [one.home.of(task, head) for one in answers]
    scales = [1 / fit_temperature(home.logits, home.truth) for home in homes]

    def mean(parts: Sequence[Asked]) -> Asked:
        if any((part.groups != parts[0].groups).any() for part in parts):
            raise SystemExit("These runs were asked about other images than each other: train them anew.")
        logits = {
            key: np.mean([scale * part.logits[key] for scale, part in zip(scales, parts, strict=True)], axis=0)
            for key in parts[0].logits
        }
        return Asked(logits, parts[0].targets, parts[0].groups, parts[0].origins)

    return FoldAnswers(answers[0].fold, mean([one.home for one in answers]), mean([one.abroad for one in answers]))


def soup(task: Task, network: str, recipe: Recipe, weights: Sequence[Path], to_start: float) -> keras.Model:
    """A network of the mean of these weights, its trunk moved towards ImageNet by the share `to_start`."""
    model = start_network(task, network, recipe, weights=imagenet_weights(trunk_of(network)))
    start, sums = model.get_weights(), [np.zeros_like(value) for value in model.get_weights()]
    for path in weights:
        model.load_weights(path)
        sums = [total + value / len(weights) for total, value in zip(sums, model.get_weights(), strict=True)]
    # The heads had no start worth going back to.
    heads = {id(value) for layer in model.layers for value in layer.weights if _is_of_a_head(task, layer.name)}
    shares = [0.0 if id(value) in heads else to_start for value in model.weights]
    blended = [s * first + (1 - s) * mean for s, first, mean in zip(shares, start, sums, strict=True)]
    model.set_weights(blended)
    return model


def _is_of_a_head(task: Task, layer: str) -> bool:
    return layer.startswith(tuple(f"{head.key}_" for head in task.heads))


def main(arguments: list[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    task = training_task(options.task)
    recipe = short_recipe(RECIPES[task.name], dict(options.changes))
    folders = [store.RUNS / "abroad" / task.name / run for run in options.run]
    answers = []
    for fold in recipe.folds:
        runs = [run_of(folder, fold.name) for folder in folders]
        if options.soup or options.to_start:
            model = soup(task, options.network, recipe, [run / WEIGHTS for run in runs], options.to_start)
            parts = leave_out(task, recipe.folds, fold)
            answers.append(ask_network(task, model, recipe, fold.name, parts, VIEWS))
        else:
            answers.append(mean_answers(task, [read_answers(run / ANSWERS, task) for run in runs]))
    show(task, recipe, answers, None)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m models.training.abroad.blends", description=__doc__.splitlines()[0]
    )
    parser.add_argument("task", help="a task name")
    parser.add_argument("run", nargs="+", help="names of runs of abroad, all of their folds trained")
    parser.add_argument("--network", default="mobilenet_v2", help="the trunk of the runs, for a soup")
    parser.add_argument("--soup", action="store_true", help="average weights instead of answers")
    parser.add_argument("--to-start", type=float, default=0.0, metavar="SHARE", help="0 to 1, back towards ImageNet")
    parser.add_argument(
        "--with", dest="changes", action="append", default=[], type=change, metavar="FIELD=VALUE",
        help=f"what the runs were trained with: {', '.join(FIELDS)}, side or colour",
    )  # fmt: skip
    return parser


if __name__ == "__main__":
    main()
