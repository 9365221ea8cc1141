"""The section of a model card that tells how to train the network again."""

import shlex
from collections.abc import Iterator

import models
from app.services.cards.content import Section

AFTER_CALIBRATION = ("distance", "evaluate", "audit")
STARTS = {models.Start.IMAGENET: "ImageNet", models.Start.RANDOM: "random"}


def reproduction_section(task: models.Task, card: models.Card | None) -> Section:
    """The commands, and what the network was trained with."""
    start = _start_file(card) if card else None
    return Section(
        key="reproduce",
        title="How to reproduce it",
        paragraphs=(
            "LUMEN_DATASETS names the folder of data sets. Training that was stopped resumes at its last checkpoint. "
            "The recipe of the task is today's and may have changed since this network was trained.",
            *(
                (f"{start} stands for the network that training started from; docs/networks.md describes it.",)
                if start
                else ()
            ),
        ),
        points=tuple(_training_words(card.training)) if card else (),
        commands=tuple(_commands(task, card)),
    )


def _training_words(training: models.Training) -> Iterator[str]:
    yield f"Epochs: {training.epochs}"
    if training.learning_rate is not None:
        yield f"Peak learning rate: {training.learning_rate}"
    yield f"Random seed: {training.seed}"
    yield f"Started from the weights of: {STARTS.get(training.start, f'network {training.start_sha256}')}"


def _start_file(card: models.Card) -> str | None:
    """A file name for the network that training went on from; None where it began with ImageNet or at random."""
    training = card.training
    return f"start-{training.start_sha256}.keras" if training.start is models.Start.NETWORK else None


def _commands(task: models.Task, card: models.Card | None) -> Iterator[str]:
    module = "python -m models.training"
    network = models.current_deployment().network_of(task).name
    options = _fit_options(card) if card else ()
    yield f"{module}.fit {shlex.join((task.name, '--network', network, *options))}"
    if len(models.registered_networks(task)) > 1:
        # The commands that follow take the network that serves.
        yield f"export LUMEN_NETWORKS={task.name}={network}"
    views = f" --views {' '.join(card.tta_views)}" if card and len(card.tta_views) > 1 else ""
    smaller = (
        (f"precision {task.name} --use {card.precision}", "compile") if card and card.precision != "float32" else ()
    )
    abroad = card.elsewhere if card else None
    for step in (
        "compile",
        *((f"abroad {task.name} --network {abroad.network} --write",) if abroad else ()),
        f"calibrate {task.name}{views}",
        *smaller,
        *(f"{name} {task.name}" for name in AFTER_CALIBRATION),
    ):
        yield f"{module}.{step}"


def _fit_options(card: models.Card) -> Iterator[str]:
    """What this network was trained with, whatever today's recipe says."""
    training = card.training
    yield from ("--side", str(card.spec.height), "--epochs", str(training.epochs))
    if training.learning_rate is not None:
        yield from ("--learning-rate", str(training.learning_rate))
    if training.hidden:
        yield from ("--hidden", *map(str, training.hidden))
    if start := _start_file(card):
        yield from ("--start", start)
    if training.precision is not None:
        yield from ("--precision", training.precision)
    for name in training.excluded:
        yield from ("--exclude-dataset", name)
