"""Measure the network that serves a task: python -m models.training.evaluate TASK [--split test] [--manifest CSV] ...

Every image takes the way of an upload (models/training/scoring.py). Without --manifest and with the split `test`, the
numbers are written into the card that pages and reports quote: that split is looked at once per released version.

A manifest is a CSV file with the columns `path` (relative to its folder), the task's label columns (as in SOURCES of
models/training/datasets.py) and, where they are known, `dataset_name`, `group` (images of one patient) and `split`. Its
labels count as they stand there, while those of corrections.csv are right for the task's own images.

What is measured, all with 95 % bootstrap intervals over groups; Measure is {"name", "value", "low", "high", "n"}:

    {"split", "sha256": of the network, "n": images, "refused_by_gate": Measure (quality, modality and distance test),
     "heads": {HEAD: {"n": images whose label is known,
         "measures": [Measure], "labels": {LABEL: [Measure]}, "datasets": {NAME: [Measure]},
         "sources": {SOURCE: {"measures": [Measure], "labels": {LABEL: [Measure]}}} (those of several data sets),
         "details": {"measures": [Measure], "labels": {LABEL: [Measure]},
             "datasets": {NAME: {"measures": [Measure], "labels": {LABEL: [Measure]}}}},
         "reliability": [{"confidence", "accuracy", "n"}] (the bins of 1/15 that hold images),
         "risk_coverage": [{"coverage", "risk"}]}}}

Two views of abstention stand side by side. "Decided" and all measures of right and wrong are the network's own, over
all images, whatever the gate said. "Refused", "Not asked", "Inconclusive" and "Answered" are what a user meets, and sum
to 1: an image that the gate refuses is not answered, however right the network would have been.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from tqdm import tqdm

from models.card import HeadCard, Measure, NetworkUnavailable, card_path
from models.gate import MODALITY_TASK
from models.inference import get_card
from models.task import Task
from models.training import metrics
from models.training.datasets import SPLITS, Example, UnfitManifest, load_examples, load_manifest, training_task
from models.training.gate_rates import gate_rates
from models.training.measuring import (
    LABEL_SUMMARY,
    SOURCE_SUMMARY,
    SUMMARY,
    measure_head,
    measure_share,
    named,
    thin_risk_coverage,
    unnamed,
)
from models.training.outside import InsideRepository, check_outside_repository
from models.training.predictions import write_predictions
from models.training.scoring import HeadScores, ImageScore, head_scores, score_images


def evaluate(task: Task, images: list[ImageScore], split: str) -> dict:
    """All that is measured of one network, as it stands in its card under `metrics`.

    The gate's own network is measured by what the gates of all tasks do with the images of `split`, too.
    """
    card = get_card(task)
    heads = {head.key: head_scores(head, images) for head in task.heads}
    found = {
        "split": split,
        "sha256": card.sha256,
        "n": len(images),
        "heads": {key: head_metrics(task, one, card.heads[key]) for key, one in heads.items() if len(one.truth)},
    }
    if task.name == MODALITY_TASK.name:
        return found | {"gate": gate_rates(split)}
    refused = np.array([image.refused for image in images])
    groups = np.array([image.example.group for image in images])
    return found | {"refused_by_gate": asdict(measure_share("Refused by the gate", refused, groups))}


def head_metrics(task: Task, scores: HeadScores, card: HeadCard) -> dict:
    """All that is measured of one head, overall and per data set; see the module's words for the shape."""
    overall = measure_head(scores, card)
    names = scores.dataset_names
    datasets = {
        str(name): overall if (names == name).all() else measure_head(scores.take(np.flatnonzero(names == name)), card)
        for name in tqdm(np.unique(names), desc=f"measuring {scores.head.key}")
    }
    sources = {
        source.name: measure_head(scores.take(rows), card)
        for source in task.sources
        if len(np.unique(names[rows := np.flatnonzero(np.isin(names, source.datasets))])) > 1
    }
    return {
        "n": len(scores.truth),
        "measures": _facts(named(overall[""], SUMMARY)),
        "labels": {label: _facts(named(found, LABEL_SUMMARY)) for label, found in overall.items() if label},
        "datasets": {name: _facts(named(found[""], SOURCE_SUMMARY)) for name, found in datasets.items()},
        "sources": {
            name: {
                "measures": _facts(named(found[""], SOURCE_SUMMARY)),
                "labels": {label: _facts(named(measures, LABEL_SUMMARY)) for label, measures in found.items() if label},
            }
            for name, found in sources.items()
        },
        "details": {
            "measures": _facts(unnamed(overall[""], SUMMARY)),
            "labels": {label: _facts(unnamed(found, LABEL_SUMMARY)) for label, found in overall.items() if label},
            "datasets": {
                name: {
                    "measures": _facts(unnamed(found[""], SOURCE_SUMMARY)),
                    "labels": {label: _facts(measures) for label, measures in found.items() if label},
                }
                for name, found in datasets.items()
            },
        },
        "reliability": [
            {key: round(value, 4) for key, value in asdict(one).items()}
            for one in metrics.reliability(scores.probabilities, scores.truth)
        ],
        "risk_coverage": thin_risk_coverage(scores),
    }


def _facts(measures: list[Measure]) -> list[dict]:
    return [asdict(found) for found in measures]


def write_metrics(task: Task, found: dict) -> None:
    """Put what was measured into the card of the network that serves `task`."""
    path = card_path(task)
    card = json.loads(path.read_text(encoding="utf-8")) | {"metrics": found}
    path.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def show(found: dict) -> None:
    """Print the short lists, and how often the gate refuses."""
    for key, head in found["heads"].items():
        for one in (*head["measures"], *head["details"]["measures"]):
            print(f"{key:12} {_line(one)}")
    if "refused_by_gate" in found:
        print(f"{'gate':12} {_line(found['refused_by_gate'])}")
    for name, rates in found.get("gate", {}).items():
        for one in rates.values():
            print(f"{name:12} {_line(one)}")


def _line(one: dict) -> str:
    return f"{one['name']:44} {one['value']:.3f} [{one['low']:.3f}, {one['high']:.3f}] n={one['n']}"


def _examples(task: Task, manifest: Path | None, split: str | None) -> list[Example]:
    if manifest is None:
        return load_examples(task, splits=(split or "test",))
    if task.name == MODALITY_TASK.name:
        raise UnfitManifest("The gate's network has no manifest of its own: it is measured on those of all tasks.")
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
        found = evaluate(task, images, options.split or ("all" if options.manifest else "test"))
    except (UnfitManifest, NetworkUnavailable, InsideRepository) as error:
        raise SystemExit(str(error)) from None
    if found["split"] == "test" and not options.manifest:
        # Imported here, since it takes Keras, which nothing else of this command does.
        from models.training.golden import write_golden

        write_metrics(task, found)
        write_golden(task)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if options.predictions:
        write_predictions(options.predictions, task, images, found["split"])
    if options.plots:
        # Imported here, since it takes Matplotlib.
        from models.training.plots import draw_scores

        draw_scores(task, images, options.plots)
    show(found)


if __name__ == "__main__":
    main()
