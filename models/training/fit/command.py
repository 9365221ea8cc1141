"""Train one network: python -m models.training.fit TASK [--network mobilenet_v2] [--weights FILE] [--epochs N] ...

Writes checkpoints under runs/<task>/<network>/ (a stopped run goes on where it was), then
models/weights/<task>/<network>/model.keras with float16 weights, its card.json with calibration and thresholds, and
curves.png of loss, accuracy and validation score beside the checkpoints.
Runs on any Keras backend.
"""

import argparse
import dataclasses
from pathlib import Path

from models.architectures import TRUNKS, trunk_of
from models.card import Start, Training
from models.card_file import load_card
from models.deployment import CARD, NetworkId, current_deployment, served_tasks
from models.runtime import MODEL, file_sha256
from models.task import Task
from models.training.calibrate import write_first_card
from models.training.datasets import load_examples
from models.training.fit.network import PRECISION_HELP, imagenet_weights
from models.training.fit.train import train
from models.training.plots import draw_training_curves
from models.training.recipe import Recipe
from models.training.recipes import RECIPES, training_task
from models.training.store import EPOCHS, run_folder, save_network


def main(arguments: list[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    task, recipe = training_task(options.task), _recipe(options)
    weights = options.weights or imagenet_weights(options.network)
    exclude = tuple(options.exclude_dataset)
    _check_left_out(task, exclude, options.start)
    start, start_sha256 = _start(options.start, weights)  # Before this network is written: it may replace its start.
    network = train(
        task, options.network, recipe,
        weights=weights, start=options.start, exclude=exclude, seed=options.seed, precision=options.precision,
    )  # fmt: skip
    trained = NetworkId(task.name, options.network)
    write_first_card(
        task, trained, recipe.spec, sha256=save_network(network, trained.folder / MODEL), version=options.version,
        training=Training(
            epochs=recipe.epochs, seed=options.seed, start=start, start_sha256=start_sha256, data=(), excluded=exclude,
            learning_rate=recipe.learning_rate, hidden=recipe.hidden, precision=options.precision,
        ),
    )  # fmt: skip
    curves = run_folder(task.name, options.network) / "curves.png"
    draw_training_curves(curves.with_name(EPOCHS), curves)
    print(f"Wrote {trained.folder} and {curves}. Next: {_next_steps(task, trained)}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m models.training.fit", description=__doc__.splitlines()[0])
    parser.add_argument("task", help="a task name, or `modality` for the gate's network")
    parser.add_argument(
        "--network",
        default="mobilenet_v2",
        type=_network_name,
        help=f"one of {', '.join(TRUNKS)}, or a name that begins with one: it is registered beside the others",
    )
    parser.add_argument(
        "--weights", type=Path, help="ImageNet start for mobilenet_v2 (default: the one beside the data sets)"
    )
    parser.add_argument("--start", type=Path, help="go on from this model.keras, with a new learning rate schedule")
    parser.add_argument("--side", type=int, help="pixels that it reads, instead of the recipe's")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument("--learning-rate", type=float, help="at its peak, instead of the recipe's")
    parser.add_argument(
        "--hidden", type=int, nargs="+", metavar="WIDTH", help="hidden layers of each head, instead of the recipe's"
    )
    parser.add_argument(
        "--exclude-dataset", action="append", default=[], help="leave out a data set by its dataset_name"
    )
    parser.add_argument("--precision", default="float32", help=PRECISION_HELP)
    parser.add_argument("--seed", type=int, default=20261120)
    parser.add_argument("--version", default="1.0.0", help="written into the card")
    return parser


def _network_name(name: str) -> str:
    try:
        trunk_of(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return name


def _check_left_out(task: Task, exclude: tuple[str, ...], start: Path | None) -> None:
    """SystemExit where a name in `exclude` is of no data set, or where `start` may have learned from that data set.

    Else the card would promise what the network does not keep.
    """
    known = {example.dataset_name for example in load_examples(task)} if exclude else set()
    for name in exclude:
        if name not in known:
            raise SystemExit(f"{task.title} has no data set {name!r}. Its data sets: {', '.join(sorted(known))}.")
        if start is not None and name not in _left_out_of(start):
            raise SystemExit(f"{start} may have learned from {name!r}: its card does not say that it was left out.")


def _left_out_of(start: Path) -> tuple[str, ...]:
    """The data sets that the card beside this network says were left out; none without a card."""
    card = start.with_name(CARD)
    return load_card(card).training.excluded if card.exists() else ()


def _next_steps(task: Task, trained: NetworkId) -> str:
    if task not in served_tasks():
        start = trained.folder / MODEL
        return f"python -m models.training.fit TASK --network {trained.name} --start {start}"
    is_serving = current_deployment().network_of(task) == trained
    chosen = "" if is_serving else f"with LUMEN_NETWORKS={task.name}={trained.name} in the environment "
    return (
        f"{chosen}python -m models.training.compile, then python -m models.training.distance {task.name}, then "
        f"python -m models.training.evaluate {task.name}"
    )


def _recipe(options: argparse.Namespace) -> Recipe:
    """The task's recipe with what the options say instead."""
    recipe = RECIPES[options.task]
    side = options.side
    return dataclasses.replace(
        recipe,
        spec=dataclasses.replace(recipe.spec, height=side, width=side) if side else recipe.spec,
        epochs=options.epochs or recipe.epochs,
        learning_rate=options.learning_rate or recipe.learning_rate,
        hidden=tuple(options.hidden or recipe.hidden),
    )


def _start(start: Path | None, weights: Path | None) -> tuple[Start, str]:
    """Where the weights begin, and the first digits of the hash of the network that they go on from."""
    if start is not None:
        return Start.NETWORK, file_sha256(start)[:12]
    return (Start.IMAGENET if weights else Start.RANDOM), ""
