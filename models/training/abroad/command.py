"""Leave one source out: python -m models.training.abroad TASK [--network NAME] [--with FIELD=VALUE ...] [--name RUN]

For each fold of the task's recipe a short network learns without the fold's sources; what it answers about their
training and validation images is pooled. Prints how right, how sure and how dangerous the answers are, decided once as
a hospital at home would (calibrated on validation images) and once with the calibration of the other folds.

Answers are kept under runs/abroad/<task>/<run>/; a stopped run goes on, a finished one is only measured again. With
--write the measures go into the card of the network that serves.
"""

import argparse
import ast
import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from models.card_file import load_card, write_card
from models.deployment import current_deployment
from models.elsewhere import Elsewhere
from models.measures import MeasureSet
from models.task import Task
from models.training import augment, store
from models.training.abroad.answers import FoldAnswers, HeadAsked
from models.training.abroad.decisions import at_home, cross_fitted, fit_abroad, home_card, pooled
from models.training.abroad.measure import Told, join, measure, tell
from models.training.abroad.networks import Parts, answers_of, keep_apart, leave_out
from models.training.calibrate import rounded_card
from models.training.recipe import Recipe
from models.training.recipes import RECIPES, training_task

# Faster than in a whole training: this average has to forget its start within a few hundred steps.
AVERAGING = 0.97
VIEWS = ("original",)
# What `--with` may change: fields of a recipe, `side` and `colour` of what it reads, and parts of its augmentation.
FIELDS = tuple(field.name for field in dataclasses.fields(Recipe))
PART = "augmentation."


def main(arguments: list[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    task = training_task(options.task)
    recipe = short_recipe(RECIPES[task.name], dict(options.changes))
    folder = store.RUNS / "abroad" / task.name / options.name

    def answers_to(name: str, parts: Parts) -> FoldAnswers:
        return answers_of(task, options.network, recipe, name, parts, folder, VIEWS)

    answers = [answers_to(fold.name, leave_out(task, recipe.folds, fold)) for fold in recipe.folds]
    parts = keep_apart(task) if options.apart else None
    apart = answers_to("patients apart", parts) if parts else None
    show(task, recipe, answers, apart)
    if options.write:
        write(task, options.network, recipe, answers, apart)


def short_recipe(recipe: Recipe, changes: dict[str, Any]) -> Recipe:
    """`recipe`, shorter and smaller, then with the changes of a trial."""
    side = changes.get("side", recipe.abroad_side)
    spec = dataclasses.replace(recipe.spec, height=side, width=side, colour=changes.get("colour", recipe.spec.colour))
    augmentation = changes.get("augmentation", recipe.augmentation)
    parts = {name.removeprefix(PART): value for name, value in changes.items() if name.startswith(PART)}
    others = {name: value for name, value in changes.items() if name in FIELDS}
    return dataclasses.replace(
        recipe,
        spec=spec,
        **{
            "epochs": recipe.abroad_epochs,
            "averaging": AVERAGING,
            **others,
            "augmentation": dataclasses.replace(augmentation, **parts),
        },
    )


def told_at_home(task: Task, recipe: Recipe, answers: Sequence[FoldAnswers], place: str) -> list[Told]:
    """What each network says of `place` ("home" or "abroad") with the calibration of its own validation images."""
    head = task.head(task.primary)
    return [
        tell(getattr(one, place).of(task, head), home_card(head, one.home.of(task, head), recipe.miss_rate))
        for one in answers
    ]


def abroad_at_home(task: Task, answers: Sequence[FoldAnswers]) -> list[HeadAsked]:
    """The images left out, as the primary head of each network answers them at the temperature of its own images."""
    head = task.head(task.primary)
    return [at_home(one.abroad.of(task, head), one.home.of(task, head)) for one in answers]


def show(task: Task, recipe: Recipe, answers: Sequence[FoldAnswers], apart: FoldAnswers | None) -> None:
    """Print the measures, each way of deciding under its name."""
    usual = told_at_home(task, recipe, answers, "abroad")
    for one, told in zip(answers, usual, strict=True):
        _print(f"left out: {one.fold}", measure(told))
    _print("at home", measure(join(told_at_home(task, recipe, answers, "home"))))
    if apart:
        _print("at home, patients apart", measure(join(told_at_home(task, recipe, [apart], "abroad"))))
    _print("abroad, calibrated at home", measure(join(usual)))
    if len(answers) > 1:
        _print("abroad, calibrated abroad", measure(join(cross_fitted(abroad_at_home(task, answers)))))


def _print(name: str, measures: MeasureSet) -> None:
    print(f"== {name}")
    for one in measures.measures:
        print(f"   {one.metric.words:34} {one.value:.3f} [{one.low:.3f}, {one.high:.3f}] n={one.n}")
    aucs = ", ".join(f"{key} {one.value:.3f}" for key, (one,) in measures.labels.items())
    print(f"   AUC of each answer: {aucs}", flush=True)


def write(task: Task, network: str, recipe: Recipe, answers: Sequence[FoldAnswers], apart: FoldAnswers | None) -> None:
    """Put the measures, by the calibration of the other folds, into the card of the network that serves."""
    asked = abroad_at_home(task, answers)
    told = cross_fitted(asked)
    decision, miss_rates = fit_abroad(task.head(task.primary), pooled(asked))
    elsewhere = Elsewhere(
        created=datetime.now(UTC).date().isoformat(),
        network=network,
        side=recipe.spec.width,
        epochs=recipe.epochs,
        decision=rounded_card(decision),
        miss_rates=miss_rates,
        overall=measure(join(told)),
        home=measure(join(told_at_home(task, recipe, answers, "home"))),
        apart=measure(join(told_at_home(task, recipe, [apart], "abroad"))) if apart else None,
        folds={one.fold: measure(some) for one, some in zip(answers, told, strict=True)},
    )
    path = current_deployment().network_of(task).card_path
    write_card(path, dataclasses.replace(load_card(path), elsewhere=elsewhere))
    print(f"Wrote {path}.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m models.training.abroad", description=__doc__.splitlines()[0])
    parser.add_argument("task", help="a task name")
    parser.add_argument("--network", default="mobilenet_v2", help="the trunk that the short networks have")
    parser.add_argument("--name", default="recipe", help="the run's name, to keep trials apart")
    parser.add_argument(
        "--with", dest="changes", action="append", default=[], type=change, metavar="FIELD=VALUE",
        help="another value of a field, of side or colour, or the name of an augmentation; augmentation.PART=VALUE",
    )  # fmt: skip
    parser.add_argument("--apart", action="store_true", help="one more network, for a stricter split at home")
    parser.add_argument("--write", action="store_true", help="keep the measures beside the network that serves")
    return parser


def change(words: str) -> tuple[str, Any]:
    """FIELD=VALUE of the command line. Raises argparse.ArgumentTypeError for a field that no recipe has."""
    field, _, value = words.partition("=")
    if field not in (*FIELDS, "side", "colour") and not field.startswith(PART):
        raise argparse.ArgumentTypeError(f"a recipe has no {field!r}; it has {', '.join(FIELDS)}")
    if field == "augmentation":
        return field, getattr(augment, value)
    return field, value if field == "colour" else ast.literal_eval(value)
