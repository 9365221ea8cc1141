"""Measure the network that serves a task: python -m models.training.evaluate TASK [--split test] [--manifest CSV] ...

Every image takes the way of an upload (models/training/scoring.py). Without --manifest and with the split `test`, the
numbers are written into the card that pages and reports quote: that split is looked at once per released version.

A manifest is a CSV file with the columns `path` (relative to its folder), the task's label columns (as in SOURCES of
models/training/datasets.py) and, where they are known, `dataset_name`, `group` (images of one patient) and `split`. Its
labels count as they stand there, while those of corrections.csv are right for the task's own images.

What is measured, all with 95 % bootstrap intervals over groups, is told by models.card.Metrics.

Two views of abstention stand side by side. "Decided" and all measures of right and wrong are the network's own, over
all images, whatever the gate said. "Refused", "Not asked", "Inconclusive" and "Answered" are what a user meets, and sum
to 1: an image that the gate refuses is not answered, however right the network would have been.
"""

import argparse
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from models.calibration import HeadCard
from models.card import HeadMetrics, Metrics, ReliabilityBin
from models.card_file import NetworkUnavailable, load_card, read_card, write_card
from models.deployment import current_deployment
from models.measures import Measure, MeasureSet
from models.records import to_json
from models.task import Task
from models.training import metrics
from models.training.datasets import load_examples, load_manifest
from models.training.gate_rates import gate_rates
from models.training.manifest import SPLITS, Example, UnfitManifest
from models.training.measuring import measure_head, measure_refusals, thin_risk_coverage
from models.training.outside import InsideRepository, check_outside_repository
from models.training.predictions import write_predictions
from models.training.recipes import RECIPES, training_task
from models.training.scoring import HeadScores, ImageScore, head_scores, score_images


def evaluate(task: Task, images: list[ImageScore], split: str) -> Metrics:
    """All that is measured of one network.

    The gate's own network is measured by what the gates of all tasks do with the images of `split`, too.
    """
    card = read_card(task)
    scores = {head.key: head_scores(head, images) for head in task.heads}
    measured = Metrics(
        split=split,
        sha256=card.sha256,
        n=len(images),
        heads={key: head_metrics(task, one, card.heads[key]) for key, one in scores.items() if len(one.truth)},
    )
    if not RECIPES[task.name].behind_gate:
        return replace(measured, gate=gate_rates(split))
    refused = np.array([image.refused for image in images])
    groups = np.array([image.example.group for image in images])
    return replace(measured, refused_by_gate=measure_refusals(refused, groups))


def head_metrics(task: Task, scores: HeadScores, card: HeadCard) -> HeadMetrics:
    """All that is measured of one head, overall, per data set and per source of several data sets."""
    overall = measure_head(scores, card)
    return HeadMetrics(
        n=len(scores.truth),
        overall=overall,
        datasets=_by_dataset(scores, card, overall),
        sources=_by_source(task, scores, card),
        reliability=tuple(_rounded(one) for one in metrics.reliability(scores.probabilities, scores.truth)),
        risk_coverage=thin_risk_coverage(scores),
    )


def _by_dataset(scores: HeadScores, card: HeadCard, overall: MeasureSet) -> dict[str, MeasureSet]:
    names = scores.dataset_names
    return {
        str(name): overall if (names == name).all() else measure_head(scores.take(np.flatnonzero(names == name)), card)
        for name in tqdm(np.unique(names), desc=f"measuring {scores.head.key}")
    }


def _by_source(task: Task, scores: HeadScores, card: HeadCard) -> dict[str, MeasureSet]:
    names = scores.dataset_names
    rows = {source.name: np.flatnonzero(np.isin(names, source.datasets)) for source in task.sources}
    return {
        name: measure_head(scores.take(chosen), card)
        for name, chosen in rows.items()
        if len(np.unique(names[chosen])) > 1
    }


def _rounded(one: ReliabilityBin) -> ReliabilityBin:
    return ReliabilityBin(round(one.confidence, 4), round(one.accuracy, 4), one.n)


def write_metrics(task: Task, measured: Metrics) -> None:
    """Put what was measured into the card of the network that serves `task`."""
    path = current_deployment().network_of(task).card_path
    write_card(path, replace(load_card(path), metrics=measured))


def show(measured: Metrics) -> None:
    """Print what was measured of each head, all labels together, and how often the gate refuses."""
    for key, head in measured.heads.items():
        _print_measures(key, head.overall.measures)
    if measured.refused_by_gate:
        _print_measures("gate", (measured.refused_by_gate,))
    for task, rates in measured.gate.items():
        for images, one in rates.items():
            print(f"{task:12} {_line(images.words, one)}")


def _print_measures(of: str, measures: Iterable[Measure]) -> None:
    for one in measures:
        print(f"{of:12} {_line(one.metric.words, one)}")


def _line(title: str, one: Measure) -> str:
    return f"{title:44} {one.value:.3f} [{one.low:.3f}, {one.high:.3f}] n={one.n}"


def _examples(task: Task, manifest: Path | None, split: str | None) -> list[Example]:
    if manifest is None:
        return load_examples(task, splits=(split or "test",))
    return load_manifest(task, manifest, split)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m models.training.evaluate", description=__doc__.splitlines()[0])
    parser.add_argument("task", help="a task name, or `modality` for the gate's network")
    parser.add_argument("--manifest", type=Path, help="score these images instead of the task's own")
    parser.add_argument("--split", choices=SPLITS, help="default: test; with --manifest all rows")
    parser.add_argument("--json", type=Path, help="write what was measured here")
    parser.add_argument("--predictions", type=Path, help="write each image's probabilities here, for compare")
    parser.add_argument("--plots", type=Path, help="draw into this folder, outside of the repository")
    options = parser.parse_args(arguments)
    task = training_task(options.task)
    try:
        if options.plots:
            check_outside_repository(options.plots)
        images = score_images(task, _examples(task, options.manifest, options.split))
        measured = evaluate(task, images, options.split or ("all" if options.manifest else "test"))
    except (UnfitManifest, NetworkUnavailable, InsideRepository) as error:
        raise SystemExit(str(error)) from None
    if measured.split == "test" and not options.manifest:
        # Imported here, since it takes Keras, which nothing else of this command does.
        from models.training.golden import write_golden

        write_metrics(task, measured)
        write_golden(task)
    if options.json:
        options.json.write_text(json.dumps(to_json(measured), indent=1) + "\n", encoding="utf-8")
    if options.predictions:
        write_predictions(options.predictions, task, images, measured.split)
    if options.plots:
        # Imported here, since it takes Matplotlib.
        from models.training.plots import draw_scores

        draw_scores(task, images, options.plots)
    show(measured)


if __name__ == "__main__":
    main()
